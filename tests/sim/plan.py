"""What a run is about: who trades, which signals come when, and what will go wrong."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from uuid import UUID

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.habits import Habits
from tests.sim.instance import BROKER
from tests.sim.world import SECOND, World

SYMBOLS = ("AAPL", "MSFT")
_LIMITS = {pb.ACTION_BUY: "99.00", pb.ACTION_SELL: "101.00", pb.ACTION_ADD: "99.00"}
# Reached at once, or when the price wanders there.
_STOPS = {
    pb.ACTION_BUY: ("100.00", "103.00"),
    pb.ACTION_SELL: ("100.00", "97.00"),
    pb.ACTION_ADD: ("100.00", "103.00"),
}
_UNITS = pb.SIZING_UNITS
_ENTRIES = (pb.ACTION_BUY, pb.ACTION_SELL)


@dataclass(frozen=True)
class Subscription:
    """One subscriber with its settings."""

    id: UUID
    strategy: UUID
    account: str
    symbol: str
    allow_add: bool
    allow_swap: bool
    sides: "pb.Sides"
    guarded: bool
    # Two targets instead of one.
    laddered: bool = False


@dataclass(frozen=True)
class Signal:
    """What a strategy says at some second of the run."""

    at: float
    strategy: UUID
    action: "pb.Action"
    sentiment: "pb.Sentiment"
    quantity: str
    is_limit: bool
    # Of an entry that rests: a stop, perhaps with a limit, at this price.
    stop: str = ""
    cancel_after: int = 0
    is_sized_by_equity: bool = False
    # Seconds that it was old already when it came to execution.
    age: float = 0.0
    # A member withdraws its trades so long after.
    withdrawn_after: float | None = None
    # The sender's position, instead of an order.
    target: str = ""


@dataclass
class Trouble:
    """What may go wrong until some second, and how much of it."""

    until: float = 0.0
    kills: int = 0
    pauses: int = 0
    # That a good moment to kill or to pause is taken.
    chance: float = 0.0
    drop: float = 0.0
    late: float = 0.0
    lost_reply: float = 0.0
    silent: float = 0.0
    refuse_login: float = 0.0
    look_fails: float = 0.0
    repeat: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    # (second, how long) of each.
    streams_lost: list[tuple[float, float]] = field(default_factory=list)
    throttles: list[tuple[float, float]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)


@dataclass
class Plan:
    """A run before it begins."""

    subscriptions: list[Subscription]
    signals: list[Signal]
    habits: Habits
    trouble: Trouble
    instances: int
    skew: timedelta


def make(dice: Random, *, liveness: bool) -> Plan:
    """The plan that a seed means."""
    habits = _habits(dice)
    subscriptions = _subscriptions(dice, habits)
    signals = _signals(dice, subscriptions)
    trouble = _trouble(dice, signals[-1].at, liveness=liveness)
    theme = dice.random()
    if theme < 0.12:
        _come_late(dice, habits, signals, trouble)
    elif theme < 0.2:
        _leave_in_doubt(dice, signals, trouble)
    skew = timedelta(seconds=dice.choice((0.0, 0.0, 0.02, 3.0, -3.0, 600.0)))
    instances = dice.choice((1, 1, 2))
    if not habits.numbers_reports and habits.looks_up:
        habits.unsaid_ends = dice.choice((0.0, 0.3))
    return Plan(subscriptions, signals, habits, trouble, instances, skew)


def a_uuid(dice: Random) -> UUID:
    """An id that the seed gives."""
    return UUID(int=dice.getrandbits(128))


def trade_of(
    world: World, signal: Signal, to: Subscription, trade_id: UUID, number: int
) -> pb.Trade:
    """The trade that a subscription makes of a signal that was just accepted."""
    accepted = wire.to_timestamp(world.at() - timedelta(seconds=signal.age))
    trade = pb.Trade(
        trade_id=trade_id.hex,
        tenant_id="acme",
        strategy_id=signal.strategy.hex,
        subscription_id=to.id.hex,
        connection_id=to.account,
        account=pb.Account(broker=BROKER, environment=BROKER, account=to.account),
        signal_id=trade_id.hex,
        signal_seq=number,
        accepted_time=accepted,
        released_time=accepted,
        action=signal.action,
        sentiment=signal.sentiment,
        instrument=to.symbol,
        quantity=signal.quantity,
        quantity_from_signal=True,
        ord_type=pb.ORD_TYPE_MARKET,
        signal_price="100",
        sides=to.sides,
        allow_add=to.allow_add,
        allow_swap=to.allow_swap,
        asset_class=pb.ASSET_CLASS_STOCKS,
    )
    if signal.is_limit:
        style = pb.OrderStyle(
            ord_type=pb.ORD_TYPE_LIMIT,
            limit_price=_LIMITS.get(signal.action, "100"),
            time_in_force="gtc",
            cancel_after_seconds=signal.cancel_after,
        )
        if signal.stop:
            style.stop_price, style.ord_type = signal.stop, pb.ORD_TYPE_STOP_LIMIT
            if signal.cancel_after:
                style.ord_type, style.limit_price = pb.ORD_TYPE_STOP, ""
        (trade.exit if signal.action == pb.ACTION_EXIT else trade.entry).CopyFrom(style)
    if signal.is_sized_by_equity:
        trade.size_type, trade.quantity = pb.SIZE_TYPE_PERCENT_OF_EQUITY, "0.4"
    if signal.target:
        trade.target.sizing, trade.target.now, trade.target.before = _UNITS, signal.target, "0"
    if to.guarded and signal.action in _ENTRIES and signal.sentiment != pb.SENTIMENT_FLAT:
        trade.stop_loss.percent = "5"
        if to.laddered:
            near, far = pb.Protection(percent="3"), pb.Protection(percent="5")
            trade.take_profit_ladder.extend([pb.Rung(place=near, quantity="1"), pb.Rung(place=far)])
        else:
            trade.take_profit.percent = "5"
    return trade


def _habits(dice: Random) -> Habits:
    proves = dice.random() < 0.75
    most = dice.choice((3, 4, 6)) if dice.random() < 0.12 else 0
    has_stops = dice.random() < 0.7
    return Habits(
        most=most,
        window=dice.choice((SECOND, 3 * SECOND)),
        refuses_repeats=proves,
        looks_up=proves or dice.random() < 0.7,
        horizon=dice.choice((0.5, 1.5, 4.0)),
        has_brackets=has_stops and dice.random() < 0.5,
        has_stops=has_stops,
        wanders=dice.choice((0.0, 0.0, 0.3) if has_stops else (0.0, 0.3, 0.3)),
        slowness=dice.choice((0.01, 0.01, 0.5, 3.0, 13.0)),
        parts=dice.choice((0.0, 0.3, 0.8)),
        met=dice.choice((0.2, 0.8)),
        refusals=dice.choice((0.0, 0.0, 0.1)),
        late_fills=dice.choice((0.0, 0.0, 0.0, 0.3)),
        reports_refusals=dice.random() < 0.7,
        numbers_reports=dice.random() < 0.8,
    )


def _subscriptions(dice: Random, habits: Habits) -> list[Subscription]:
    strategies = [a_uuid(dice) for _ in range(dice.choice((1, 1, 2)))]
    accounts = [f"A{number}" for number in range(dice.choice((1, 1, 2)))]
    return [
        Subscription(
            a_uuid(dice),
            dice.choice(strategies),
            dice.choice(accounts),
            SYMBOLS[dice.random() < 0.1],
            allow_add=dice.random() < 0.4,
            allow_swap=dice.random() < 0.6,
            sides=dice.choice((pb.SIDES_BOTH, pb.SIDES_BOTH, pb.SIDES_BULLISH)),
            guarded=dice.random() < (0.7 if habits.has_brackets else 0.4),
            laddered=dice.random() < 0.2,
        )
        for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))
    ]


def _signals(dice: Random, subscriptions: list[Subscription]) -> list[Signal]:
    at, signals = 0.2, []
    strategies = sorted({s.strategy for s in subscriptions}, key=lambda s: s.int)
    names_targets = dice.random() < 0.1
    for number in range(dice.randint(2, 5)):
        at += dice.choice(
            (0.0, dice.uniform(0.0, 0.02), dice.uniform(0.0, 0.5), dice.uniform(0, 2))
        )
        strategy = dice.choice(strategies)
        if names_targets:
            signals.append(_target(dice, at, strategy))
        else:
            signals.append(_signal(dice, at, strategy, is_first=not number))
    return signals


def _target(dice: Random, at: float, strategy: UUID) -> Signal:
    """The position that the sender has now."""
    units = dice.choice((-3, -1, 0, 1, 2, 4))
    action = pb.ACTION_EXIT if not units else pb.ACTION_BUY if units > 0 else pb.ACTION_SELL
    return Signal(at, strategy, action, pb.SENTIMENT_UNSPECIFIED, "", False, target=str(units))


def _signal(dice: Random, at: float, strategy: UUID, *, is_first: bool) -> Signal:
    kinds = ("enter", "enter", "enter", "exit", "exit", "part", "cancel", "reverse", "add", "flat",
             "breakeven")  # fmt: skip
    kind = "enter" if is_first else dice.choice(kinds)
    action = {
        "exit": pb.ACTION_EXIT,
        "part": pb.ACTION_EXIT,
        "cancel": pb.ACTION_CANCEL,
        "reverse": pb.ACTION_REVERSE,
        "add": pb.ACTION_ADD,
        "breakeven": pb.ACTION_BREAKEVEN,
    }.get(kind) or dice.choice((pb.ACTION_BUY, pb.ACTION_BUY, pb.ACTION_SELL))
    sized = kind in ("enter", "part", "add")
    can_rest = kind in ("enter", "exit", "add")
    is_limit = can_rest and dice.random() < 0.25
    is_limit = is_limit or (kind == "part" and _is_odd(at))
    return Signal(
        at,
        strategy,
        action,
        pb.SENTIMENT_FLAT if kind == "flat" else pb.SENTIMENT_UNSPECIFIED,
        str(dice.randint(1, 5)) if sized else "",
        is_limit=is_limit,
        stop=_stop(at, action) if is_limit else "",
        cancel_after=dice.choice((0, 1, 3)) if is_limit else 0,
        is_sized_by_equity=kind == "enter" and not is_limit and dice.random() < 0.1,
        age=dice.choice((0.0,) * 12 + (118.0, 119.5)),
        withdrawn_after=dice.uniform(0.0, 1.0) if dice.random() < 0.04 else None,
    )


def _is_odd(at: float) -> bool:
    """Of every other moment, for no more dice."""
    return round(at * 1_000_000) % 2 == 1


def _stop(at: float, action: "pb.Action") -> str:
    """Where the stop of every other resting entry is; of its moment, for no more dice."""
    number = round(at * 1_000_000)
    return _STOPS[action][number // 2 % 2] if action in _STOPS and number % 2 else ""


def _come_late(dice: Random, habits: Habits, signals: list[Signal], trouble: Trouble) -> None:
    """Orders are canceled and filled after all, while instances come and go."""
    habits.late_fills, habits.met, habits.slowness = 0.9, 0.1, 3.0
    trouble.kills, trouble.pauses, trouble.chance = dice.choice((1, 2)), 0, 0.06
    for number, signal in enumerate(signals):
        if signal.is_limit or (signal.action in _ENTRIES and not signal.target):
            signals[number] = replace(signal, is_limit=True, cancel_after=1)
    trouble.until = max(trouble.until, signals[-1].at + 3.0)


def _leave_in_doubt(dice: Random, signals: list[Signal], trouble: Trouble) -> None:
    """Everything is closed while it is not known yet what was opened."""
    trouble.late, trouble.lost_reply, trouble.silent = 0.7, 0.6, 0.2
    out = (pb.ACTION_EXIT, pb.ACTION_EXIT, pb.ACTION_REVERSE)
    for number, signal in enumerate(signals):
        at = signals[0].at + 0.15 * number * dice.random()
        signals[number] = replace(signal, at=at, age=0.0)
        if number % 2 and not signal.target:
            way = dice.choice(out)
            signals[number] = Signal(at, signal.strategy, way, signal.sentiment, "", is_limit=False)
    signals.sort(key=lambda signal: signal.at)
    trouble.until = max(trouble.until, signals[-1].at + 2.0)


def _trouble(dice: Random, last: float, *, liveness: bool) -> Trouble:
    """Some runs are quiet on the wire, others have a bit of everything."""
    trouble = Trouble(until=last + dice.uniform(0.5, 6.0 if liveness else 4.0))

    def some(rate: float, share: float) -> float:
        return rate if dice.random() < share else 0.0

    trouble.drop = some(0.15, 0.3)
    trouble.late = some(0.2, 0.3)
    trouble.lost_reply = some(0.2, 0.3)
    trouble.silent = some(0.5, 0.3)
    trouble.refuse_login = some(0.05, 0.1)
    trouble.look_fails = some(0.2, 0.2)
    trouble.repeat = some(0.3, 0.3)
    trouble.lost_before = some(0.05, 0.15)
    trouble.lost_after = some(0.05, 0.15)
    if dice.random() < 0.45:
        trouble.kills = dice.choice((1, 1, 2, 3))
        trouble.chance = dice.choice((0.02, 0.05, 0.2))
    elif dice.random() < 0.3:
        trouble.pauses = dice.choice((1, 2))
        trouble.chance = dice.choice((0.02, 0.05, 0.2))

    def moments(share: float, longest: float) -> list[tuple[float, float]]:
        if dice.random() >= share:
            return []
        return [
            (dice.uniform(0.1, trouble.until), dice.uniform(0.02, longest))
            for _ in range(dice.choice((1, 2)))
        ]

    trouble.streams_lost = moments(0.25, 2.0)
    trouble.throttles = moments(0.15, 1.5)
    trouble.outages = moments(0.15, 8.0 if liveness else 1.5)
    if dice.random() < 0.06:
        trouble.by_hand = [dice.uniform(0.2, trouble.until)]
    return trouble
