"""Trades that find their market closed: execution, venue and database are real; only the hours
of the exchange are the test's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from execution.domain.sessions import ALWAYS
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit, running

FILLED = ("FILLED", "unspecified")
QUEUED = ("QUEUED", "market_closed")
# A Wednesday on which the venue's own exchange is open.
SESSION = datetime(2026, 1, 7, 16, tzinfo=UTC)


@dataclass
class Exchange:
    """Opens when the test says."""

    opens_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=9))

    def __call__(self, calendar: str, at: datetime) -> datetime:
        return at if calendar == ALWAYS else max(at, self.opens_at)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
async def kit(database: Any, exchange: Exchange) -> AsyncIterator[Kit]:
    async with running(database, next_open=exchange, venue_clock=lambda: SESSION) as kit:
        options = paper_pb2.Options(
            visibility_horizon_seconds=0.5, refuses_repeats=True, exchange_hours=True
        )
        await kit.venue_stub.ConfigureAccount(
            paper_pb2.ConfigureAccountRequest(account=kit.account, options=options),
            timeout=SECONDS,
        )
        yield kit


async def queued(kit: Kit, trade: pb.Trade) -> None:
    """Submit a trade that is to wait for the open."""
    await kit.submit(trade)
    await kit.until(lambda: kit.outcomes(trade)[-1:] == [QUEUED])


async def opened(kit: Kit, exchange: Exchange) -> None:
    """The market opens. A restart sees it at once; otherwise the timer would."""
    exchange.opens_at = datetime.now(UTC)
    await kit.restart()


async def held(kit: Kit, exchange: Exchange, quantity: str = "5") -> None:
    """A position from when the market was open."""
    later, exchange.opens_at = exchange.opens_at, datetime.now(UTC)
    assert await kit.run(kit.trade("buy", quantity)) == FILLED
    exchange.opens_at = later


async def ended(kit: Kit, trade: pb.Trade) -> tuple[str, str]:
    """The outcome, once it does not wait any more."""
    await kit.until(lambda: kit.outcomes(trade)[-1:] not in ([], [QUEUED]))
    await kit.until(lambda: kit.outcomes(trade)[-1][0] not in ("QUEUED", "WORKING", "BLOCKED"))
    return kit.outcomes(trade)[-1]


async def test_an_entry_goes_by_itself_when_the_market_opens(kit: Kit, exchange: Exchange) -> None:
    exchange.opens_at = datetime.now(UTC) + timedelta(seconds=1.5)
    entry = kit.trade("buy", "5")
    await queued(kit, entry)
    assert await kit.venue_positions() == {}
    assert await ended(kit, entry) == FILLED
    assert datetime.now(UTC) >= exchange.opens_at


async def test_what_waits_for_the_open_waits_on_after_a_restart(
    kit: Kit, exchange: Exchange
) -> None:
    entry = kit.trade("buy", "5")
    await queued(kit, entry)
    await kit.restart()
    await opened(kit, exchange)
    assert await ended(kit, entry) == FILLED
    assert kit.outcomes(entry).count(QUEUED) == 1
    assert await kit.venue_positions() == {"AAPL": "5"}


@pytest.mark.rule("F.queued", "F.leg")
async def test_its_age_starts_anew_at_the_open(kit: Kit, exchange: Exchange) -> None:
    exchange.opens_at = datetime.now(UTC) + timedelta(seconds=2)
    yesterday = datetime.now(UTC) - timedelta(seconds=119)
    entry = kit.trade("buy", "5")
    entry.accepted_time.FromDatetime(yesterday)
    entry.released_time.FromDatetime(yesterday)
    await queued(kit, entry)
    assert await ended(kit, entry) == FILLED


@pytest.mark.rule("F.repriced")
@pytest.mark.parametrize(
    ("stop", "outcome"),
    [("250", ("SKIPPED", "opened_beyond")), ("300", ("WORKING", "unspecified"))],
)
async def test_f_a_stop_that_the_open_jumped_over_is_refused(
    kit: Kit, exchange: Exchange, stop: str, outcome: tuple[str, str]
) -> None:
    later, exchange.opens_at = exchange.opens_at, datetime.now(UTC)
    other = kit.trade("buy", "1", subscription_id=uuid4().hex, signal_price="260")
    assert await kit.run(other) == FILLED
    exchange.opens_at = later
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_STOP, stop_price=stop)
    entry = kit.trade("buy", "5", signal_price="", entry=style, exit=pb.OrderStyle())
    await queued(kit, entry)
    await opened(kit, exchange)
    await kit.until(lambda: kit.outcomes(entry)[-1] == outcome)


@pytest.mark.rule("B4.entries", "K.words.queued")
async def test_the_newest_entry_wins(kit: Kit, exchange: Exchange) -> None:
    first, second = kit.trade("buy", "5"), kit.trade("buy", "7")
    await queued(kit, first)
    await queued(kit, second)
    assert await ended(kit, first) == ("SKIPPED", "superseded")
    await opened(kit, exchange)
    assert await ended(kit, second) == FILLED
    assert await kit.venue_positions() == {"AAPL": "7"}


@pytest.mark.rule("B4.both")
async def test_an_exit_then_an_entry_go_in_that_order(kit: Kit, exchange: Exchange) -> None:
    await held(kit, exchange)
    leave, enter = kit.trade("exit", ""), kit.trade("buy", "3")
    await queued(kit, leave)
    await queued(kit, enter)
    await opened(kit, exchange)
    assert await ended(kit, leave) == FILLED
    assert await ended(kit, enter) == FILLED
    assert await kit.venue_positions() == {"AAPL": "3"}


@pytest.mark.rule("B4.wider")
async def test_only_a_wider_exit_displaces_an_exit(kit: Kit, exchange: Exchange) -> None:
    await held(kit, exchange)
    part, whole, again = kit.trade("exit", "2"), kit.trade("exit", ""), kit.trade("exit", "1")
    await queued(kit, part)
    await queued(kit, whole)
    assert await ended(kit, part) == ("SKIPPED", "superseded")
    assert await kit.run(again) == ("SKIPPED", "already_closing")
    await opened(kit, exchange)
    assert await ended(kit, whole) == FILLED
    assert await kit.venue_positions() == {}


@pytest.mark.rule("B3.queued", "B3.exit", "B3.reverse", "B3.cancel")
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("exit", ("SKIPPED", "no_position")),
        ("reverse", ("SKIPPED", "no_position")),
        ("cancel", ("DONE", "unspecified")),
    ],
)
async def test_an_exit_or_a_cancel_ends_what_waits_to_enter(
    kit: Kit, action: str, outcome: tuple[str, str]
) -> None:
    entry = kit.trade("buy", "5")
    await queued(kit, entry)
    assert await kit.run(kit.trade(action, "")) == outcome
    assert await ended(kit, entry) == ("SKIPPED", "superseded")


@pytest.mark.rule("B3.opposite", "B3.queued")
async def test_an_opposite_signal_ends_what_waits_to_enter(kit: Kit) -> None:
    entry, other = kit.trade("buy", "5"), kit.trade("sell", "5")
    await queued(kit, entry)
    await queued(kit, other)
    assert await ended(kit, entry) == ("SKIPPED", "superseded")


@pytest.mark.rule("B3.switch", "B3.queued", "B3.never")
async def test_a_kill_switch_ends_what_waits_to_enter_and_no_exit(
    kit: Kit, exchange: Exchange
) -> None:
    await held(kit, exchange)
    leave, entry = kit.trade("exit", ""), kit.trade("buy", "3")
    await queued(kit, leave)
    await queued(kit, entry)
    for mode in (pb.SWITCH_MODE_STOP_ENTRIES, pb.SWITCH_MODE_OFF):
        await kit.stub.SetSwitch(
            pb.SetSwitchRequest(
                scope=pb.SWITCH_SCOPE_PLATFORM, mode=mode, set_by="person:test", why="a test"
            ),
            timeout=SECONDS,
        )
    assert await ended(kit, entry) == ("SKIPPED", "superseded")
    await opened(kit, exchange)
    assert await ended(kit, leave) == FILLED
    assert await kit.venue_positions() == {}


async def test_what_waits_for_the_open_can_be_withdrawn(kit: Kit) -> None:
    entry = kit.trade("buy", "5")
    await queued(kit, entry)
    await kit.stub.CancelTrades(
        pb.CancelTradesRequest(trade_ids=[entry.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER),
        timeout=SECONDS,
    )
    assert await ended(kit, entry) == ("SKIPPED", "canceled_by_member")


async def test_each_account_keeps_its_own_hours(kit: Kit) -> None:
    await queued(kit, kit.trade("buy", "5"))
    always = pb.Account(broker="paper", environment="paper", account=f"{kit.account}-always")
    assert await kit.run(kit.trade("buy", "5", account=always)) == FILLED


async def test_crypto_knows_no_closing_bell(kit: Kit) -> None:
    trade = kit.trade(
        "buy", "0.5", instrument="BTCUSD", asset_class=pb.ASSET_CLASS_CRYPTO, fractional=True
    )
    assert await kit.run(trade) == FILLED


@pytest.mark.rule("F.repriced")
async def test_an_option_is_chosen_at_the_open(kit: Kit, exchange: Exchange) -> None:
    entry = kit.trade("buy", "1", asset_class=pb.ASSET_CLASS_OPTIONS, option=pb.OptionChoice())
    await queued(kit, entry)
    assert not [f for f in kit.facts if f.HasField("trade_resolved")]
    await opened(kit, exchange)
    assert await ended(kit, entry) == FILLED


@pytest.mark.rule("E4.stored")
async def test_a_kill_between_resolving_and_sending_gives_the_same_contract(
    kit: Kit, exchange: Exchange
) -> None:
    entry = kit.trade("buy", "1", instrument="MNQ1!", asset_class=pb.ASSET_CLASS_FUTURES)
    await queued(kit, entry)
    [fact] = [f for f in kit.facts if f.HasField("trade_resolved")]
    await kit.server.kill()

    # As if the front contract had been another one when it was found out.
    meant = fact.trade_resolved.resolved
    month = next(m for m in "HMUZ" if m != meant.symbol[3])
    meant.symbol = f"MNQ{month}{int(meant.symbol[-4:]) + 1}"
    async with await psycopg.AsyncConnection.connect(kit.database.url("owner")) as owner:
        await owner.execute(
            "UPDATE execution.facts SET fact = %s WHERE kind = 'resolved'",
            (fact.SerializeToString(),),
        )
    await opened(kit, exchange)
    assert await ended(kit, entry) == FILLED
    assert await kit.venue_positions() == {meant.symbol: "1"}
    assert (
        await kit.run(kit.trade("exit", "", instrument="MNQ1!", asset_class=pb.ASSET_CLASS_FUTURES))
        == FILLED
    )
    assert await kit.venue_positions() == {}


@pytest.mark.rule("B5.drops", "B5.keeps")
@pytest.mark.parametrize(("action", "left"), [("buy", "3"), ("sell", "-3")])
async def test_a_newer_entry_takes_the_entry_of_a_waiting_flip(
    kit: Kit, exchange: Exchange, action: str, left: str
) -> None:
    await held(kit, exchange)
    flip, enter = (kit.trade(a, q, allow_swap=True) for a, q in (("sell", "5"), (action, "3")))
    await queued(kit, flip)
    await queued(kit, enter)
    await opened(kit, exchange)
    assert await ended(kit, flip) == ("PARTIALLY_FILLED", "superseded")
    assert await ended(kit, enter) == FILLED
    assert await kit.venue_positions() == {"AAPL": left}


async def test_an_entry_for_extended_hours_does_not_wait_where_the_venue_has_none(
    kit: Kit, exchange: Exchange
) -> None:
    late = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="300", extended_hours=True)
    assert await kit.run(kit.trade("buy", "1", entry=late)) == (
        "SKIPPED",
        "extended_hours_unsupported",
    )
    await held(kit, exchange)
    leave = kit.trade("exit", "", exit=late)
    await queued(kit, leave)


async def test_extended_hours_change_nothing_while_the_exchange_is_open(
    kit: Kit, exchange: Exchange
) -> None:
    exchange.opens_at = datetime.now(UTC)
    late = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="300", extended_hours=True)
    assert await kit.run(kit.trade("buy", "1", entry=late)) == FILLED
