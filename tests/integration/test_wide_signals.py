"""Signals for many subscriptions: the first orders wait for nothing, and none is lost between."""

from uuid import UUID

import psycopg
import pytest

from protos import ids
from tests import factories
from tests.integration.road_kit import Road
from web.execution_client import ExecutionClient, ExecutionDown
from web.trades import handing, service
from web.trades.service import Drain


def test_the_first_orders_of_many_do_not_wait_for_the_rest(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    for _ in range(300):
        factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.drain.drain_due()
    assert len(road.store.trades) == 300 and road.store.calls == 2


def test_a_wide_signal_goes_ahead_with_a_few_and_whoever_repeats_it_makes_each_once(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WIDE", 4)
    monkeypatch.setattr(service, "AHEAD", 2)
    strategy = factories.strategy(road.owner)
    for _ in range(6):
        factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.lose()
    ahead = [row[0].hex for row in road.trades("id")]
    assert len(ahead) == 2 and road.watermarks() == (1, 0, 0)
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert road.store.order[:2] == ahead
    seqs = [road.store.trades[trade_id].signal_seq for trade_id in road.store.order]
    assert seqs == [1] * 6 + [2] * 6
    assert len(road.trades("id")) == 12 and road.watermarks() == (2, 2, 2)


@pytest.fixture
def _in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trades, then three at a time, each step a call."""
    for name, value in (("WIDE", 4), ("AHEAD", 2), ("STEP", 3)):
        monkeypatch.setattr(service, name, value)
    monkeypatch.setattr(handing, "FIRST_BATCH", 3)
    monkeypatch.setattr(handing, "BATCH", 3)


@pytest.mark.usefixtures("_in_steps")
def test_a_wide_signal_is_written_a_step_at_a_time_while_execution_has_the_one_before(
    road: Road,
) -> None:
    strategy = factories.strategy(road.owner)
    for _ in range(18):
        factories.subscription(road.owner, strategy)
    signal_id = road.signal(strategy)
    written: list[int] = []
    road.store.meanwhile = [lambda: written.append(len(road.trades("id")))] * 2
    assert road.drain.drain_due()[1]
    assert written[0] == 2 and 5 <= written[1] <= 11
    assert len(set(road.store.order)) == len(road.store.given) == 18
    assert road.watermarks() == (1, 1, 1)
    told = road.owner.execute("SELECT object_id FROM web.changes WHERE kind = 'signal'").fetchall()
    assert told == [(signal_id,)]


@pytest.mark.usefixtures("_in_steps")
def test_a_wide_signal_that_broke_off_between_two_steps_goes_on_where_it_was(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    some = sorted(factories.subscription(road.owner, strategy).id for _ in range(14))
    signal_id = road.signal(strategy)
    names = [ids.trade_id(signal_id, each).hex for each in some]
    road.store.takes = set(names[:8])
    with pytest.raises(ExecutionDown):
        road.drain.drain_due()
    assert road.watermarks() == (1, 0, 0) and set(road.store.order) == set(names[:8])
    road.store.takes = None
    road.drain.drain_due()
    assert sorted(road.store.given) == sorted(names) and len(road.trades("id")) == 14
    assert road.watermarks() == (1, 1, 1)
    # Also whoever knows nothing of it, as after a crash.
    road.owner.execute("UPDATE web.strategy_intake SET drained_seq = 0, handed_seq = 0")
    Drain(road.pool, ExecutionClient(road.target)).drain_due()
    assert len(road.store.order) == 14 and len(road.trades("id")) == 14
    assert road.watermarks() == (1, 1, 1)


def _six(road: Road, *, auto_submit: bool) -> tuple[factories.Strategy, list[UUID]]:
    """A strategy, and the six workspaces that follow it, by whose trade is made first."""
    strategy, others = factories.strategy(road.owner), {}
    for number in range(6):
        other = factories.tenant(road.owner, f"Other {number}")
        made = factories.subscription(road.owner, strategy, other, auto_submit=auto_submit)
        others[made.id] = other
    return strategy, [others[each] for each in sorted(others)]


def _waiting_then_exit(road: Road) -> list[UUID]:
    """Those workspaces, each with a trade that waits and that an exit is about to end."""
    strategy, others = _six(road, auto_submit=False)
    road.signal(strategy)
    road.drain.drain_due()
    road.signal(strategy, action="exit")
    road.owner.execute("DELETE FROM web.changes")
    return others


def _fail_at(road: Road, tenant_id: UUID) -> None:
    """The database goes away as the trades of this workspace are to be written."""
    road.owner.execute(
        "CREATE FUNCTION web.fail() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'admin_shutdown'; END $$; "
        "CREATE TRIGGER fail BEFORE INSERT ON web.trades FOR EACH ROW "
        f"WHEN (NEW.tenant_id = '{tenant_id}') EXECUTE FUNCTION web.fail()"
    )


def _told_of_approvals(road: Road) -> set[UUID]:
    query = "SELECT tenant_id FROM web.changes WHERE kind = 'approval'"
    return {tenant_id for (tenant_id,) in road.owner.execute(query)}


@pytest.mark.usefixtures("_in_steps")
def test_what_a_step_ended_is_told_though_execution_is_away(road: Road) -> None:
    others = _waiting_then_exit(road)
    road.lose()
    assert road.trades("state").count(("SKIPPED",)) == 2
    assert _told_of_approvals(road) == set(others[:2])


@pytest.mark.usefixtures("_in_steps")
def test_what_a_step_ended_is_told_by_who_repeats_the_signal(road: Road) -> None:
    others = _waiting_then_exit(road)
    _fail_at(road, others[-1])
    with pytest.raises(psycopg.OperationalError):
        road.drain.drain_due()
    assert road.trades("state").count(("SKIPPED",)) == 2 and not _told_of_approvals(road)
    road.owner.execute("DROP FUNCTION web.fail CASCADE")
    road.drain.drain_due()
    assert road.trades("state").count(("SKIPPED",)) == 6
    assert _told_of_approvals(road) == set(others)


@pytest.mark.usefixtures("_in_steps")
def test_signals_for_few_do_not_wait_behind_one_for_many(road: Road) -> None:
    many, few = factories.strategy(road.owner), factories.strategy(road.owner)
    for _ in range(9):
        factories.subscription(road.owner, many)
    own = factories.subscription(road.owner, few)
    road.signal(many)
    signal_id = road.signal(few)
    road.drain.drain_due(slice_seconds=60)
    assert road.store.order[0] == ids.trade_id(signal_id, own.id).hex
    assert len(road.store.order) == len(set(road.store.order)) == 10


@pytest.mark.usefixtures("_in_steps")
def test_an_earlier_signal_is_told_though_a_wide_one_behind_it_breaks_off(road: Road) -> None:
    strategy, others = _six(road, auto_submit=True)
    first = road.signal(strategy)
    road.drain.drain_due()
    # As if whoever drained it had died before it was handed over.
    road.owner.execute("UPDATE web.strategy_intake SET handed_seq = 0")
    road.owner.execute("DELETE FROM web.changes")
    road.signal(strategy, action="exit")
    _fail_at(road, others[-1])
    with pytest.raises(psycopg.OperationalError):
        road.drain.drain_due()
    assert road.watermarks() == (2, 1, 1)
    told = road.owner.execute("SELECT object_id FROM web.changes WHERE kind = 'signal'").fetchall()
    assert told == [(first,)]


def test_batches_of_one_signal_go_together_and_those_of_two_never_do(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "BATCH", handing.FIRST_BATCH)
    strategy = factories.strategy(road.owner)
    for _ in range(3 * handing.FIRST_BATCH):
        factories.subscription(road.owner, strategy)
    signals = [road.signal(strategy).hex for _ in range(2)]
    road.store.patience = 0.3
    road.drain.drain_due()
    assert [len(crowd) for crowd in road.store.crowds].count(2) >= 2
    assert [crowd for crowd in road.store.crowds if len(set(crowd)) > 1] == []
    handed = [road.store.trades[trade_id].signal_id for trade_id in road.store.order]
    assert handed == [s for s in signals for _ in range(3 * handing.FIRST_BATCH)]
