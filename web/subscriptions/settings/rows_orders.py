"""Rows of the table: what the orders of each leg look like, and their protection."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from web.subscriptions.settings.kinds import Kind, Setting

ORDER_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
PRICE_TYPES = ("mark", "ask_bid", "ask", "bid", "last")
HUNDRED = Decimal(100)


def _leg(leg: str) -> Iterator[Setting]:
    """What entries and exits have alike; `leg` is "entry" or "exit"."""
    group, binds = leg.capitalize(), {"entry": "entries", "exit": "exits"}[leg]
    trails = (f"{leg}_order_type", ("trailing_stop",))
    made = (
        Setting(
            name=f"{leg}_order_type",
            group=group,
            label="Order type",
            help="Never replaced by a more aggressive one: what the broker cannot take is skipped.",
            kind=Kind.CHOICE,
            default="market",
            choices=ORDER_TYPES,
            signal_fields=(("", "order_type"),),
        ),
        Setting(
            name=f"{leg}_trail",
            group=group,
            label="Trail",
            help="How far a trailing stop follows the price.",
            kind=Kind.NUMBER,
            signal_fields=(("amount", "trail_amount"), ("percent", "trail_percent")),
            depends_on=trails,
        ),
        Setting(
            name=f"{leg}_trail_unit",
            group=group,
            label="Trail means",
            help="Percent of the price, or a price distance in the instrument's currency.",
            kind=Kind.CHOICE,
            default="percent",
            choices=("percent", "amount"),
            part_of=f"{leg}_trail",
        ),
        Setting(
            name=f"{leg}_time_in_force",
            group=group,
            label="Time in force",
            help="How long the order may work. One that the broker lacks falls back to its own.",
            kind=Kind.CHOICE,
            choices=TIMES_IN_FORCE,
            empty="automatic",
            signal_fields=(("", "time_in_force"),),
        ),
        Setting(
            name=f"{leg}_extended_hours",
            group=group,
            label="Extended hours",
            help="Orders may trade before the open and after the close, where the broker can. "
            + (
                "Where it cannot, entries are skipped then instead of waiting for the open."
                if leg == "entry"
                else "Where it cannot, exits wait for the open."
            ),
            kind=Kind.BOOLEAN,
            default=False,
            signal_fields=(("", "extended_hours"),),
            asset_classes=("stocks",),
            advanced=True,
        ),
        Setting(
            name=f"{leg}_spread_filter",
            group=group,
            label="Spread filter",
            help="A wider gap between bid and ask "
            + ("skips the entry." if leg == "entry" else "holds the exit, with an alarm."),
            kind=Kind.NUMBER,
            empty="off",
            signal_fields=(
                (("amount", "spread_filter"), ("percent", "spread_filter_percent"))
                if leg == "entry"
                else ()
            ),
            advanced=True,
        ),
        Setting(
            name=f"{leg}_spread_filter_unit",
            group=group,
            label="Spread filter means",
            help="Percent of the middle price, or a price distance in the instrument's currency.",
            kind=Kind.CHOICE,
            default="percent",
            choices=("percent", "amount"),
            part_of=f"{leg}_spread_filter",
            advanced=True,
        ),
        Setting(
            name=f"{leg}_cancel_after_seconds",
            group=group,
            label="Cancel after",
            help="What still works after so long is canceled.",
            kind=Kind.NUMBER,
            at_least=Decimal(1),
            at_most=Decimal(3600),
            unit="s",
            empty="never",
            signal_fields=(("", "cancel_after_seconds"),),
            advanced=True,
        ),
    )
    for setting in made:
        yield replace(setting, binds=binds)


ENTRY = (
    *_leg("entry"),
    Setting(
        name="market_price_type",
        group="Entry",
        label="Price that plans the trade",
        help="Which quote: the middle, what the side would pay, ask, bid, or last.",
        kind=Kind.CHOICE,
        default="mark",
        choices=PRICE_TYPES,
        signal_fields=(("", "market_price_type"),),
        advanced=True,
    ),
    Setting(
        name="limit_without_price_as_market",
        group="Entry",
        label="A limit without any price goes as market",
        help="As TradersPost does with some brokers. Off: it is skipped, which is safer.",
        kind=Kind.BOOLEAN,
        default=False,
        advanced=True,
    ),
)

TAKE_PROFIT = (
    Setting(
        name="take_profit",
        group="Take profit",
        label="Take profit",
        help="Where an entry's profit is taken.",
        kind=Kind.NUMBER,
        empty="none",
        signal_fields=(
            ("percent", "take_profit.percent"),
            ("amount", "take_profit.amount"),
            ("pnl_amount", "take_profit.pnl_amount"),
            ("limit_price", "take_profit.limit_price"),
        ),
        binds="entries",
    ),
    Setting(
        name="take_profit_unit",
        group="Take profit",
        label="Take profit means",
        help="Percent of the entry price; a price distance; or a profit in money.",
        kind=Kind.CHOICE,
        default="percent",
        choices=("percent", "amount", "pnl_amount"),
        part_of="take_profit",
        binds="entries",
    ),
)

STOP = (
    Setting(
        name="stop_loss",
        group="Stop",
        label="Stop loss",
        help="Where an entry's loss is stopped. With a trailing stop it is the trail.",
        kind=Kind.NUMBER,
        empty="none",
        signal_fields=(
            ("percent", "stop_loss.percent"),
            ("amount", "stop_loss.amount"),
            ("pnl_amount", "stop_loss.pnl_amount"),
            ("stop_price", "stop_loss.stop_price"),
            ("trail_amount", "stop_loss.trail_amount"),
            ("trail_percent", "stop_loss.trail_percent"),
        ),
        binds="entries",
    ),
    Setting(
        name="stop_loss_unit",
        group="Stop",
        label="Stop loss means",
        help="Percent of the entry price; a price distance; or a loss in money.",
        kind=Kind.CHOICE,
        default="percent",
        choices=("percent", "amount", "pnl_amount"),
        part_of="stop_loss",
        binds="entries",
    ),
    Setting(
        name="stop_loss_type",
        group="Stop",
        label="Stop type",
        help="A signal's stop without a type takes this one.",
        kind=Kind.CHOICE,
        default="stop",
        choices=("stop", "stop_limit", "trailing_stop"),
        signal_fields=(("", "stop_loss.type"),),
        part_of="stop_loss",
        falls_back=True,
        binds="entries",
    ),
    Setting(
        name="stop_refused_after_fill",
        group="Stop",
        label="When the stop is refused after the fill",
        help="Close the position at once, or leave it and raise an alarm.",
        kind=Kind.CHOICE,
        default="flatten",
        choices=("flatten", "alarm"),
        binds="exits",
        advanced=True,
    ),
)

EXIT = (
    *_leg("exit"),
    Setting(
        name="correct_overfills",
        group="Exit",
        label="Close what is filled too much",
        help="When the broker fills more than an order asked, close the rest at the market. Off: "
        "only an alarm, and no entries there until you have looked.",
        kind=Kind.BOOLEAN,
        default=False,
        binds="exits",
        advanced=True,
    ),
    Setting(
        name="ignore_exits",
        group="Exit",
        label="Ignore exits",
        help="On: nothing is closed by signals; entries go on.",
        kind=Kind.BOOLEAN,
        default=False,
        binds="exits",
        advanced=True,
    ),
    Setting(
        name="exit_fill_wait_seconds",
        group="Exit",
        label="A flip's entry waits for its exit",
        help="Not filled within it, the entry is dropped; the exit goes on working.",
        kind=Kind.NUMBER,
        default=Decimal(120),
        at_least=Decimal(60),
        at_most=Decimal(300),
        unit="s",
        binds="entries",
        advanced=True,
    ),
    Setting(
        name="breakeven_offset",
        group="Exit",
        label="Break-even offset",
        help="How far beyond the average entry price a break-even stop is set: a price "
        "distance, above for longs, below for shorts.",
        kind=Kind.NUMBER,
        default=Decimal(0),
        at_least=Decimal(0),
        at_most=HUNDRED,
        signal_fields=(("", "breakeven_offset"),),
        binds="exits",
        advanced=True,
    ),
)


def _options() -> Iterator[Setting]:
    made = (
        Setting(
            name="option_type",
            group="Options",
            label="Contracts",
            help="Both: buys are long calls, sells long puts. Or calls only, or puts only.",
            kind=Kind.CHOICE,
            default="both",
            choices=("both", "call", "put"),
            signal_fields=(("", "option.option_type"),),
        ),
        Setting(
            name="invert_puts",
            group="Options",
            label="Invert puts",
            help="The older rule: a buy sells puts, a sell buys them.",
            kind=Kind.BOOLEAN,
            default=False,
            depends_on=("option_type", ("put",)),
            advanced=True,
        ),
        Setting(
            name="intrinsic_value",
            group="Options",
            label="In or out of the money",
            help="From which side of the price the strike is picked.",
            kind=Kind.CHOICE,
            default="otm",
            choices=("itm", "otm"),
            signal_fields=(("", "option.intrinsic_value"),),
        ),
        Setting(
            name="expiration",
            group="Options",
            label="Expires not before",
            help="A date, or a distance from today; the first expiration from then on is taken.",
            kind=Kind.EXPIRATION,
            empty="the nearest",
            signal_fields=(("", "option.expiration"),),
        ),
        Setting(
            name="strikes_away",
            group="Options",
            label="Strikes away from the price",
            help="0 picks the nearest strike, 1 the first beyond the price.",
            kind=Kind.INTEGER,
            default=0,
            at_least=Decimal(0),
            at_most=Decimal(100),
            signal_fields=(("", "option.strikes_away"),),
        ),
        Setting(
            name="strike_count",
            group="Options",
            label="Strikes asked for",
            help="How many strikes around the price the broker is asked for; widened until "
            "the pick is among them.",
            kind=Kind.INTEGER,
            default=12,
            at_least=Decimal(2),
            at_most=Decimal(200),
            signal_fields=(("", "option.strike_count"),),
            advanced=True,
        ),
        Setting(
            name="option_limit_from_signal",
            group="Options",
            label="A signal's limit price is the premium",
            help="On: a limit price in the signal prices the contract. Off: it is the "
            "underlying's, and the contract is priced by its quote.",
            kind=Kind.BOOLEAN,
            default=False,
            advanced=True,
        ),
        Setting(
            name="allow_short_options",
            group="Options",
            label="Allow short options",
            help="Off: a sell that would open a short contract is skipped.",
            kind=Kind.BOOLEAN,
            default=False,
            binds="entries",
            lockable=True,
            advanced=True,
        ),
    )
    for setting in made:
        yield replace(setting, asset_classes=("options",))


OPTIONS = tuple(_options())
