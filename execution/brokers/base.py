"""What every broker adapter provides, and the four answers a broker call can give.

    BrokerError
    ├── Rejected     the broker said no: the order is over
    ├── NotSent      it never left: try again after `retry_after_seconds`
    │   └── RateLimited   the broker proved not to have taken it, and wants silence
    ├── InDoubt      it may have arrived: ask by ClOrdID, never send anew
    └── AuthFailed   the member must reconnect

Adapters translate and transmit. They keep no state that matters, write no journal, and
retry nothing by themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from execution.domain.options import OptionContract
from execution.domain.ratelimit import Limit, Scope
from execution.domain.reports import PositionMove as PositionMove
from execution.domain.reports import Report as Report
from execution.domain.reports import RulesChanged as RulesChanged
from execution.domain.reports import Said as Said
from execution.domain.words import OrdType, Side


class BrokerError(Exception):
    """A broker call did not give a definite yes."""


class Rejected(BrokerError):
    """The broker refused; `text` is its own words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotSent(BrokerError):
    """Proven not to have left."""

    def __init__(self, cause: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(cause)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(NotSent):
    """One request too many. Whose, is for the adapter to say; so is for how long, where the
    broker does."""

    def __init__(
        self, cause: str, *, scope: Scope = Scope.ACCOUNT, retry_after_seconds: float = 0.0
    ) -> None:
        super().__init__(cause, retry_after_seconds=retry_after_seconds)
        self.scope = scope


class InDoubt(BrokerError):
    """It may have arrived."""


class AuthFailed(BrokerError):
    """The broker does not accept the connection's login; `problem` is a word of it."""

    def __init__(self, text: str, *, problem: str = "wrong_key") -> None:
        super().__init__(text)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a broker can do, as data."""

    ord_types: frozenset[OrdType]
    # How long an accepted order may stay invisible to a look-up by ClOrdID.
    visibility_horizon_seconds: float
    # A repeated ClOrdID is refused for good: with the horizon, this proves absence.
    refuses_repeats: bool
    looks_up_by_cl_ord_id: bool
    quantity_step: Decimal
    # Less than this cannot be sold.
    smallest_quantity: Decimal = Decimal(0)
    times_in_force: frozenset[str] = frozenset({"day"})
    # Takes targets and stops together with their entry, sizes them to its fills, and
    # cancels one when the other fills.
    has_brackets: bool = False
    # Orders are refused while the instrument's exchange is closed.
    keeps_exchange_hours: bool = True
    # What it takes, from whom.
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply told of a limit, by its name."""

    account: str
    limit: str
    most: int
    remaining: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What goes to the broker."""

    account: str
    cl_ord_id: str
    instrument: str
    side: Side
    ord_type: OrdType
    order_qty: Decimal
    limit_price: Decimal | None
    time_in_force: str
    reference_price: Decimal | None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    # Targets and stops that go with this entry.
    guards: tuple["NewOrder", ...] = ()


@dataclass(frozen=True, slots=True)
class PositionSnapshot:
    """A position as the broker reports it; negative is short."""

    instrument: str
    quantity: Decimal
    avg_price: Decimal | None
    # At the market; None where the broker does not say.
    market_price: Decimal | None = None
    unrealised: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account as the broker reports it."""

    # What is there, whatever working orders will take of it.
    cash: Decimal
    currency: str
    positions: Sequence[PositionSnapshot]
    open_cl_ord_ids: Sequence[str]
    as_of: datetime
    # Portfolio value, and how much of it is profit or loss of open positions; None where
    # the broker does not say.
    equity: Decimal | None = None
    unrealised: Decimal | None = None
    # What is left beside positions and working orders.
    buying_power: Decimal | None = None
    # What one of other currencies is worth in its own, as far as the broker says.
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def rate(self, currency: str) -> Decimal | None:
        """What one of a currency is worth in the account's."""
        return Decimal(1) if currency == self.currency else self.rates.get(currency)


@dataclass(frozen=True, slots=True)
class HeldSnapshot:
    """What an account holds, by instrument; what is not there is flat."""

    positions: Mapping[str, PositionSnapshot]
    as_of: datetime
    # Every report up to this one is in them, and none after it; None where the broker numbers
    # nothing.
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class QuoteSnapshot:
    """What an instrument can be traded at, as the broker says."""

    instrument: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class ChainSnapshot:
    """A part of an option chain, with the quote of what it is on; in the broker's order."""

    underlying: QuoteSnapshot
    contracts: Sequence[OptionContract]
    quotes: Sequence[QuoteSnapshot]


class Adapter(Protocol):
    """One broker and environment. Every call may raise AuthFailed; only `submit` may raise
    Rejected; a look-up that fails raises InDoubt and means "not known", never "flat". Every
    one that the broker proves not to have taken may raise RateLimited."""

    # Told what replies say of limits, before the reply is answered.
    on_usage: Callable[[Usage], None]
    # For how many seconds to hear nothing, after hearing for so many: orders may be waiting.
    rest_after: Callable[[float], float]

    async def start(self, on_report: Callable[[Said], None], on_gap: Callable[[str], None]) -> None:
        """Connect, and keep connected. `on_gap(cause)` tells of each lost stream, after which
        every call in flight raises InDoubt and attached accounts are resumed."""

    async def close(self) -> None:
        """Disconnect."""

    async def attach(self, accounts: Sequence[tuple[str, int]]) -> None:
        """Want the reports of these accounts, each from after a sequence number."""

    async def admit(self, account: str, connection_id: str) -> None:
        """Whether the broker lets a connection in by keys of its own: those of another one to
        the same account do not count. One that asks for none lets in everybody.

        Raises AuthFailed, and NotSent while that is not known.
        """

    async def submit(self, order: NewOrder) -> Report | None:
        """Send one order; return its acknowledgement where the reply carries one.

        Raises Rejected, NotSent, InDoubt.
        """

    async def cancel(self, account: str, cl_ord_id: str) -> bool:
        """Ask to cancel; False when it is too late or the order is unknown.

        Raises NotSent, InDoubt.
        """

    async def find_orders(
        self, account: str, cl_ord_ids: Sequence[str]
    ) -> dict[str, Sequence[Report]]:
        """All reports so far of those of the orders that the broker knows. Raises InDoubt."""

    async def account(self, account: str) -> AccountSnapshot:
        """Cash, positions and open orders. Raises InDoubt."""

    async def held(self, accounts: Sequence[str]) -> Sequence[HeldSnapshot | None]:
        """What each of these accounts holds, in their order; None of one whose login is not
        accepted. Raises InDoubt."""

    async def quote(
        self, account: str, instrument: str, *, reference_price: Decimal | None = None
    ) -> QuoteSnapshot | None:
        """What an instrument can be traded at now; None where the broker has no quote of it.

        `reference_price` is what the signal saw. Raises InDoubt.
        """

    async def chain(
        self,
        underlying: str,
        earliest: date,
        *,
        strikes: int,
        reference_price: Decimal | None = None,
    ) -> ChainSnapshot | None:
        """Options that end on a day or later: at least the first expiration, with so many
        strikes on each side of the money. None where there are none. Raises InDoubt."""

    async def capabilities(self, accounts: Sequence[str]) -> Sequence[Capabilities]:
        """What each of these accounts can do, in their order. Raises InDoubt when the broker
        cannot be asked."""
