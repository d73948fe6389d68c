"""Runs that are told step by step, for what a seed once found."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from execution.brokers.base import NewOrder
from execution.domain.words import OrdType, Side
from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.adapter import WireFaults
from tests.sim.database import Database
from tests.sim.habits import Habits
from tests.sim.instance import BROKER, Instance
from tests.sim.plan import a_uuid
from tests.sim.record import Record
from tests.sim.venue import Account, Order, Venue
from tests.sim.world import World

SUBSCRIPTION = UUID(int=3)


class Script:
    """One account of one subscription, at a broker that does nothing by chance."""

    def __init__(self, **habits: Any) -> None:
        quiet = {"slowness": 0.01} | dict.fromkeys(("parts", "met", "guards_met", "refusals"), 0.0)
        self.world = World(1)
        self.venue = Venue(self.world, Habits(**(quiet | habits)))
        self.venue.on_report = self._reported
        self.database = Database(self.world)
        self.wires: dict[str, WireFaults] = {}
        self.instances: list[Instance] = []
        self._epoch = 0
        self._lives = 0

    def start(self, name: str, *, skew: float = 0.0, **faults: float) -> Instance:
        """An instance with a wire of its own."""
        self._lives += 1
        self.wires[name] = WireFaults(**faults)
        instance = Instance(
            self.world,
            self.database,
            self.venue,
            self.wires[name],
            name=name,
            life=self._lives,
            skew=timedelta(seconds=skew),
            poke=lambda _loop: None,
        )
        self.instances.append(instance)
        instance.start()
        self.wait(0.05)
        return instance

    def trade(self, action: str, quantity: str = "", **fields: Any) -> pb.Trade:
        """A trade from a signal accepted now, unless a field says otherwise."""
        now = wire.to_timestamp(self.world.at())
        values: dict[str, Any] = {
            "trade_id": a_uuid(self.world.dice).hex,
            "strategy_id": UUID(int=2).hex,
            "subscription_id": SUBSCRIPTION.hex,
            "account": pb.Account(broker=BROKER, environment=BROKER, account="A"),
            "accepted_time": now,
            "released_time": now,
            "action": pb.Action.Value(f"ACTION_{action.upper()}"),
            "instrument": "AAPL",
            "quantity": quantity,
            "quantity_from_signal": True,
            "signal_price": "100",
            "sides": pb.SIDES_BOTH,
            "asset_class": pb.ASSET_CLASS_STOCKS,
        }
        return pb.Trade(**(values | fields))

    def submit(self, to: Instance, *trades: pb.Trade) -> None:
        """Hand trades over, and give it a moment."""
        self._epoch += 1
        strategy_id = trades[0].strategy_id
        group = pb.TradeGroup(strategy_id=strategy_id, drain_epoch=self._epoch, trades=trades)
        to.submit(pb.SubmitTradesRequest(groups=[group]), lambda _answer: None)

    def arrive(self, cl_ord_id: str, author: str) -> Order:
        """What a former holder had written long ago reaches the broker now."""
        row = next(r for r in self._rows() if r["cl_ord_id"] == cl_ord_id)
        terms = NewOrder(
            "A", cl_ord_id, row["instrument"], Side(row["side"]), OrdType(row["ord_type"]),
            row["order_qty"], row["limit_price"], row["time_in_force"], None,
        )  # fmt: skip
        taken = self.venue.take(terms, author, self.world.seconds, 0.0)
        assert taken is not None
        return taken

    def overfill(self, cl_ord_id: str, quantity: str) -> None:
        """The broker fills more of an order, whatever it asked."""
        account = self.venue.account("A")
        self.venue._fill(account, account.orders[cl_ord_id][0], Decimal(quantity), is_late=True)

    def fill(self, cl_ord_id: str, quantity: int) -> None:
        """The broker fills so much of an order, wherever the price is."""
        [order] = self.venue.account("A").orders[cl_ord_id]
        self.venue._fill(self.venue.account("A"), order, Decimal(quantity))

    def fill_newest(self, quantity: int) -> None:
        """Of the order that was written last."""
        self.fill(self.orders()[-1], quantity)
        self.wait(0.1)

    def hold(self, at: Instance, quantity: int = 5) -> None:
        """Buy so much."""
        self.submit(at, self.trade("buy", str(quantity)))
        self.wait(0.1)
        self.fill_newest(quantity)
        assert self.position == quantity

    def withdraw(self, to: Instance, trade: pb.Trade) -> None:
        """A member cancels a trade."""
        reason = pb.REASON_CANCELED_BY_MEMBER
        to.withdraw(pb.CancelTradesRequest(trade_ids=[trade.trade_id], reason=reason))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run_for(seconds)

    def outcome(self, trade: pb.Trade) -> tuple[str, str]:
        """What is said of a trade now."""
        told = self._record().last_outcome(UUID(hex=trade.trade_id))
        state, reason = pb.TradeState.Name(told.state), pb.Reason.Name(told.reason)
        return state.removeprefix("TRADE_STATE_"), reason.removeprefix("REASON_").lower()

    def protection(self, trade: pb.Trade) -> tuple[str, str]:
        """Where the protection of what a trade opened stands now, and why."""
        told = self._record().last_protection(UUID(hex=trade.trade_id)) or pb.TradeProtection()
        state, reason = pb.ProtectionState.Name(told.state), pb.Reason.Name(told.reason)
        return state.removeprefix("PROTECTION_STATE_"), reason.removeprefix("REASON_").lower()

    def alarms(self) -> list[str]:
        """What people were to hear of, in order."""
        facts = [pb.Fact.FromString(row["fact"]) for row in self.database.tables.facts]
        kinds = [pb.AlarmKind.Name(f.alarm.kind) for f in facts if f.HasField("alarm")]
        return [kind.removeprefix("ALARM_KIND_").lower() for kind in kinds]

    def written(self) -> list[str]:
        """The legs that arrived at the broker, in order; refused repeats too."""
        rows = self._record().rows
        return [rows[arrival.cl_ord_id].leg for arrival in self.venue.arrivals]

    @property
    def position(self) -> int:
        """What the broker holds for the account."""
        return int(self.venue.account("A").positions.get("AAPL", 0))

    def working(self) -> list[str]:
        """The orders that the broker may still fill."""
        return [cl_ord_id for cl_ord_id in self.orders() if self._record().is_open(cl_ord_id)]

    def orders(self) -> list[str]:
        """The ids of all orders that were written down."""
        return [row["cl_ord_id"] for row in self._rows()]

    def origins(self) -> list[str]:
        """Why each order was written down."""
        return [row["origin"] for row in self._rows()]

    def _rows(self) -> list[dict[str, Any]]:
        return list(self.database.tables.orders.values())

    def _record(self) -> Record:
        return Record([], self.database.tables, self.venue)

    def _reported(self, account: Account) -> None:
        for instance in self.instances:
            instance.adapter.stream(account)


def slow() -> tuple[Script, Instance]:
    """At a broker that fills nothing by itself."""
    script = Script(slowness=1e9)
    script.venue.habits.met = script.venue.habits.guards_met = 0.0
    return script, script.start("one")
