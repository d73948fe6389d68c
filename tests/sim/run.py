"""One run: signals are sent to instances, which are killed, paused and started again, until
everything has come to rest; then the checker looks at what is on record."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from uuid import UUID

from execution.domain.words import ExecType
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim import checker, endings, guarding, plan
from tests.sim.adapter import WireFaults
from tests.sim.database import Database
from tests.sim.instance import BROKER, Instance
from tests.sim.person import Person
from tests.sim.plan import Plan, Signal
from tests.sim.record import Reading, Record, Trade
from tests.sim.venue import Account, Venue
from tests.sim.world import SECOND, InstanceLoop, Runaway, World

# After the last fault everything is over within this.
LIVENESS_SECONDS = 60.0
LOOK_SECONDS = 0.5
# Nothing may happen for so many looks.
CALM_LOOKS = 2
ANSWER_SECONDS = 3.0
NO_SENTIMENT = pb.SENTIMENT_UNSPECIFIED
STORED = (pb.STORE_STATUS_STORED, pb.STORE_STATUS_ALREADY_STORED)


@dataclass
class Result:
    """What became of a seed."""

    seed: int
    digest: str
    violations: list[str]
    counts: dict[str, int]
    seconds: float
    lines: list[str] = field(default_factory=list)


@dataclass
class Strategy:
    """What web still has to hand over, in order; one call at a time."""

    id: UUID
    due: deque[Trade] = field(default_factory=deque)
    epoch: int = 0
    is_waiting: bool = False


class Run:
    """Everything of one seed."""

    def __init__(
        self,
        seed: int,
        *,
        liveness: bool = False,
        gaps: bool = False,
        keeps_trace: bool = False,
    ) -> None:
        self.world = World(seed, keeps_trace=keeps_trace)
        self.plan: Plan = plan.make(self.world.dice, liveness=liveness)
        self.gaps = gaps
        self.plan.habits.mixes_reports = gaps
        self.venue = Venue(self.world, self.plan.habits)
        self.venue.on_report = self._reported
        self.database = Database(self.world, poke=self._poke)
        self.wire = WireFaults()
        self.trades: list[Trade] = []
        self.instances: list[Instance] = []
        self.is_settled = False
        self.last_fault = 0.0
        self._reading = Reading()
        self._called: Instance | None = None
        self._probed: set[str] = set()
        self._lives = 0
        self._spares = 0
        self._calm = 0
        self._facts_seen = -1
        self._kills = self.plan.trouble.kills
        self._pauses = self.plan.trouble.pauses
        ids = sorted({s.strategy for s in self.plan.subscriptions}, key=lambda s: s.int)
        self._strategies = {strategy: Strategy(strategy) for strategy in ids}
        self._person = Person(seed, self.venue)

    def go(self, seed: int) -> Result:
        """Run to the end, and check."""
        self._arrange()
        violations: list[str] = []
        try:
            self.world.run()
        except Runaway as error:
            violations.append(f"runaway: {error}")
        violations += [f"raised: {text}" for text in self.world.errors]
        violations += checker.check(self._record(), is_settled=self.is_settled)
        digest = self.world.digest()
        self.world.close()
        return Result(
            seed, digest, violations, self._counts(), self.world.seconds, self.world.lines
        )

    # -- what is going to happen

    def _arrange(self) -> None:
        trouble, after = self.plan.trouble, self.world.after
        self._begin_trouble()
        for number in range(self.plan.instances):
            self._start(f"execution-{number + 1}")
        for signal in self.plan.signals:
            after(signal.at, self._send, signal)
        for at, long in trouble.streams_lost:
            after(at, self._lose_stream, long)
        for at, long in trouble.throttles:
            after(at, self._throttle, long)
        for at, long in trouble.outages:
            after(at, self._go_away, long)
        for at in trouble.by_hand:
            after(at, self._trade_by_hand)
        after(trouble.until, self._end_trouble)
        after(self.plan.signals[-1].at + LOOK_SECONDS, self._look)

    def _begin_trouble(self) -> None:
        trouble, wire = self.plan.trouble, self.wire
        wire.drop, wire.late = trouble.drop, trouble.late
        wire.lost_reply, wire.silent = trouble.lost_reply, trouble.silent
        wire.refuse_login, wire.look_fails = trouble.refuse_login, trouble.look_fails
        wire.repeat = trouble.repeat
        self.database.faults.lost_before = trouble.lost_before
        self.database.faults.lost_after = trouble.lost_after

    def _end_trouble(self) -> None:
        """From now on everything works; what was done goes on having its effect."""
        wire, faults = self.wire, self.database.faults
        wire.drop = wire.late = wire.lost_reply = wire.silent = wire.refuse_login = 0.0
        wire.look_fails = wire.repeat = faults.lost_before = faults.lost_after = 0.0
        self.plan.habits.wanders = 0.0
        self._kills = self._pauses = 0
        self._fault("calm from here")

    def _fault(self, *words: object) -> None:
        self.last_fault = max(self.last_fault, self.world.seconds)
        self.world.trace("fault", *words)

    def _lose_stream(self, long: float) -> None:
        self._fault("stream", long)
        for instance in self.instances:
            instance.adapter.lose(long)
        self.last_fault = max(self.last_fault, self.world.seconds + long)

    def _throttle(self, long: float) -> None:
        self._fault("throttled", long)
        self.wire.throttled_until = self.world.seconds + long
        self.last_fault = max(self.last_fault, self.wire.throttled_until)

    def _go_away(self, long: float) -> None:
        self._fault("database", long)
        self.database.faults.away_until = self.world.seconds + long
        self.last_fault = max(self.last_fault, self.database.faults.away_until)

    def _trade_by_hand(self) -> None:
        one = self.world.dice.choice(self.plan.subscriptions)
        self._fault("by hand", one.account)
        quantity = Decimal(self.world.dice.choice((-3, -1, 2)))
        self.venue.trade_by_hand(one.account, one.symbol, quantity)

    # -- instances

    def _start(self, name: str) -> None:
        self._lives += 1
        instance = Instance(
            self.world,
            self.database,
            self.venue,
            self.wire,
            name=name,
            life=self._lives,
            skew=self.plan.skew,
            poke=self._poke,
        )
        self.instances.append(instance)
        self.world.trace("started", instance.loop.name)
        instance.start()

    def _poke(self, loop: InstanceLoop) -> None:
        """An instance just did something: kill or stop it shortly after, perhaps."""
        dice, chance = self.world.dice, self.plan.trouble.chance
        if not (self._kills or self._pauses) or loop.is_dead or dice.random() >= chance:
            return
        if self._kills and loop.dies_in is None:
            self._kills -= 1
            loop.dies_in = dice.randint(0, 3)
            self.world.after(dice.uniform(0.02, 2.0), self._replace, loop)
        elif self._pauses and loop.paused_until < self.world.now_us:
            self._pauses -= 1
            long = dice.choice((dice.uniform(0.1, 3.0), dice.uniform(6.5, 9.0)))
            loop.pause(long)
            self.last_fault = max(self.last_fault, self.world.seconds + long)
            if sum(i.is_awake for i in self.instances) == 0:
                self._spares += 1
                self.world.after(dice.uniform(0.0, 2.0), self._start, f"spare-{self._spares}")

    def _replace(self, loop: InstanceLoop) -> None:
        """Start the dead one's successor: by its name, or by another."""
        self._fault("replace", loop.name)
        if not loop.is_dead:
            loop.kill()
        name = next(i.name for i in self.instances if i.loop is loop)
        self._start(name if self.world.dice.random() < 0.6 else f"other-{self._lives}")

    def _reported(self, account: Account) -> None:
        for instance in self.instances:
            instance.adapter.stream(account)

    # -- web's part

    def _send(self, signal: Signal) -> None:
        strategy = self._strategies[signal.strategy]
        for to in self.plan.subscriptions:
            if to.strategy != signal.strategy:
                continue
            trade_id = plan.a_uuid(self.world.dice)
            message = plan.trade_of(self.world, signal, to, trade_id, len(self.trades) + 1)
            trade = Trade(trade_id, message, to, self.world.seconds)
            self.trades.append(trade)
            strategy.due.append(trade)
            self._tell(trade)
            if signal.withdrawn_after is not None:
                self.world.after(signal.withdrawn_after, self._withdraw, trade)
        self._hand_over(strategy)

    def _tell(self, trade: Trade) -> None:
        said, to = trade.message, trade.to
        style = said.exit if said.HasField("exit") else said.entry
        words = [trade.id.hex[:8], "of", to.id.hex[:4], to.account, to.symbol]
        words += [pb.Action.Name(said.action)[7:].lower(), said.quantity or "all"]
        words += [f"target {said.target.now}"] * said.HasField("target")
        words += ["flat"] * (said.sentiment == pb.SENTIMENT_FLAT)
        words += ["limit"] * bool(style.limit_price) + ["guarded"] * said.HasField("stop_loss")
        words += ["add"] * said.allow_add + ["swap"] * said.allow_swap
        self.world.trace("signal", *words)

    def _hand_over(self, strategy: Strategy) -> None:
        if strategy.is_waiting or not strategy.due:
            return
        target = self._target()
        if target is None:
            self.world.after(0.2, self._hand_over, strategy)
            return
        strategy.is_waiting, strategy.epoch = True, strategy.epoch + 1
        request = pb.SubmitTradesRequest()
        request.groups.add(
            strategy_id=strategy.id.hex,
            drain_epoch=strategy.epoch,
            trades=[trade.message for trade in strategy.due],
        )
        answered = partial(self._answered, strategy, strategy.epoch)
        target.submit(request, answered)
        self.world.after(ANSWER_SECONDS, answered, None)

    def _target(self) -> Instance | None:
        """Whom web calls: the same as before as long as that lives; or anybody."""
        alive = [i for i in self.instances if not i.loop.is_dead]
        if not alive:
            return None
        if self.gaps or self._called not in alive:
            self._called = self.world.dice.choice(alive)
        return self._called

    def _answered(
        self, strategy: Strategy, epoch: int, response: pb.SubmitTradesResponse | None
    ) -> None:
        if epoch != strategy.epoch or not strategy.is_waiting:
            return
        strategy.is_waiting = False
        group = None if response is None else response.groups[0]
        if group is not None:
            taken = {ids.from_hex(r.trade_id) for r in group.results if r.status in STORED}
            strategy.due = deque(t for t in strategy.due if t.id not in taken)
        self.world.after(0.0 if group is not None else 0.2, self._hand_over, strategy)

    def _withdraw(self, trade: Trade) -> None:
        alive = [i for i in self.instances if not i.loop.is_dead]
        if alive:
            self.world.trace("withdrawn", trade.id.hex[:8])
            request = pb.CancelTradesRequest(
                trade_ids=[trade.id.hex], reason=pb.REASON_CANCELED_BY_MEMBER
            )
            self.world.dice.choice(alive).withdraw(request)

    # -- the end

    def _look(self) -> None:
        """Is everything at rest? Then it is over; and it is over when that takes too long."""
        tables, now = self.database.tables, self.world.seconds
        waits = any(s.due for s in self._strategies.values()) or self.venue.busy
        is_calm = not waits and len(tables.facts) == self._facts_seen and self._is_held()
        self._facts_seen = len(tables.facts)
        # What was said just now is on its way; while the database is away nothing is stored.
        quiet = max(self.plan.trouble.until, self.last_fault, self.venue.last_act) + LOOK_SECONDS
        self._calm = self._calm + 1 if is_calm and now > quiet and self._is_over() else 0
        # What a limit holds back goes out unseen.
        habits = self.plan.habits
        looks = CALM_LOOKS + (2 * habits.window // int(LOOK_SECONDS * SECOND) if habits.most else 0)
        if self._calm == looks - 1 and self._probe():
            self._calm = 0
        if self._person.look(self._record(), [i for i in self.instances if not i.loop.is_dead]):
            self._calm, self.last_fault = 0, now
        self.is_settled = self._calm >= looks
        last = max(self.last_fault, self.venue.last_act, self.plan.signals[-1].at)
        if self.is_settled or (now > last + LIVENESS_SECONDS and not self.venue.busy):
            self.world.stop()
        else:
            self.world.after(LOOK_SECONDS, self._look)

    def _is_over(self) -> bool:
        """As far as the record tells. A guard that is too large is being canceled, or was
        forgotten."""
        record = self._record()
        return not (endings.unfinished(record) or any(guarding.guards_fit_what_is_held(record)))

    def _probe(self) -> bool:
        """A fill came for an account that nobody holds any more: its next trade finds it."""
        for to in self.plan.subscriptions:
            if to.account not in self._probed and self._is_behind(to.account):
                self._probed.add(to.account)
                self._send(Signal(0, to.strategy, pb.ACTION_CANCEL, NO_SENTIMENT, "", False))
                return True
        return False

    def _is_behind(self, name: str) -> bool:
        leases, account_id = self.database.tables.leases, ids.account_id(BROKER, BROKER, name)
        awake = {i.loop.name for i in self.instances if i.is_awake}
        if account_id not in leases or leases[account_id]["author"] in awake:
            return False
        facts = self.database.tables.facts
        known = {f["canonical_id"] for f in facts if f["account_id"] == account_id}
        fills = (r for r in self.venue.account(name).log if r.exec_type is ExecType.FILL)
        return any(r.report_id not in known for r in fills)

    def _is_held(self) -> bool:
        """True when somebody awake holds each account that has open trades, and not only its
        lease."""
        tables = self.database.tables
        awake = {i.loop.name: i for i in self.instances if i.is_awake}
        busy = {r["account_id"] for r in tables.instructions.values() if r["done_at"] is None}
        holders = {a: tables.leases[a]["author"] for a in busy if a in tables.leases}
        return len(holders) == len(busy) and all(
            name in awake and awake[name].holds(account) for account, name in holders.items()
        )

    def _record(self) -> Record:
        trouble = self.plan.trouble
        in_time = not (trouble.late or trouble.streams_lost)
        tables, venue, read = self.database.tables, self.venue, self._reading
        return Record(self.trades, tables, venue, self.gaps, in_time, read)

    def _counts(self) -> dict[str, int]:
        return {
            "trades": len(self.trades),
            "orders": len(self.database.tables.orders),
            "facts": len(self.database.tables.facts),
            "arrivals": len(self.venue.arrivals),
            "lives": self._lives,
            "steps": self.world.steps,
            "settled": int(self.is_settled),
        }


def run(
    seed: int, *, liveness: bool = False, gaps: bool = False, keeps_trace: bool = False
) -> Result:
    """One seed, from its plan to its verdict."""
    one = Run(seed, liveness=liveness, gaps=gaps, keeps_trace=keeps_trace)
    return one.go(seed)
