"""The doors beside the site's routes: webhooks, which know no session, and the live stream."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from protos import ids
from tests.isolation import owners
from tests.isolation.unfiltered import without_filter
from tests.isolation.world import World
from tests.site.conftest import BODY
from web.changes.feed import Feed, NotTheirs
from web.changes.tickets import Listener
from web.signals.intake import PREFIX
from web.strategies.rules import SHARED_PATH

JSON = "application/json"


def webhook(two: World, whose: str) -> UUID:
    """The UUID in somebody's webhook URL; every secret of these is `s3cret` at first."""
    row = two.site.owner.execute(
        "SELECT webhook_uuid FROM web.strategy_webhooks WHERE strategy_id = %s",
        (getattr(two, whose).space.strategy_id,),
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def post(two: World, path: str, body: bytes = BODY, **headers: str) -> tuple[int, Any]:
    answer = two.site.client().post(path, data=body, content_type=JSON, headers=headers)
    return answer.status_code, answer.get_json(silent=True)


def unchanged(two: World) -> dict[str, tuple[int, str]]:
    """Theirs, but for what they hear of strangers at their webhook."""
    found = owners.checksums(two.site.owner, two.theirs.tenant_id, two.theirs.person_id)
    return {table: rows for table, rows in found.items() if table != "refusals"}


def test_a_webhook_is_its_uuid_and_its_own_secret(two: World) -> None:
    before = unchanged(two)
    for secret in ("another", f"{webhook(two, 'ours')}", ""):
        status, told = post(two, f"{PREFIX}{webhook(two, 'theirs')}/{secret}")
        assert status in (400, 401, 404)
        assert "okapi" not in str(told)
    assert post(two, f"{PREFIX}{uuid4()}/s3cret")[0] == 404
    assert unchanged(two) == before


def test_ids_of_theirs_in_a_message_of_ours_mean_nothing(two: World) -> None:
    before, theirs = unchanged(two), two.theirs.space
    body = b'{"ticker":"AAPL","action":"buy","quantity":1,"strategy_id":"%s","tenant_id":"%s"}' % (
        theirs.shown("strategy").encode(),
        str(theirs.tenant_id).encode(),
    )
    # `okapi` is a key that they have used.
    status, told = post(
        two, f"{PREFIX}{webhook(two, 'ours')}/s3cret", body, **{"Idempotency-Key": "okapi"}
    )
    assert (status, told["duplicate"]) == (200, False)
    stored = two.site.owner.execute(
        "SELECT tenant_id FROM web.signals WHERE id = %s", (ids.read("signal", told["id"]),)
    ).fetchone()
    assert stored == (two.ours.tenant_id,)
    assert unchanged(two) == before


def test_a_connector_is_its_name_and_its_own_token(two: World) -> None:
    before = unchanged(two)
    body = b'{"connectorName":"okapi connector","connectorToken":"%s","action":"buy"}'
    statuses = {
        two.site.client()
        .post(SHARED_PATH, data=body % str(uuid4()).encode(), content_type=JSON)
        .status_code
        for _ in range(2)
    }
    assert statuses <= {400, 401, 404}
    assert unchanged(two) == before


class Bare(Feed):
    """A stream whose look-ups do not ask for the tenant."""

    async def _read(
        self, listener: Listener, query: str, values: tuple[object, ...]
    ) -> Sequence[Any]:
        return await super()._read(listener, without_filter(query), values)


def listener(two: World) -> Listener:
    """Our person, in a session of theirs."""
    row = two.site.owner.execute(
        "INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at) "
        "SELECT %s, m.person_id, m.tenant_id, now() + interval '1 day' FROM web.members m "
        "WHERE m.person_id = %s AND m.tenant_id = %s RETURNING id, "
        "(SELECT role FROM web.members WHERE person_id = %s AND tenant_id = %s)",
        (uuid4().bytes, *(2 * (two.ours.person_id, two.ours.tenant_id))),
    ).fetchone()
    assert row is not None
    return Listener(two.ours.tenant_id, two.ours.person_id, *row)


async def test_a_stream_tells_of_its_own_tenant_with_the_filter_and_without(two: World) -> None:
    url, ours = two.site.database.url("web"), listener(two)
    for kind in (Feed, Bare):
        feed = kind(url, "redis://127.0.0.1:1/0")
        await feed.open()
        try:
            heard = {each.object_id for each in await feed.after(ours, 0)}
            assert two.ours.space.trade_id in heard
            assert two.theirs.space.trade_id not in heard
            for nobody in (
                replace(ours, tenant_id=uuid4()),
                replace(ours, tenant_id=two.theirs.tenant_id),
                replace(ours, person_id=two.theirs.person_id, tenant_id=two.theirs.tenant_id),
            ):
                with pytest.raises(NotTheirs):
                    await feed.after(nobody, 0)
                with pytest.raises(NotTheirs):
                    await feed.number(nobody)
        finally:
            await feed.close()
