"""The core of an order, whatever a broker does and whenever it is heard: a state machine.

Its broker takes, fills, ends and overfills orders as it likes; what it says is heard late,
twice and in another order; the process dies and is rebuilt from what it committed. What an
order and a position then are is worked out here a second time, from what was heard alone.
"""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from execution.brokers import paper_wire
from execution.domain.decisions import End, Send
from execution.domain.orders import Terms
from execution.domain.positions import Attribution, Position
from execution.domain.reports import Report
from execution.domain.words import Action, ExecType, Leg, OrdStatus, OrdType, Side
from execution.lanes.tickets import Ticket
from protos.paper.v1 import paper_pb2
from tests.unit.order_core import REF, SYMBOL, Core
from tests.unit.order_model import BUST, ZERO, Sent, closing, folded, name, pick, shares

OURS, THEIRS = UUID(int=1), UUID(int=2)
BOTH = (OURS, THEIRS)
MOST_ORDERS = 8
QUANTITIES = st.integers(1, 5).map(Decimal)
SECOND = timedelta(seconds=1)


class OrderMachine(RuleBasedStateMachine):
    """Orders of two subscriptions on one lane."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core()
        self.sent: dict[str, Sent] = {}
        # What may never be taken back.
        self.highest: dict[str, Decimal] = {}
        self.over: dict[str, OrdStatus] = {}
        self.attribution: dict[UUID, Attribution] = {}
        # As they were heard: shares depend on what was held before.
        self.fills: list[tuple[Sent, Report]] = []
        self.reports = 0

    # -- what we do

    @precondition(lambda self: len(self.sent) < MOST_ORDERS)
    @rule(
        subscription=st.sampled_from(BOTH),
        leg=st.sampled_from([Leg.ENTRY, Leg.ENTRY, Leg.EXIT, Leg.STOP]),
        side=st.sampled_from(Side),
        quantity=QUANTITIES,
        ord_type=st.sampled_from([OrdType.MARKET, OrdType.LIMIT]),
    )
    def send(
        self, subscription: UUID, leg: Leg, side: Side, quantity: Decimal, ord_type: OrdType
    ) -> None:
        if leg is not Leg.ENTRY and self.whole:
            side = Side.SELL if self.whole > 0 else Side.BUY
        self._wrote(self.core.send(subscription, leg, side, quantity, ord_type))

    @precondition(lambda self: len(self.sent) < MOST_ORDERS and self.open)
    @rule(data=st.data(), quantity=QUANTITIES)
    def replace(self, data: st.DataObject, quantity: Decimal) -> None:
        """The next revision goes out while the one before is being canceled."""
        ticket = self.ticket(pick(data, self.open))
        ticket.cancel_asked = True
        self._wrote(self.core.replace(ticket, quantity))

    @precondition(lambda self: self.core.disk.waiting)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        self.core.disk.commit(data.draw(st.integers(1, len(self.core.disk.waiting))))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def hear_no_answer(self, data: st.DataObject) -> None:
        if not (sent := pick(data, self.open)).is_known:
            self.ticket(sent).in_doubt = sent.in_doubt = True

    @precondition(lambda self: self.open)
    @rule(data=st.data(), is_granted=st.booleans())
    def ask_to_cancel(self, data: st.DataObject, is_granted: bool) -> None:
        """What is not granted is too late: nothing is said of it."""
        sent = pick(data, self.open)
        self.ticket(sent).cancel_asked = True
        if is_granted and sent.is_working:
            self._end(sent, ExecType.CANCELED, late=True)

    @precondition(lambda self: self.to_be_found)
    @rule(data=st.data())
    def find_it_absent(self, data: st.DataObject) -> None:
        """Our own finding: rightly, or before the broker tells of it after all."""
        sent = pick(data, self.to_be_found)
        what = ExecType.EXPIRED if sent.is_known else ExecType.NOT_SENT
        self.ticket(sent).in_doubt = sent.in_doubt = False
        self._hear(sent, self._report(sent, what, name=f"{sent.terms.cl_ord_id}:{what.value}"))

    @precondition(lambda self: self.sent)
    @rule(lost=st.integers(0, 3))
    def crash(self, lost: int) -> None:
        """What was not committed was not sent, or is heard again."""
        survived = self.core.crash(max(len(self.core.disk.waiting) - lost, 0))
        for cl_ord_id in set(self.sent) - set(survived.reports):
            assert not self.sent.pop(cl_ord_id).has_arrived
        for cl_ord_id, sent in self.sent.items():
            kept = survived.reports[cl_ord_id]
            sent.heard = {key: said for key, said in sent.heard.items() if key in kept}
            sent.in_doubt = True
        self.fills = [(sent, said) for sent, said in self.fills if said.report_id in sent.heard]
        self.attribution = survived.attribution
        self.highest.clear()
        self.over.clear()

    # -- what the broker does

    @precondition(lambda self: self.on_its_way)
    @rule(data=st.data(), is_taken=st.sampled_from([*[True] * 7, False]), late=st.booleans())
    def arrive(self, data: st.DataObject, is_taken: bool, late: bool) -> None:
        """What was written down for good, and all before it."""
        self.core.disk.commit(len(self.core.disk.waiting))
        sent = pick(data, self.on_its_way)
        sent.has_arrived = True
        if is_taken:
            self._say(sent, self._report(sent, ExecType.NEW), late=late)
        else:
            self._end(sent, ExecType.REJECTED, late=late)

    @precondition(lambda self: self.having("may_fill"))
    @rule(data=st.data(), quantity=st.one_of(QUANTITIES, st.none()), late=st.booleans())
    def fill(self, data: st.DataObject, quantity: Decimal | None, late: bool) -> None:
        sent = pick(data, self.having("may_fill"))
        self._fill(sent, min(quantity or sent.left, sent.left), late=late)

    @precondition(lambda self: self.having("has_arrived"))
    @rule(data=st.data(), is_so=st.sampled_from([True, *[False] * 3]))
    def fill_too_much(self, data: st.DataObject, is_so: bool) -> None:
        if is_so:
            sent = pick(data, self.having("has_arrived"))
            self._fill(sent, max(sent.left, ZERO) + 1, late=False)

    @precondition(lambda self: self.having("is_working"))
    @rule(
        data=st.data(),
        end=st.sampled_from([ExecType.CANCELED, ExecType.EXPIRED]),
        late=st.booleans(),
    )
    def end(self, data: st.DataObject, end: ExecType, late: bool) -> None:
        self._end(pick(data, self.having("is_working")), end, late=late)

    @precondition(lambda self: self.having("standing"))
    @rule(data=st.data(), is_so=st.sampled_from([True, False, False]), late=st.booleans())
    def bust(self, data: st.DataObject, is_so: bool, late: bool) -> None:
        """The broker takes a fill back, also one that we have not heard of yet."""
        if is_so:
            sent = pick(data, self.having("standing"))
            self._bust(sent, pick(data, sent.standing), late=late)

    # -- what is heard

    @precondition(lambda self: self.having("unheard"))
    @rule(data=st.data(), asked=st.booleans())
    def hear(self, data: st.DataObject, asked: bool) -> None:
        """Any of it next, from the stream or by asking."""
        sent = pick(data, self.having("unheard"))
        self._hear(sent, pick(data, sent.unheard), asked=asked)

    @precondition(lambda self: self.having("unheard"))
    @rule()
    def hear_everything(self) -> None:
        for sent in self.having("unheard"):
            for said in sent.unheard:
                self._hear(sent, said)

    @precondition(lambda self: self.having("heard"))
    @rule(data=st.data(), asked=st.booleans())
    def hear_again(self, data: st.DataObject, asked: bool) -> None:
        """Nothing comes of it."""
        before = len(self.core.disk.waiting)
        sent = pick(data, self.having("heard"))
        self.core.hear(pick(data, list(sent.heard.values())), asked=asked)
        assert len(self.core.disk.waiting) == before

    @precondition(lambda self: self.sent)
    @rule(word=st.integers(20, 99), is_status=st.booleans())
    def hear_an_unknown_word(self, word: int, is_status: bool) -> None:
        """The message is stopped: it is no report of anything."""
        said = paper_pb2.Report(account=REF.account, report_seq=1)
        said.exec_type = paper_pb2.EXEC_TYPE_NEW if is_status else word  # type: ignore[assignment]
        said.ord_status = word if is_status else paper_pb2.ORD_STATUS_NEW  # type: ignore[assignment]
        said.time.GetCurrentTime()
        with pytest.raises(paper_wire.UnknownWord):
            paper_wire.read_said(said)

    @precondition(lambda self: self.having("heard"))
    @rule(data=st.data())
    def work_it_out_in_another_order(self, data: st.DataObject) -> None:
        """The same reports, however often and in whatever order, are the same order."""
        sent = pick(data, self.having("heard"))
        heard, order = list(sent.heard.values()), self.ticket(sent).order
        turns = data.draw(st.permutations(range(len(heard))))
        other = folded(sent.terms, [heard[turn] for turn in (*turns, *turns[:2])])
        assert other.ord_status is order.ord_status
        assert (other.cum_qty, other.leaves_qty) == (order.cum_qty, order.leaves_qty)
        assert other.avg_px == order.avg_px
        assert name(other.end) == name(order.end)

    # -- what must be true

    @invariant()
    def orders_are_what_was_heard(self) -> None:
        for cl_ord_id, sent in self.sent.items():
            order = self.ticket(sent).order
            assert order.ord_status is sent.status
            assert (order.cum_qty, order.leaves_qty) == (sent.cum, sent.leaves)
            assert order.is_open is (sent.leaves > 0) is (cl_ord_id in self.core.lane.open)
            if order.is_open:
                assert self.ticket(sent).in_doubt is sent.is_doubtful
            assert order.cum_qty >= self.highest.get(cl_ord_id, ZERO) or sent.is_amended
            self.highest[cl_ord_id] = order.cum_qty

    @invariant()
    def what_is_over_stays_over(self) -> None:
        """But for a fill that came late, and for what was wrongly found absent."""
        for cl_ord_id, sent in self.sent.items():
            order = self.ticket(sent).order
            before = self.over.get(cl_ord_id)
            assert before is None or not order.is_open
            assert before is not OrdStatus.FILLED or sent.is_amended or order.ord_status is before
            if not order.is_open and sent.is_known:
                self.over[cl_ord_id] = order.ord_status

    @invariant()
    def positions_follow_from_the_fills(self) -> None:
        book = self.core.lane.book(SYMBOL)
        assert book.whole.quantity == self.whole
        for subscription in BOTH:
            assert book.own.get(subscription, Position()).quantity == self.own(subscription)

    @invariant()
    def facts_count_from_one_and_are_told_once(self) -> None:
        facts = [fact for entry in self.core.disk.entries for fact in entry.facts]
        assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
        assert len({fact.canonical_id for fact in facts}) == len(facts)

    @invariant()
    def exposure_counts_what_works(self) -> None:
        for subscription in BOTH:
            scope, held = self.core.scope(subscription), self.seen(subscription)
            working = sum(s.terms.side.sign * s.leaves for s in self.of(subscription, Leg.ENTRY))
            assert (scope.position, scope.exposure) == (held, held + working)
            assert scope.in_doubt or not self.is_in_doubt(subscription)
            # What closes the position for others may be in doubt as well.
            assert not scope.in_doubt or any(self.is_in_doubt(each) for each in BOTH)

    @invariant()
    def whose_the_position_is_stays_decided(self) -> None:
        for subscription, attribution in self.attribution.items():
            assert self.core.lane.attribution_of(subscription) is attribution

    @invariant()
    def an_exit_fits_and_is_not_forgotten(self) -> None:
        """It closes what nothing else closes, and waits where something is in doubt."""
        for subscription in BOTH:
            decision = self.core.decide(subscription, Action.EXIT)
            if isinstance(decision, Send):
                sign = -decision.side.sign
                ours = closing(decision.side, self.of(subscription, Leg.EXIT))
                every = closing(decision.side, list(self.sent.values()))
                assert decision.leg is Leg.EXIT
                assert decision.quantity + ours <= self.seen(subscription) * sign
                assert decision.quantity + every <= self.whole * sign
            assert not (isinstance(decision, End) and self.is_in_doubt(subscription))

    @invariant()
    def an_entry_doubles_no_exposure(self) -> None:
        for subscription in BOTH:
            for side in Side:
                decision = self.core.decide(subscription, Action(side.value))
                if isinstance(decision, Send) and decision.leg is Leg.ENTRY:
                    entries = self.of(subscription, Leg.ENTRY)
                    assert not self.is_in_doubt(subscription)
                    assert self.seen(subscription) * side.sign <= 0
                    assert not any(s.leaves and s.terms.side is side for s in entries)

    def teardown(self) -> None:
        """In the end everything is heard, and is as the broker has it."""
        self.hear_everything()
        self.orders_are_what_was_heard()
        self.positions_follow_from_the_fills()
        for sent in self.sent.values():
            assert sent.cum == sent.filled - sent.busted

    # -- the model

    @property
    def open(self) -> list[Sent]:
        """What is open as far as we know."""
        return [self.sent[cl_ord_id] for cl_ord_id in self.core.lane.open]

    @property
    def to_be_found(self) -> list[Sent]:
        """What we ask about: it may not exist, or has ended without our knowing."""
        return [sent for sent in self.open if sent.is_doubtful or sent.end is not None]

    @property
    def on_its_way(self) -> list[Sent]:
        return [sent for sent in self.sent.values() if not sent.has_arrived]

    @property
    def whole(self) -> Decimal:
        return sum((sent.signed for sent in self.sent.values()), ZERO)

    def having(self, what: str) -> list[Sent]:
        return [sent for sent in self.sent.values() if getattr(sent, what)]

    def ticket(self, sent: Sent) -> Ticket:
        return self.core.tickets[sent.terms.cl_ord_id]

    def of(self, subscription: UUID, *legs: Leg) -> list[Sent]:
        ours = [s for s in self.sent.values() if s.terms.subscription_id == subscription]
        return [s for s in ours if not legs or s.terms.leg in legs]

    def own(self, subscription: UUID) -> Decimal:
        return shares(self.fills, self.attribution).get(subscription, ZERO)

    def sees_all(self, subscription: UUID) -> bool:
        return self.core.lane.attribution_of(subscription) is Attribution.ACCOUNT

    def seen(self, subscription: UUID) -> Decimal:
        """The position that a subscription trades."""
        if self.sees_all(subscription):
            return self.whole
        own, whole = self.own(subscription), self.whole
        return max(min(own, whole), ZERO) if own > 0 else min(max(own, whole), ZERO)

    def is_in_doubt(self, subscription: UUID) -> bool:
        """Is anything that it sees?"""
        owners = BOTH if self.sees_all(subscription) else (subscription,)
        return any(s.is_doubtful and s.leaves for owner in owners for s in self.of(owner))

    def _wrote(self, terms: Terms) -> None:
        self.sent[terms.cl_ord_id] = Sent(terms)
        owner = terms.subscription_id
        self.attribution[owner] = self.core.lane.attribution_of(owner)

    def _fill(self, sent: Sent, quantity: Decimal, *, late: bool) -> None:
        sent.filled += quantity
        self._say(sent, self._report(sent, ExecType.FILL, quantity), late=late)

    def _bust(self, sent: Sent, fill: Report, *, late: bool) -> None:
        sent.busted += fill.last_qty or ZERO
        said = self._report(sent, BUST, fill.last_qty)
        self._say(sent, replace(said, ref_exec_id=fill.exec_id), late=late)

    def _end(self, sent: Sent, end: ExecType, *, late: bool) -> None:
        sent.end = end
        self._say(sent, self._report(sent, end), late=late)

    def _say(self, sent: Sent, said: Report, *, late: bool) -> None:
        sent.said.append(said)
        if not late:
            self._hear(sent, said)

    def _hear(self, sent: Sent, said: Report, *, asked: bool = False) -> None:
        if said.exec_type.moves and said.report_id not in sent.heard:
            self.fills.append((sent, said))
        sent.heard[said.report_id] = said
        self.core.hear(said, asked=asked)

    def _report(
        self, sent: Sent, what: ExecType, quantity: Decimal | None = None, name: str = ""
    ) -> Report:
        """What the broker says next; under a name, what we say."""
        self.reports += 1
        self.core.runtime.at += SECOND
        terms = sent.terms
        return Report(
            account=REF.account,
            report_id=name or f"{REF.account}:{self.reports}",
            sequence=0 if name else self.reports,
            cl_ord_id=terms.cl_ord_id,
            broker_order_id="" if name else f"b{terms.cl_ord_id}",
            exec_type=what,
            ord_status=OrdStatus.NEW,
            instrument=SYMBOL,
            side=terms.side,
            exec_id=str(self.reports) if quantity else "",
            last_qty=quantity,
            last_px=Decimal(100 + self.reports % 7) if quantity else None,
            fee=ZERO if quantity else None,
            text="",
            time=self.core.runtime.at,
            venue_time=None,
        )
