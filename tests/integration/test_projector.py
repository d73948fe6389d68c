"""The projector: facts become read models, once, whatever is repeated."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests import factories
from tests.conftest import Database
from web import db, projector
from web.changes import events
from web.execution_client import ExecutionClient
from web.projector import Projector, Superseded
from web.queue import Bell

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@dataclass
class Stage:
    """A trade that web made, and the facts that execution tells of it."""

    owner: psycopg.Connection
    projector: Projector
    subscription: factories.Subscription
    trade_id: UUID
    order_id: UUID

    def fact(self, seq: int, **kind: Any) -> pb.Fact:
        return pb.Fact(
            seq=seq,
            account=pb.Account(broker="paper", environment="paper", account="P1"),
            canonical_id=f"f{seq}",
            time=wire.to_timestamp(AT + timedelta(milliseconds=seq)),
            trade_id=self.trade_id.hex,
            tenant_id=self.subscription.tenant_id.hex,
            connection_id=self.subscription.connection_id.hex,
            subscription_id=self.subscription.id.hex,
            **kind,
        )

    def filled(self) -> list[pb.Fact]:
        """Sent, acknowledged, filled, done."""
        order = pb.Order(
            order_id=self.order_id.hex,
            cl_ord_id="C1",
            trade_id=self.trade_id.hex,
            leg=pb.LEG_ENTRY,
            origin=pb.ORIGIN_SIGNAL,
            instrument="AAPL",
            side=pb.SIDE_BUY,
            ord_type=pb.ORD_TYPE_MARKET,
            time_in_force="day",
            order_qty="5",
        )
        new = pb.ExecutionReport(
            order_id=self.order_id.hex,
            exec_type=pb.EXEC_TYPE_NEW,
            ord_status=pb.ORD_STATUS_NEW,
            cum_qty="0",
            broker_order_id="B1",
            venue_time=wire.to_timestamp(AT),
        )
        fill = pb.ExecutionReport(
            order_id=self.order_id.hex,
            exec_type=pb.EXEC_TYPE_FILL,
            ord_status=pb.ORD_STATUS_FILLED,
            exec_id="E1",
            last_qty="5",
            last_px="228.40",
            cum_qty="5",
            avg_px="228.40",
            instrument="AAPL",
            side=pb.SIDE_BUY,
            position_qty="5",
            position_avg_px="228.40",
            own_qty="5",
        )
        outcome = pb.TradeOutcome(state=pb.TRADE_STATE_FILLED)
        return [
            self.fact(1, order_sending=pb.OrderSending(order=order)),
            self.fact(2, execution_report=new),
            self.fact(3, execution_report=fill),
            self.fact(4, trade_outcome=outcome),
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.owner.execute(query).fetchall()

    def read_models(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.rows("SELECT ord_status, cum_qty, avg_px, broker_order_id FROM web.orders"),
            self.rows("SELECT qty, price, exec_id FROM web.fills"),
            self.rows("SELECT quantity, avg_price, own FROM web.positions"),
            self.rows("SELECT state, submitted_at, acknowledged_at, filled_at FROM web.trades"),
        ]


class Held(ExecutionClient):
    """Facts, and after them only that the stream holds; the database loses them meanwhile."""

    def __init__(self, stage: Stage) -> None:
        super().__init__("127.0.0.1:1")
        self._stage = stage

    def facts(self, cursor: str, *, max_facts: int) -> Iterator[pb.StreamFactsResponse]:
        assert cursor == ""
        yield pb.StreamFactsResponse(facts=self._stage.filled(), cursor="c1")
        self._stage.owner.execute("DELETE FROM web.fact_cursor")
        for _ in range(3):
            yield pb.StreamFactsResponse(cursor="c1")
        raise AssertionError("it believes to have told all of this")


@pytest.fixture
def stage(database: Database, redis_url: str) -> Iterator[Stage]:
    pool = db.open_pool(database.url("worker"), size=2, name="test")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        strategy = factories.strategy(owner)
        subscription = factories.subscription(owner, strategy)
        trade_id = uuid4()
        owner.execute(
            "INSERT INTO web.trades (id, tenant_id, signal_id, signal_seq, strategy_id, "
            "subscription_id, connection_id, mode, state, instrument, signal, settings, "
            "settings_version, received_at, accepted_at, dequeued_at) "
            "VALUES (%s, %s, %s, 1, %s, %s, %s, 'paper', 'PENDING', 'AAPL', '{}', '{}', 1, "
            "%s, %s, %s)",
            (
                trade_id,
                subscription.tenant_id,
                uuid4(),
                strategy.id,
                subscription.id,
                subscription.connection_id,
                AT,
                AT,
                AT,
            ),
        )
        projector = Projector(
            pool, ExecutionClient("127.0.0.1:1"), Bell(redis_url), still_mine=lambda: True
        )
        yield Stage(owner, projector, subscription, trade_id, uuid4())
    pool.close()


def test_a_filled_order_shows_everywhere(stage: Stage) -> None:
    stage.projector.apply("", "c1", stage.filled())
    orders, fills, positions, trades = stage.read_models()
    assert orders == [("FILLED", 5, Decimal("228.40"), "B1")]
    assert fills == [(5, Decimal("228.40"), "E1")]
    assert positions == [(5, Decimal("228.40"), {f"sub_{stage.subscription.id.hex}": "5"})]
    assert trades == [
        ("FILLED", AT, AT + timedelta(milliseconds=2), AT + timedelta(milliseconds=3))
    ]


@pytest.mark.rule("I.current", "I.amended")
def test_a_later_outcome_takes_the_place_of_the_first_on_the_same_trade(stage: Stage) -> None:
    *sent, filled = stage.filled()
    early = pb.TradeOutcome(state=pb.TRADE_STATE_EXPIRED, reason=pb.REASON_SIGNAL_STALE)
    stage.projector.apply("", "c1", [stage.fact(1, trade_outcome=early)])
    told = "SELECT state, reason FROM web.trades"
    assert stage.rows(told) == [("EXPIRED", "signal_stale")]
    for number, fact in enumerate([*sent, filled], 2):
        fact.seq, fact.canonical_id = number, f"late{number}"
    changes = stage.rows("SELECT count(*) FROM web.changes WHERE kind = 'trade'")
    stage.projector.apply("c1", "c2", [*sent, filled])
    assert stage.rows(told) == [("FILLED", None)]
    assert stage.rows("SELECT count(*) FROM web.changes WHERE kind = 'trade'") > changes


def test_what_a_ticker_means_stays_with_its_trade(stage: Stage) -> None:
    meant = pb.Resolved(ticker="MNQ1!", symbol="MNQZ2026", expires="2026-12-18", tick="0.25")
    facts = [
        stage.fact(1, trade_resolved=pb.TradeResolved(resolved=meant)),
        stage.fact(2, trade_outcome=pb.TradeOutcome(state=pb.TRADE_STATE_WORKING)),
    ]
    stage.projector.apply("", "c1", facts[:1])
    stage.projector.apply("c1", "c2", facts[1:])
    found = stage.owner.execute("SELECT contract, state FROM web.trades").fetchone()
    assert found is not None
    assert (found[0]["symbol"], found[0]["expires"]) == ("MNQZ2026", "2026-12-18")
    assert (found[0]["rolls"], found[1]) == (None, "WORKING")


@pytest.mark.rule("A.protection")
def test_where_the_protection_of_a_trade_stands_is_told_with_it(stage: Stage) -> None:
    refused = pb.TradeProtection(
        state=pb.PROTECTION_STATE_UNPROTECTED,
        synthetic=True,
        reason=pb.REASON_STOP_REFUSED,
        numbers={"held": "5", "covered": "0", "text": "too far away"},
    )
    facts = stage.filled()
    facts[0].order_sending.order.synthetic = True
    facts.append(stage.fact(5, trade_protection=refused))
    facts.append(stage.fact(6, trade_outcome=pb.TradeOutcome(state=pb.TRADE_STATE_FILLED)))
    stage.projector.apply("", "c1", facts)
    ((state, details),) = stage.rows("SELECT protection, protection_details FROM web.trades")
    assert state == "UNPROTECTED"
    assert (details["held"], details["synthetic"], details["reason"]) == ("5", True, "stop_refused")
    assert "too far away" in details["message"]
    assert stage.rows("SELECT synthetic FROM web.orders") == [(True,)]


@pytest.mark.rule("H.unprotected")
@pytest.mark.parametrize("at_once", [False, True])
def test_the_alarm_of_a_bare_position_is_over_once_it_is_guarded_and_comes_again(
    stage: Stage, at_once: bool
) -> None:
    def stands(seq: int, *, bare: bool) -> pb.Fact:
        state = pb.PROTECTION_STATE_UNPROTECTED if bare else pb.PROTECTION_STATE_PROTECTED
        fact = stage.fact(seq, trade_protection=pb.TradeProtection(state=state))
        if bare:
            fact.alarm.CopyFrom(pb.Alarm(kind=pb.ALARM_KIND_UNPROTECTED, instrument="AAPL"))
        return fact

    facts = [stands(seq, bare=bool(seq % 2)) for seq in (5, 6, 7)]
    stage.projector.apply("", "c1", stage.filled())
    open_alarms = "SELECT ended_at IS NULL FROM web.alarms ORDER BY raised_at, id"
    if at_once:
        stage.projector.apply("c1", "c2", facts[:2])
    else:
        stage.projector.apply("c1", "c1a", facts[:1])
        assert stage.rows(open_alarms) == [(True,)]
        stage.projector.apply("c1a", "c2", facts[1:2])
    assert stage.rows(open_alarms) == [(False,)]
    stage.projector.apply("c2", "c3", facts[2:])
    assert sorted(stage.rows(open_alarms)) == [(False,), (True,)]


def test_reading_from_the_beginning_again_changes_nothing(stage: Stage) -> None:
    stage.projector.apply("", "c1", stage.filled())
    before = stage.read_models()
    stage.projector.apply("c1", "c2", stage.filled())
    assert stage.read_models() == before


def test_one_fact_at_a_time_comes_to_the_same(stage: Stage) -> None:
    cursor = ""
    for number, fact in enumerate(stage.filled()):
        cursor = stage.projector.apply(cursor, f"c{number}", [fact])
    orders, _, positions, trades = stage.read_models()
    assert orders[0][0] == trades[0][0] == "FILLED" and positions[0][0] == 5


def test_a_moved_cursor_stops_the_projector_and_writes_nothing(stage: Stage) -> None:
    stage.projector.apply("", "c1", [])
    with pytest.raises(Superseded):
        stage.projector.apply("elsewhere", "c2", stage.filled())
    assert stage.read_models()[0] == []


def test_a_poison_fact_is_put_aside_and_the_rest_goes_on(stage: Stage) -> None:
    sending, new, fill, outcome = stage.filled()
    poison = stage.fact(9, execution_report=pb.ExecutionReport(cum_qty="many"))
    stage.projector.apply("", "c1", [sending, poison, new, fill, outcome])
    assert stage.read_models()[3][0][0] == "FILLED"
    assert stage.rows("SELECT canonical_id FROM web.quarantined_facts") == [("f9",)]


def test_each_run_of_facts_moves_the_tenants_change_number(stage: Stage) -> None:
    stage.projector.apply("", "c1", stage.filled()[:2])
    stage.projector.apply("c1", "c2", stage.filled()[2:])
    kinds = stage.rows("SELECT DISTINCT number, kind FROM web.changes ORDER BY 1, 2")
    first, second = sorted({number for number, _ in kinds})
    assert kinds == [(first, "trade"), (second, "position"), (second, "trade")]
    assert stage.rows("SELECT number FROM web.tenant_changes") == [(second,)]


def test_a_change_number_that_the_database_lost_is_not_given_again(stage: Stage) -> None:
    stage.projector.apply("", "c1", stage.filled()[:2])
    [(lost,)] = stage.rows("SELECT number FROM web.tenant_changes")
    # What a crash does to a commit that had not reached the disk.
    stage.owner.execute("DELETE FROM web.changes")
    stage.owner.execute("UPDATE web.tenant_changes SET number = number - 5")
    stage.projector.apply("c1", "c2", stage.filled()[2:])
    [(given,)] = stage.rows("SELECT number FROM web.tenant_changes")
    assert given > lost


def test_what_the_database_lost_is_asked_for_again_though_the_stream_held(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "RENEW_SECONDS", -1)
    pool = db.open_pool(database.url("worker"), size=2, name="test")
    again = Projector(pool, Held(stage), Bell("redis://127.0.0.1:1/0"), still_mine=lambda: True)
    for _ in range(2):
        # Begun again, it goes on from what is stored.
        with pytest.raises(Superseded):
            again.follow(threading.Event())
    pool.close()


def test_of_very_many_changes_at_once_live_pages_are_told_a_few(stage: Stage) -> None:
    facts = [
        stage.fact(n, trade_outcome=pb.TradeOutcome(state=pb.TRADE_STATE_WORKING))
        for n in range(1, 101)
    ]
    for fact in facts:
        fact.trade_id = UUID(int=fact.seq).hex
    stage.projector.apply("", "c1", facts)
    assert stage.rows("SELECT kind, count(*) FROM web.changes GROUP BY kind") == [
        ("trade", events.MOST_TOLD)
    ]


def test_a_fact_that_breaks_our_own_code_is_put_aside_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "_LEGS", {})
    monkeypatch.setattr(projector, "_STATUSES", {})
    monkeypatch.setattr(projector, "_STATES", {})
    stage.projector.apply("", "c1", stage.filled())
    assert len(stage.rows("SELECT canonical_id FROM web.quarantined_facts")) == 4
    assert stage.rows("SELECT cursor FROM web.fact_cursor") == [("c1",)]


def alarms(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.rows(
        "SELECT kind, connection_id, trade_id, instrument, message, ended_at IS NULL "
        "FROM web.alarms ORDER BY raised_at, kind"
    )


def test_an_alarm_comes_with_the_fact_that_carries_it_and_is_raised_once(stage: Stage) -> None:
    alarm = pb.Alarm(kind=pb.ALARM_KIND_FLIP_TIMEOUT, instrument="AAPL", numbers={"seconds": "60"})
    outcome = pb.TradeOutcome(state=pb.TRADE_STATE_WORKING, reason=pb.REASON_FLIP_TIMEOUT)
    facts = [stage.fact(1, trade_outcome=outcome, alarm=alarm)]
    stage.projector.apply("", "c1", facts)
    stage.projector.apply("c1", "c2", facts)
    text = "The exit of a reversal in AAPL did not fill within 60 s."
    connection_id = stage.subscription.connection_id
    assert alarms(stage) == [("flip_timeout", connection_id, stage.trade_id, "AAPL", text, True)]
    told = stage.rows("SELECT kind FROM web.changes WHERE kind = 'alarm'")
    assert told == [("alarm",)]


def test_an_alarm_that_came_and_went_within_a_batch_is_over(stage: Stage) -> None:
    alarm = pb.Alarm(kind=pb.ALARM_KIND_NOT_PROVABLE, instrument="AAPL")
    doubt = pb.TradeOutcome(state=pb.TRADE_STATE_NEEDS_ATTENTION, reason=pb.REASON_NOT_PROVABLE)
    facts = [
        stage.fact(1, trade_outcome=doubt, alarm=alarm),
        stage.fact(2, trade_outcome=pb.TradeOutcome(state=pb.TRADE_STATE_FILLED)),
    ]
    stage.projector.apply("", "c1", facts)
    assert [row[-1] for row in alarms(stage)] == [False]


def test_an_alarm_of_an_account_is_told_to_each_connection_of_it(stage: Stage) -> None:
    account = stage.rows(
        "SELECT b.broker, b.environment, b.account FROM web.broker_accounts b "
        "JOIN web.connections c ON c.broker_account_id = b.id"
    )[0]
    other = uuid4()
    stage.owner.execute(
        "INSERT INTO web.connections (id, tenant_id, broker_account_id, name, mode) SELECT %s, "
        "tenant_id, broker_account_id, 'Other', mode FROM web.connections",
        (other,),
    )
    broker, environment, name = account
    fact = pb.Fact(
        seq=1,
        account=pb.Account(broker=broker, environment=environment, account=name),
        canonical_id="x",
        time=wire.to_timestamp(AT),
        alarm=pb.Alarm(kind=pb.ALARM_KIND_OVERFILLED, instrument="AAPL"),
    )
    stage.projector.apply("", "c1", [fact])
    stage.projector.apply("c1", "c2", [fact])
    told = {(kind, connection) for kind, connection, *_ in alarms(stage)}
    assert told == {("overfilled", stage.subscription.connection_id), ("overfilled", other)}
    assert len(alarms(stage)) == 2


def test_an_alarm_of_a_kind_that_is_not_known_is_put_aside_and_the_rest_goes_on(
    stage: Stage,
) -> None:
    facts = stage.filled()
    facts[1].alarm.kind = 250  # type: ignore[assignment]
    stage.projector.apply("", "c1", facts)
    assert alarms(stage) == []
    assert stage.read_models()[3][0][0] == "FILLED"
    assert len(stage.rows("SELECT canonical_id FROM web.quarantined_facts")) == 1
