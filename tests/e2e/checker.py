"""Promises 1-4 of the design, checked from outside over what is on record.

1. A 2xx means stored.  2. One outcome each.  3. Never twice.  4. In order.

Each check is a function from `Evidence` to findings; `check` runs them all.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.e2e.evidence import TERMINAL, Evidence, FactRow, FillRow, SpanRow, TradeRow


@dataclass(frozen=True)
class Finding:
    """One broken promise: which kind, about what, and what was seen."""

    kind: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.text}"


@dataclass(frozen=True)
class Report:
    """What was looked at and what was found."""

    counts: dict[str, int]
    outcomes: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def kinds(self) -> dict[str, int]:
        """How often each kind of finding was made."""
        return dict(Counter(each.kind for each in self.findings))

    def as_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)

    def __str__(self) -> str:
        looked = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        lines = [f"checked {looked}", f"outcomes: {outcomes or 'none'}"]
        if not self.findings:
            return "\n".join([*lines, "no promise was broken"])
        shown = [f"  {each}" for each in self.findings[:40]]
        return "\n".join([*lines, f"{len(self.findings)} findings: {self.kinds}", *shown])


def check(evidence: Evidence) -> Report:
    """Run every check."""
    return Report(
        counts={
            "posts": len(evidence.attempts),
            "2xx": sum(each.accepted for each in evidence.attempts),
            "signals": len(evidence.signals),
            "trades": len(evidence.trades),
            "orders": len(evidence.orders),
            "facts": len(evidence.facts),
            "arrivals": len(evidence.arrivals),
            "fills": len(evidence.fills),
        },
        outcomes=dict(Counter(each.state for each in evidence.trades)),
        findings=tuple(finding for one in CHECKS for finding in one(evidence)),
    )


# -- 1. a 2xx means stored ---------------------------------------------------------------


def every_accepted_signal_is_stored(evidence: Evidence) -> Iterator[Finding]:
    """Each 2xx names a stored signal, with the bytes that were posted."""
    bodies = {each.id.hex: each.body for each in evidence.signals}
    for attempt in evidence.attempts:
        if not attempt.accepted:
            continue
        named = str(attempt.signal_id or "").rpartition("_")[2].replace("-", "")
        if named not in bodies:
            yield Finding("lost_signal", f"alert {attempt.alert}", f"2xx as {attempt.signal_id}")
        elif bodies[named] != attempt.body:
            yield Finding("wrong_body", f"alert {attempt.alert}", f"{bodies[named]!r} is stored")


def no_alert_is_stored_twice(evidence: Evidence) -> Iterator[Finding]:
    """However often an alert was resent, it is one signal."""
    posted = {attempt.body: attempt.alert for attempt in evidence.attempts}
    stored = Counter(each.body for each in evidence.signals)
    for body, alert in posted.items():
        if stored[body] > 1:
            yield Finding("alert_twice", f"alert {alert}", f"stored as {stored[body]} signals")


# -- 2. one outcome each -----------------------------------------------------------------


def every_signal_has_one_outcome_each(evidence: Evidence) -> Iterator[Finding]:
    """One trade for each subscription that was enabled at acceptance, and no other."""
    spans: dict[UUID, list[SpanRow]] = defaultdict(list)
    for span in evidence.spans:
        spans[span.strategy_id].append(span)
    made = Counter((each.signal_id, each.subscription_id) for each in evidence.trades)
    for signal in evidence.signals:
        for span in spans[signal.strategy_id]:
            ended = span.disabled_at is not None and signal.accepted_at >= span.disabled_at
            if signal.accepted_at < span.enabled_at or ended:
                continue
            count = made.pop((signal.id, span.subscription_id), 0)
            if count != 1:
                kind = "missing_outcome" if count == 0 else "doubled_trade"
                yield Finding(kind, f"signal {signal.id}", f"{count} trades")
    for signal_id, subscription in made:
        yield Finding("uncalled_trade", f"signal {signal_id}", f"subscription {subscription}")


def every_trade_has_ended(evidence: Evidence) -> Iterator[Finding]:
    """Nothing is left in a passing state."""
    for trade in evidence.trades:
        if trade.state not in TERMINAL:
            yield Finding("unfinished_trade", f"trade {trade.id}", f"{trade.state} {trade.reason}")


def the_read_model_tells_the_last_outcome(evidence: Evidence) -> Iterator[Finding]:
    """What people see is what execution said last."""
    last = {
        each.trade_id: each.state
        for each in sorted(evidence.facts, key=lambda fact: (fact.account, fact.seq))
        if each.kind == "trade_outcome"
    }
    for trade in evidence.trades:
        said = last.get(trade.id)
        if said is not None and said != trade.state:
            yield Finding("stale_trade", f"trade {trade.id}", f"{trade.state}, but {said} was said")


def the_read_models_are_complete(evidence: Evidence) -> Iterator[Finding]:
    """Orders and fills that people see are those on record, once each."""
    yield from _compare("order", (each.cl_ord_id for each in evidence.orders), evidence.web_orders)
    fills = (each.canonical_id for each in evidence.facts if each.is_fill)
    if len(list(fills)) != len(evidence.web_fills):
        yield Finding("stale_fills", "web.fills", f"{len(evidence.web_fills)} rows")


def no_fact_is_missing(evidence: Evidence) -> Iterator[Finding]:
    """The facts of an account count from one without a gap, and none is there twice."""
    seen: dict[str, list[FactRow]] = defaultdict(list)
    for fact in evidence.facts:
        seen[fact.account].append(fact)
    for account, facts in seen.items():
        if sorted(each.seq for each in facts) != list(range(1, len(facts) + 1)):
            yield Finding("fact_gap", f"account {account}", f"{len(facts)} facts")
        for canonical_id, count in Counter(each.canonical_id for each in facts).items():
            if count > 1:
                yield Finding("doubled_fact", f"account {account}", canonical_id)


# -- 3. never twice ----------------------------------------------------------------------


def the_venue_took_each_order_once(evidence: Evidence) -> Iterator[Finding]:
    """At most one accepted order for each ClOrdID, and so for each trade, leg, revision."""
    accepted = Counter(
        (each.account, each.cl_ord_id) for each in evidence.arrivals if each.result == "accepted"
    )
    held = Counter((each.account, each.cl_ord_id) for each in evidence.venue_orders)
    for (account, cl_ord_id), count in (accepted | held).items():
        if count > 1:
            yield Finding("doubled_order", f"order {cl_ord_id}", f"{count} times on {account}")
    terms = Counter((each.trade_id, each.leg, each.revision) for each in evidence.orders)
    for (trade_id, leg, revision), count in terms.items():
        if count > 1:
            yield Finding("doubled_terms", f"trade {trade_id}", f"{leg} {revision}: {count} times")


def every_order_at_the_venue_is_ours(evidence: Evidence) -> Iterator[Finding]:
    """What the venue took was written down, on the account it was meant for, before."""
    ours = {(each.account, each.cl_ord_id) for each in evidence.orders}
    sending = {each.cl_ord_id: each.at for each in evidence.facts if each.kind == "order_sending"}
    for arrival in evidence.arrivals:
        subject = f"order {arrival.cl_ord_id}"
        if (arrival.account, arrival.cl_ord_id) not in ours:
            yield Finding("unknown_order", subject, f"{arrival.result} on {arrival.account}")
        elif arrival.cl_ord_id not in sending:
            yield Finding("unwritten_order", subject, "no OrderSending fact")
        elif sending[arrival.cl_ord_id] > arrival.arrived_at:
            yield Finding("unwritten_order", subject, "arrived before it was written down")


def nothing_filled_beyond_its_terms(evidence: Evidence) -> Iterator[Finding]:
    """All revisions of a leg together never fill more than one of them asked for."""
    terms = {each.cl_ord_id: each for each in evidence.orders}
    asked: dict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for order in evidence.orders:
        leg = (order.trade_id, order.leg)
        asked[leg] = max(asked[leg], order.order_qty)
    filled: dict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for fill in _unique(evidence.fills):
        if fill.cl_ord_id in terms:
            order = terms[fill.cl_ord_id]
            filled[order.trade_id, order.leg] += abs(fill.signed)
    for leg, quantity in filled.items():
        if quantity > asked[leg]:
            yield Finding("overfilled", f"trade {leg[0]}", f"{leg[1]}: {quantity} of {asked[leg]}")


BOOKS = ("fills", "paper", "execution", "own", "web")


def positions_agree(evidence: Evidence) -> Iterator[Finding]:
    """Paper, execution and web hold the same, which is the sum of the unique fills.

    Nobody trades beside us here, so the subscriptions' own add up to it as well.
    """
    books: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for fill in _unique(evidence.fills):
        book = books[fill.account, fill.instrument]
        book["fills"] = book.get("fills", Decimal(0)) + fill.signed
    for row in evidence.positions:
        book = books[row.account, row.instrument]
        if row.book in book and book[row.book] != row.quantity:
            subject = f"{row.account} {row.instrument}"
            yield Finding("unequal_position", subject, f"two in {row.book}")
        book[row.book] = row.quantity
    for (account, instrument), book in books.items():
        seen = {name: book.get(name, Decimal(0)) for name in BOOKS}
        if len(set(seen.values())) > 1:
            told = ", ".join(f"{name} {quantity:f}" for name, quantity in seen.items())
            yield Finding("unequal_position", f"{account} {instrument}", told)


GUARDS = ("take_profit", "stop")


def every_guard_has_its_position(evidence: Evidence) -> Iterator[Finding]:
    """Targets, or stops, that are open at the venue never close more than is held."""
    legs = {each.cl_ord_id: each.leg for each in evidence.orders}
    held = {(p.account, p.instrument): p.quantity for p in evidence.positions if p.book == "paper"}
    guarding: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for order in evidence.venue_orders:
        leg = legs.get(order.cl_ord_id, "")
        if order.is_open and leg.startswith(GUARDS):
            kind = "stop" if leg.startswith("stop") else "take_profit"
            closes = 1 if order.side == "sell" else -1
            guarding[order.account, order.instrument, kind] += closes * (
                order.order_qty - order.cum_qty
            )
    for (account, instrument, kind), quantity in guarding.items():
        position = held.get((account, instrument), Decimal(0))
        if quantity * position <= 0 or abs(quantity) > abs(position):
            told = f"{kind} of {quantity:f}, {position:f} held"
            yield Finding("orphan_protection", f"{account} {instrument}", told)


# -- 4. in order -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Start:
    """The first order of a trade that was written down to be sent."""

    trade: TradeRow
    fact_seq: int
    is_exit: bool


def trades_started_in_order(evidence: Evidence) -> Iterator[Finding]:
    """Per subscription and instrument, trades start in the order of acceptance.

    An exit may pass entries that were not sent yet; it supersedes them, so none of them
    may start after it.
    """
    lanes: dict[tuple[UUID, str], list[_Start]] = defaultdict(list)
    for start in _starts(evidence):
        lanes[start.trade.subscription_id, start.trade.instrument].append(start)
    for (subscription, instrument), starts in lanes.items():
        starts.sort(key=lambda start: start.fact_seq)
        for earlier, later in pairwise(starts):
            if later.trade.signal_seq < earlier.trade.signal_seq:
                revived = earlier.is_exit and not later.is_exit
                yield Finding(
                    "revived_entry" if revived else "out_of_order",
                    f"subscription {subscription} {instrument}",
                    f"signal {later.trade.signal_seq} after {earlier.trade.signal_seq}",
                )


def _starts(evidence: Evidence) -> Iterator[_Start]:
    trades = {each.id: each for each in evidence.trades}
    legs = {each.cl_ord_id: each.leg for each in evidence.orders}
    started: set[UUID] = set()
    for fact in sorted(evidence.facts, key=lambda each: (each.account, each.seq)):
        if fact.kind != "order_sending" or fact.trade_id is None or fact.trade_id in started:
            continue
        started.add(fact.trade_id)
        if fact.trade_id in trades:
            is_exit = legs.get(fact.cl_ord_id) == "exit"
            yield _Start(trades[fact.trade_id], fact.seq, is_exit)


CHECKS: tuple[Callable[[Evidence], Iterable[Finding]], ...] = (
    every_accepted_signal_is_stored,
    no_alert_is_stored_twice,
    every_signal_has_one_outcome_each,
    every_trade_has_ended,
    the_read_model_tells_the_last_outcome,
    the_read_models_are_complete,
    no_fact_is_missing,
    the_venue_took_each_order_once,
    every_order_at_the_venue_is_ours,
    nothing_filled_beyond_its_terms,
    positions_agree,
    every_guard_has_its_position,
    trades_started_in_order,
)


def _unique(fills: Iterable[FillRow]) -> Iterable[FillRow]:
    return {(each.account, each.exec_id): each for each in fills}.values()


def _compare(what: str, written: Iterable[str], shown: Iterable[str]) -> Iterator[Finding]:
    ours, theirs = Counter(written), Counter(shown)
    for name in (ours - theirs) + (theirs - ours):
        told = f"{ours[name]} written, {theirs[name]} shown"
        yield Finding(f"stale_{what}", f"{what} {name}", told)


def dump(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(report.as_data(), indent=2, default=str)
