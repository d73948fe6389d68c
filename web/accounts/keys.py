"""API keys: made once, shown once, kept as a hash; what each may do, from where, until when.

A key has a role like a member, and never more than whoever made it has now: demoted, they
take their keys along; gone, their keys are dead. No key manages people or other keys.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from protos import ids
from web import addresses
from web.accounts import passwords
from web.accounts.models import ApiKey
from web.accounts.rules import KEY_ROLES, MOVES_MONEY, SCOPES, may
from web.audit import service as audit
from web.db import current_tenant, db, enter_tenant

MODES = ("test", "live")
MOST = 50
MOST_NETWORKS = 50
LONGEST = timedelta(days=3660)
# Never stored in whole: what stands before it is the same for all keys of a mode.
_PREFIX = 12


class BadKey(Exception):
    """A field of a new key cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.fix = field, message, fix


@dataclass(frozen=True)
class Key:
    """An API key that was shown to us."""

    key_id: UUID
    tenant_id: UUID
    mode: str
    role: str = "admin"
    scopes: frozenset[str] = frozenset()
    # The role of whoever made it; None where nobody did.
    maker_role: str | None = None
    # Of whoever made it: whether mail reaches them, and whether they have a second factor.
    confirmed: bool = False
    has_second_factor: bool = False

    def may(self, permission: str) -> bool:
        """Whether it has it: by its role, its scopes, and the role of its maker."""
        return (
            permission in SCOPES
            and may(self.role, permission)
            and (not self.scopes or permission in self.scopes)
            and (self.maker_role is None or may(self.maker_role, permission))
        )

    @property
    def actor(self) -> str:
        """As audit events name it."""
        return f"key:{ids.show('api_key', self.key_id)}"


@dataclass(frozen=True)
class Wanted:
    """A key to be made."""

    name: str
    mode: str
    role: str
    scopes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None


def find(key: str, address: str) -> Key | None:
    """Whose key it is; from here on the request works as their tenant. None where it opens
    nothing from there now, whatever the reason."""
    known = addresses.read(address)
    with db.engine.begin() as connection:
        row = connection.execute(
            text("SELECT * FROM web.find_api_key(:hash, CAST(:address AS inet))"),
            {"hash": passwords.hash_token(key), "address": str(known) if known else None},
        ).one_or_none()
    if row is None:
        return None
    enter_tenant(row.tenant_id)
    return Key(
        row.key_id,
        row.tenant_id,
        row.mode,
        row.role,
        frozenset(row.scopes),
        row.maker_role,
        row.confirmed,
        row.second_factor,
    )


def of_tenant() -> Sequence[ApiKey]:
    """The workspace's keys that were not revoked, the newest first."""
    query = select(ApiKey).where(ApiKey.tenant_id == current_tenant(), ApiKey.revoked_at.is_(None))
    return db.session.scalars(query.order_by(ApiKey.created_at.desc())).all()


def read(form: dict[str, str], scopes: Sequence[str]) -> Wanted:
    """What somebody typed. Raises BadKey."""
    name, mode, role = (form.get(each, "").strip() for each in ("name", "mode", "role"))
    if not 1 <= len(name) <= 60:
        raise BadKey("name", "A key needs a name.", "Say in up to 60 characters what it is for.")
    if mode not in MODES:
        raise BadKey("mode", "This is no mode.", "Choose test or live.")
    if role not in KEY_ROLES:
        raise BadKey("role", "No key has this role.", f"Choose one of {', '.join(KEY_ROLES)}.")
    unknown = [each for each in scopes if each not in SCOPES or not may(role, each)]
    if unknown:
        message = f"The role {role} does not have `{unknown[0][:40]}`."
        raise BadKey("scopes", message, "Leave it out, or choose another role.")
    return Wanted(
        name,
        mode,
        role,
        tuple(dict.fromkeys(scopes)),
        _networks(form.get("networks", "")),
        _expiry(form.get("expires", "").strip()),
    )


def create(wanted: Wanted, *, maker: UUID | None, actor: str) -> str:
    """Make it, in the transaction of the caller; the text to show once. Raises BadKey."""
    tenant = current_tenant()
    assert tenant is not None
    if len(of_tenant()) >= MOST:
        raise BadKey("name", f"There are {MOST} keys already.", "Revoke one that is not needed.")
    key = f"fw_{wanted.mode}_{passwords.new_token()}"
    row = ApiKey(
        id=ids.new(),
        tenant_id=tenant,
        name=wanted.name,
        prefix=key[:_PREFIX],
        key_hash=passwords.hash_token(key),
        mode=wanted.mode,
        role=wanted.role,
        scopes=list(wanted.scopes),
        networks=list(wanted.networks),
        expires_at=wanted.expires_at,
        created_by=maker,
    )
    db.session.add(row)
    told = {
        "name": wanted.name,
        "mode": wanted.mode,
        "role": wanted.role,
        "scopes": list(wanted.scopes),
        "networks": list(wanted.networks),
        "expires_at": wanted.expires_at.isoformat() if wanted.expires_at else None,
    }
    audit.record(actor, "api_key:create", ids.show("api_key", row.id), after=told)
    return key


def add_test_key(name: str, actor: str) -> str:
    """A test key that nobody made, of the current tenant. It is shown once."""
    key = create(Wanted(name, "test", "admin"), maker=None, actor=actor)
    db.session.commit()
    return key


def revoke(key_id: UUID, actor: str) -> bool:
    """It opens nothing any more, from the next call on; in the transaction of the caller."""
    row = db.session.scalar(
        select(ApiKey)
        .where(
            ApiKey.id == key_id,
            ApiKey.tenant_id == current_tenant(),
            ApiKey.revoked_at.is_(None),
        )
        .with_for_update()
    )
    if row is None:
        return False
    row.revoked_at = datetime.now(UTC)
    audit.record(actor, "api_key:revoke", ids.show("api_key", key_id), before={"name": row.name})
    return True


def moves_money(key: ApiKey) -> bool:
    """Whether it could, as far as its own role and scopes go."""
    return any(
        may(key.role, each) and (not key.scopes or each in key.scopes) for each in MOVES_MONEY
    )


def _networks(typed: str) -> tuple[str, ...]:
    found = []
    for each in re.split(r"[\s,;]+", typed.strip()):
        if not each:
            continue
        network = addresses.read_network(each)
        if network is None or network.prefixlen == 0:
            message = f"`{each[:60]}` is no address that a key can be kept to."
            raise BadKey("networks", message, "Use 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.")
        found.append(str(network))
    if len(found) > MOST_NETWORKS:
        message = f"There are {len(found)} addresses."
        raise BadKey("networks", message, f"Use at most {MOST_NETWORKS}; a network is one.")
    return tuple(dict.fromkeys(found))


def _expiry(typed: str) -> datetime | None:
    """The end of that day, UTC."""
    if not typed:
        return None
    try:
        day = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadKey("expires", "This is no day.", "Write it as 2027-01-31.") from None
    now = datetime.now(UTC)
    if not now - timedelta(days=1) < day < now + LONGEST:
        raise BadKey("expires", "This day is over, or ten years away.", "Choose one between.")
    return day + timedelta(days=1)
