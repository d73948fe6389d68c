"""The drain: all trades of a signal, once each, in order, handed over until stored."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from protos import ids
from tests import factories
from tests.conftest import Database
from tests.integration.road_kit import Road
from web import db
from web.execution_client import ExecutionClient, ExecutionDown
from web.trades import due, service
from web.trades.service import Drain


def test_each_enabled_subscription_gets_one_trade(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    first = factories.subscription(road.owner, strategy)
    second = factories.subscription(road.owner, strategy)
    factories.subscription(road.owner, strategy, enabled=False)
    signal_id = road.signal(strategy, quantity=Decimal(5))
    road.drain.drain_due()
    made = {row[0] for row in road.trades("id")}
    assert made == {ids.trade_id(signal_id, s.id) for s in (first, second)}
    assert set(road.store.trades) == {trade_id.hex for trade_id in made}
    assert {trade.quantity for trade in road.store.trades.values()} == {"5"}
    assert road.watermarks() == (1, 1, 1)


def test_r18_paper_and_live_subscriptions_of_one_strategy_each_get_the_signal(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    live = factories.subscription(road.owner, strategy)
    road.owner.execute(
        "UPDATE web.connections SET mode = 'live' WHERE id = %s", (live.connection_id,)
    )
    road.signal(strategy)
    road.drain.drain_due()
    assert sorted(road.trades("mode")) == [("live",), ("paper",)]
    assert len(road.store.trades) == 2


def test_draining_again_changes_nothing(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.drain.drain_due()
    road.drain.drain_due()
    assert len(road.trades("id")) == 1 and road.store.calls == 1


@pytest.mark.rule("B1.order")
def test_signals_of_a_strategy_are_handed_over_in_order(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    signals = [road.signal(strategy) for _ in range(30)]
    road.drain.drain_due(slice_seconds=60)
    expected = [ids.trade_id(signal_id, subscription.id).hex for signal_id in signals]
    assert road.store.order == expected


def test_what_execution_did_not_store_stays_due_and_goes_first(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    first = road.signal(strategy)
    away = Drain(road.pool, ExecutionClient("127.0.0.1:1"))
    for _ in range(2):
        with pytest.raises(ExecutionDown):
            away.drain_due()
    assert road.watermarks() == (1, 1, 0)
    # Pages hear of it all the same.
    told = road.owner.execute("SELECT kind, object_id FROM web.changes").fetchall()
    assert set(told) >= {("signal", first), ("trade", road.trades("id")[0][0])}
    assert road.trades("state") == [("PENDING",)]
    second = road.signal(strategy)
    road.drain.drain_due()
    assert road.store.order == [ids.trade_id(s, subscription.id).hex for s in (first, second)]
    assert road.watermarks() == (2, 2, 2)


def test_a_drain_that_was_overtaken_is_refused(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.store.epochs[strategy.id.hex] = 99
    road.signal(strategy)
    road.drain.drain_due(slice_seconds=0)
    assert road.store.trades == {} and road.watermarks() == (1, 1, 0)


def test_two_drains_do_not_touch_one_strategy_at_once(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.owner.execute(
        "SELECT pg_advisory_lock(hashtextextended('drain:' || %s::text, 0))", (strategy.id,)
    )
    assert road.drain.drain_due() == (False, set())
    assert road.trades("id") == []


def test_what_comes_while_a_strategy_is_held_is_drained_by_who_holds_it(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    first, later = road.signal(strategy), []

    def meanwhile() -> None:
        later.append(road.signal(strategy))
        # Whoever hears its ring finds the strategy held, and nothing else.
        assert Drain(road.pool, ExecutionClient(road.target)).drain_due() == (False, set())

    road.store.meanwhile.append(meanwhile)
    road.drain.drain_due(slice_seconds=60)
    assert road.watermarks() == (2, 2, 2)
    expected = [ids.trade_id(signal_id, subscription.id).hex for signal_id in (first, *later)]
    assert road.store.order == expected


def test_a_strategy_that_rests_is_not_looked_at_for_ever(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)

    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service, "make", broken)
    assert road.drain.drain_due(slice_seconds=60) == (False, set())
    assert road.watermarks() == (1, 0, 0)


def test_what_another_holds_of_a_bound_hides_nothing_behind_it(road: Road) -> None:
    found = [factories.strategy(road.owner) for _ in range(due.STRATEGIES + 1)]
    for strategy in found:
        road.signal(strategy)
    road.owner.execute(
        "SELECT pg_advisory_lock(hashtextextended('drain:' || %s::text, 0))", (found[0].id,)
    )
    road.drain.drain_due(slice_seconds=60)
    undone = road.owner.execute(
        "SELECT strategy_id FROM web.strategy_intake WHERE handed_seq < seq"
    ).fetchall()
    assert undone == [(found[0].id,)]


def test_the_sweep_leaves_what_is_fresh_to_the_worker(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.drain.drain_due(older_than_seconds=1)
    assert road.trades("id") == []
    late = factories.strategy(road.owner)
    factories.subscription(road.owner, late)
    road.signal(late, seconds_ago=2)
    road.drain.drain_due(older_than_seconds=1)
    assert road.trades("strategy_id") == [(late.id,)]


def test_a_subscription_enabled_after_acceptance_gets_no_trade(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.owner.execute("UPDATE web.subscription_spans SET enabled_at = now() + interval '1 s'")
    road.signal(strategy)
    road.drain.drain_due()
    assert road.trades("id") == [] and road.watermarks() == (1, 1, 1)


def test_one_disabled_since_is_skipped_with_the_reason(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.owner.execute("UPDATE web.subscriptions SET enabled = false")
    road.owner.execute("UPDATE web.subscription_spans SET disabled_at = clock_timestamp()")
    road.drain.drain_due()
    assert road.trades("state", "reason") == [("SKIPPED", "subscription_paused")]
    assert road.store.trades == {}


@pytest.mark.rule("I.ended", "F.entry")
def test_a_late_entry_expires_and_names_the_stage(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy, seconds_ago=130, action="add")
    road.signal(strategy, seconds_ago=130)
    road.drain.drain_due()
    assert road.trades("state", "reason", "numbers->>'stage'") == [
        ("EXPIRED", "signal_stale", "dequeued"),
        ("PENDING", None, None),
    ]


@pytest.mark.rule("B3.exit", "B3.approval", "F.exits")
def test_without_auto_submit_an_entry_waits_and_an_exit_goes(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy, auto_submit=False)
    road.signal(strategy)
    road.drain.drain_due()
    assert road.trades("state") == [("WAITING_APPROVAL",)]
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert road.trades("state", "reason") == [("SKIPPED", "superseded"), ("PENDING", None)]


def test_an_exit_supersedes_an_entry_drained_together_with_it(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy, auto_submit=False)
    road.signal(strategy)
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert road.trades("state", "reason") == [("SKIPPED", "superseded"), ("PENDING", None)]


def test_the_worker_role_may_do_all_this_but_reads_no_secret(database: Database) -> None:
    with (
        psycopg.connect(database.url("worker"), autocommit=True) as worker,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        worker.execute("SELECT secret_sealed FROM web.strategy_webhooks")


def test_a_signal_that_cannot_be_read_stops_nobody_else(road: Road) -> None:
    broken, sound = factories.strategy(road.owner), factories.strategy(road.owner)
    factories.subscription(road.owner, broken)
    factories.subscription(road.owner, sound)
    poison = road.signal(broken)
    road.owner.execute("UPDATE web.signals SET parsed = '{}' WHERE id = %s", (poison,))
    after = road.signal(broken)
    road.signal(sound)
    road.drain.drain_due()
    made = road.trades("signal_id", "state", "reason")
    assert (poison, "NEEDS_ATTENTION", "internal_error") in made
    assert (after, "PENDING", None) in made
    assert len(made) == len(road.store.trades) + 1 == 3


def test_settings_that_cannot_be_read_end_their_own_trade_only(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    first, second = (factories.subscription(road.owner, strategy) for _ in range(2))
    road.owner.execute(
        "UPDATE web.subscriptions SET settings = '{\"quantity\": 5}' WHERE id = %s", (first.id,)
    )
    road.signal(strategy)
    road.drain.drain_due()
    assert dict(road.trades("subscription_id", "state")) == {
        first.id: "NEEDS_ATTENTION",
        second.id: "PENDING",
    }


def test_a_strategy_that_cannot_be_handed_over_stops_nobody_else(road: Road) -> None:
    broken, sound = factories.strategy(road.owner), factories.strategy(road.owner)
    factories.subscription(road.owner, broken)
    factories.subscription(road.owner, sound)
    road.signal(broken)
    away = Drain(road.pool, ExecutionClient("127.0.0.1:1"))
    with pytest.raises(ExecutionDown):
        away.drain_due()
    road.owner.execute("UPDATE web.trades SET settings = '[]'")
    road.signal(sound)
    road.drain.drain_due()
    assert set(road.trades("strategy_id", "state")) == {
        (broken.id, "NEEDS_ATTENTION"),
        (sound.id, "PENDING"),
    }
    assert len(road.store.trades) == 1


def test_a_sell_that_only_closes_is_not_held_to_the_limits_of_entries(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy, auto_submit=False)
    road.signal(strategy, seconds_ago=130, action="sell", sentiment="flat")
    road.signal(strategy, action="buy", sentiment="bearish", quantity=Decimal(1))
    road.drain.drain_due()
    assert road.trades("state", "reason") == [("PENDING", None), ("PENDING", None)]


# What a signal may carry beyond a plain order, in every form that JSON has.
_RICH: tuple[dict[str, Any], ...] = (
    {"quantity": Decimal("1.10"), "price": "228.400"},
    {"action": "exit"},
    {"orderType": "limit", "limitPrice": "10.00", "quantity": Decimal("1e2")},
    {"quantity": 3, "quantityType": "percent_of_equity", "sentiment": "bullish"},
    {
        "takeProfit": {"percent": Decimal("2.5")},
        "stopLoss": {"type": "trailing_stop", "trailPercent": 1},
    },
    {"time": "2026-11-20T14:30:00.123456Z", "extras": {"note": "\u00e9\u2028", "n": 1.0}},
)


def _own(quantity: str) -> dict[str, Any]:
    return {"quantity": {"source": "own", "value": quantity}}


@pytest.mark.parametrize("wide", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("asset_class", ["stocks", "crypto"])
def test_what_is_handed_over_at_once_is_what_is_read_after_a_crash(
    road: Road, monkeypatch: pytest.MonkeyPatch, asset_class: str, *, wide: bool
) -> None:
    if wide:
        monkeypatch.setattr(service, "WIDE", 2)
        monkeypatch.setattr(service, "AHEAD", 2)
    strategy = factories.strategy(road.owner, asset_class=asset_class)
    for quantity in ("2", "2.50", "7"):
        factories.subscription(road.owner, strategy, settings=_own(quantity))
    for said in _RICH:
        road.signal(strategy, **said)
    road.drain.drain_due()
    first, calls = dict(road.store.trades), road.store.calls
    assert first and {row[0] for row in road.trades("state")} == {"PENDING"}
    road.owner.execute("UPDATE web.strategy_intake SET handed_seq = 0")
    road.drain.drain_due()
    assert road.store.calls > calls and road.store.trades == first
    assert {row[0] for row in road.trades("state")} == {"PENDING"}
    assert road.watermarks() == (len(_RICH),) * 3


def test_whatever_was_made_before_is_read_and_not_made_up(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WIDE", 2)
    monkeypatch.setattr(service, "AHEAD", 2)
    strategy = factories.strategy(road.owner)
    some = [factories.subscription(road.owner, strategy) for _ in range(3)]
    road.signal(strategy)
    road.lose()
    # Settings of those that were made ahead, and that nobody has yet, are no longer the same.
    road.owner.execute(
        "UPDATE web.subscriptions SET version = version + 1, settings = settings || %s",
        (db.to_json(_own("9")),),
    )
    road.owner.execute("UPDATE web.strategy_intake SET version = version + 1")
    road.drain.drain_due()
    stored = dict(road.trades("replace(id::text, '-', '')", "numbers->>'quantity'"))
    assert len(stored) == len(some)
    assert {name: trade.quantity for name, trade in road.store.trades.items()} == stored
    assert set(stored.values()) == {"1", "9"}
