"""One-time tickets for the live process: who may listen, for the next minute. Pure."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from itsdangerous import BadSignature, URLSafeTimedSerializer

LIFE_SECONDS = 60
_SALT = "live-ticket"


class BadTicket(Exception):
    """The ticket is forged, too old, or not a ticket."""


@dataclass(frozen=True)
class Listener:
    """Who listens: a person with a role in a tenant, in a session."""

    tenant_id: UUID
    person_id: UUID
    session_id: UUID
    role: str


@dataclass(frozen=True)
class Ticket:
    """What lets somebody listen; `number` makes each ticket different."""

    listener: Listener
    number: str


def issue(secret_key: str, listener: Listener) -> str:
    """A new ticket."""
    ids = (listener.tenant_id, listener.person_id, listener.session_id)
    content = [*(each.hex for each in ids), listener.role, uuid4().hex]
    return URLSafeTimedSerializer(secret_key, salt=_SALT).dumps(content)


def read(secret_key: str, text: str) -> Ticket:
    """The ticket behind the text. Raises BadTicket."""
    try:
        *ids, role, number = URLSafeTimedSerializer(secret_key, salt=_SALT).loads(
            text, max_age=LIFE_SECONDS
        )
        tenant, person, session = map(UUID, ids)
        return Ticket(Listener(tenant, person, session, role), number)
    except (BadSignature, ValueError, TypeError) as error:
        raise BadTicket() from error
