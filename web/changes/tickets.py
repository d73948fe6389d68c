"""One-time tickets for the live process: who may listen, for the next minute. Pure."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from itsdangerous import BadSignature, URLSafeTimedSerializer

LIFE_SECONDS = 60
_SALT = "live-ticket"


class BadTicket(Exception):
    """The ticket is forged, too old, or not a ticket."""


@dataclass(frozen=True)
class Ticket:
    """A person of a tenant; `number` makes each ticket different."""

    tenant_id: UUID
    person_id: UUID
    number: str


def issue(secret_key: str, tenant_id: UUID, person_id: UUID) -> str:
    """A new ticket."""
    content = [tenant_id.hex, person_id.hex, uuid4().hex]
    return URLSafeTimedSerializer(secret_key, salt=_SALT).dumps(content)


def read(secret_key: str, text: str) -> Ticket:
    """The ticket behind the text. Raises BadTicket."""
    try:
        tenant, person, number = URLSafeTimedSerializer(secret_key, salt=_SALT).loads(
            text, max_age=LIFE_SECONDS
        )
        return Ticket(UUID(tenant), UUID(person), number)
    except (BadSignature, ValueError, TypeError) as error:
        raise BadTicket() from error
