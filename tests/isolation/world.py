"""Two tenants with one of every object, and ids of a third that does not exist.

Whatever has a name of theirs holds the word `okapi`, which no answer to us may hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg

from protos import ids
from tests import factories
from tests.conftest import Database
from tests.site.conftest import NOW, Site, Workspace, add_alarm, add_trade
from web import db
from web.accounts import passwords
from web.audit.checkpoints import Signer
from web.audit.sealing import RANGES_SECONDS, Sealer
from web.strategies import secrets

# What tells of them and of nobody else.
WORD = "okapi"

SIGNAL = '{"dialect":"traderspost","ticker":"AAPL","instrument":"AAPL","action":"buy"}'

Make = Callable[[psycopg.Connection, "Holder"], UUID]


@dataclass
class Holder:
    """Somebody's workspace and person, and what to call things of theirs."""

    space: Workspace
    person_id: UUID
    word: str

    @property
    def tenant_id(self) -> UUID:
        return self.space.tenant_id


@dataclass
class World:
    """We, who ask; they, whose things we must not find."""

    site: Site
    ours: Holder
    theirs: Holder

    def id(self, kind: str, whose: str) -> UUID:
        """An id of `ours`, of `theirs`, or one that is nobody's (`ghost`).

        Ours is a fresh one where asking may use it up.
        """
        if whose == "ghost":
            return uuid4()
        holder: Holder = getattr(self, whose)
        if kind in MAKE:
            return MAKE[kind](self.site.owner, holder)
        return UUID(str(getattr(holder.space, f"{kind}_id")))


def build(site: Site) -> World:
    """Fill both workspaces. Theirs is also sealed and signed, as the relay does."""
    world = World(site, *(_fill(site, *named) for named in (("ours", "ours"), ("theirs", WORD))))
    _seal(site.database)
    return world


def _fill(site: Site, which: str, word: str) -> Holder:
    owner, space = site.owner, getattr(site, which)
    person = owner.execute(
        "SELECT person_id FROM web.members WHERE tenant_id = %s", (space.tenant_id,)
    ).fetchone()
    assert person is not None
    holder = Holder(space, person[0], word)
    # Before there is a second factor to ask for.
    site.signed_in(space)
    for make in MAKE.values():
        make(owner, holder)
    strategy = factories.Strategy(space.tenant_id, space.strategy_id)
    token, key = str(uuid4()), site.app.extensions["fillwire.config"].sealing_key
    factories.connector(owner, strategy, name=f"{word} connector", token=token)
    owner.execute(
        "UPDATE web.connectors SET token_sealed = %s WHERE strategy_id = %s",
        (secrets.seal(key, strategy.id, token), strategy.id),
    )
    row = {"tenant": space.tenant_id, "person": holder.person_id, "word": word, "at": NOW}
    row |= {"strategy": space.strategy_id, "connection": space.connection_id, "id": uuid4()}
    row |= {"subscription": space.subscription_id, "hash": uuid4().bytes, "trade": space.trade_id}
    for statement in ROWS:
        owner.execute(statement.encode(), row)
    path = f"/strategies/{space.shown('strategy')}"
    assert site.api(space, "PATCH", path, name=f"{word} strategy")[0] == 200
    return holder


ROWS = (
    "UPDATE web.tenants SET name = %(word)s || ' workspace' WHERE id = %(tenant)s",
    "UPDATE web.connections SET name = %(word)s || ' connection' WHERE id = %(connection)s",
    "UPDATE web.alarms SET message = 'Look at ' || %(word)s WHERE tenant_id = %(tenant)s",
    "UPDATE web.people SET name = %(word)s || ' person' WHERE id = %(person)s",
    "INSERT INTO web.refusals (id, tenant_id, strategy_id, code, minute, message, body, last_at) "
    "VALUES (%(id)s, %(tenant)s, %(strategy)s, 'invalid-payload', %(at)s, %(word)s, '', %(at)s)",
    "INSERT INTO web.former_secrets (strategy_id, tenant_id, kind, secret_hash, until) "
    "VALUES (%(strategy)s, %(tenant)s, 'webhook', %(hash)s, now() + interval '1 day')",
    "INSERT INTO web.settings_versions (subscription_id, tenant_id, version, settings) "
    "VALUES (%(subscription)s, %(tenant)s, 1, '{}')",
    "INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version) "
    "VALUES ('strategy', %(strategy)s, %(tenant)s, 'stop_entries', %(word)s, 'person:x', "
    "%(at)s, 1)",
    "INSERT INTO web.position_changes (id, connection_id, tenant_id, instrument, cause, "
    "change_qty, text, at) "
    "VALUES (%(id)s, %(connection)s, %(tenant)s, 'AAPL', 'moved', 1, %(word)s, now())",
    "INSERT INTO web.emptied_signals (signal_id, tenant_id, body_sha256, parsed_sha256) "
    "VALUES (%(id)s, %(tenant)s, '', '')",
    "INSERT INTO web.erasures (person_id, due_at) VALUES (%(person)s, now() + interval '1 day')",
    "INSERT INTO web.personal_files (person_id) VALUES (%(person)s)",
    "INSERT INTO web.checkpoint_mails (chain, address) VALUES (%(tenant)s, %(word)s)",
    "INSERT INTO web.signal_keys (strategy_id, key, signal_id, body_hash, expires_at) "
    "VALUES (%(strategy)s, %(word)s, %(id)s, %(hash)s, now() + interval '1 day')",
    "INSERT INTO web.entitlements (tenant_id, key, value, until, set_by) "
    "VALUES (%(tenant)s, 'strategies', 1000, now() + interval '1 day', 'staff:x')",
    "INSERT INTO web.doubts (strategy_id, body_hash) VALUES (%(strategy)s, %(hash)s)",
    "INSERT INTO web.totp (person_id, sealed, confirmed_at) VALUES (%(person)s, '', now())",
    "INSERT INTO web.recovery_codes (person_id, code_hash) VALUES (%(person)s, %(hash)s)",
    "INSERT INTO web.links (token_hash, person_id, purpose, expires_at) "
    "VALUES (%(hash)s, %(person)s, 'reset', now() + interval '1 day')",
    "INSERT INTO web.challenges (id, purpose, person_id, challenge, expires_at) "
    "VALUES (%(id)s, 'show', %(person)s, '', now() + interval '1 day')",
    "SELECT web.record_changes(ARRAY[%(tenant)s], ARRAY['trade'], ARRAY[%(trade)s])",
)


def _session(owner: psycopg.Connection, of: Holder) -> UUID:
    made = uuid4()
    owner.execute(
        "INSERT INTO web.sessions (id, token_hash, person_id, tenant_id, expires_at, device) "
        "VALUES (%s, %s, %s, %s, now() + interval '1 day', %s)",
        (made, made.bytes, of.person_id, of.tenant_id, of.word),
    )
    return made


def _passkey(owner: psycopg.Connection, of: Holder) -> UUID:
    made = uuid4()
    owner.execute(
        "INSERT INTO web.passkeys (id, person_id, credential_id, public_key, sign_count, name) "
        "VALUES (%s, %s, %s, '', 0, %s)",
        (made, of.person_id, made.bytes, of.word),
    )
    return made


def _api_key(owner: psycopg.Connection, of: Holder) -> UUID:
    made, key = uuid4(), passwords.new_token()
    owner.execute(
        "INSERT INTO web.api_keys (id, tenant_id, name, prefix, key_hash, mode) "
        "VALUES (%s, %s, %s, 'fw_test_', %s, 'test')",
        (made, of.tenant_id, of.word, passwords.hash_token(key)),
    )
    return made


def _member(owner: psycopg.Connection, of: Holder) -> UUID:
    """Another person of the workspace."""
    made = uuid4()
    owner.execute(
        "INSERT INTO web.people (id, email, name, confirmed_at) VALUES (%s, %s, %s, now())",
        (made, f"{of.word}.{made.hex}@fillwire.test", of.word),
    )
    owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, 'viewer')",
        (of.tenant_id, made),
    )
    return made


def _invitation(owner: psycopg.Connection, of: Holder) -> UUID:
    made = uuid4()
    owner.execute(
        "INSERT INTO web.invitations (id, tenant_id, email, role, token_hash, invited_by, "
        "expires_at) VALUES (%s, %s, %s, 'viewer', %s, %s, now() + interval '1 day')",
        (made, of.tenant_id, f"{of.word}.{made.hex}@fillwire.test", made.bytes, of.person_id),
    )
    return made


def _trade(owner: psycopg.Connection, of: Holder, **more: Any) -> UUID:
    return add_trade(owner, of.space, uuid4(), signal=SIGNAL, **more)


def _waiting(owner: psycopg.Connection, of: Holder) -> UUID:
    """A trade that waits for a person."""
    made = _trade(owner, of, state="QUEUED")
    owner.execute(
        "UPDATE web.trades SET state = 'WAITING_APPROVAL', "
        "approval_expires_at = now() + interval '1 day' WHERE id = %s",
        (made,),
    )
    return made


def _alarm(owner: psycopg.Connection, of: Holder) -> UUID:
    return add_alarm(owner, of.space)


# What asking may use up, or what the workspace has none of by itself. A kind that is not here is
# the workspace's own `<kind>_id`.
MAKE: dict[str, Make] = {
    "session": _session,
    "passkey": _passkey,
    "api_key": _api_key,
    "member": _member,
    "invitation": _invitation,
    "waiting": _waiting,
    "doubtful": partial(_trade, state="NEEDS_ATTENTION", reason="not_provable"),
    "alarm": _alarm,
}
# As which kind of id a kind above is shown.
SHOWN = {"waiting": "trade", "doubtful": "trade", "member": "person"}


def show(kind: str, value: UUID) -> str:
    """As the API and the pages spell it."""
    return ids.show(SHOWN.get(kind, kind), value)


def _seal(database: Database) -> None:
    with db.open_pool(database.url("worker"), size=1, name="test") as pool:
        Sealer(pool, lambda: RANGES_SECONDS).turn()
        Signer(pool, b"k" * 32, []).turn()
