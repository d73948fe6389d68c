"""What happens to a signal, clause by clause: the data that a test holds every test to.

One clause a line: its id, then what happens. A test shows a clause when it is marked with
`@pytest.mark.rule("D6.late")`. `python -m tests.trading_rules > docs/rules.md` makes the page
anew.
"""

# ruff: noqa: E501 - one clause a line, however long.
import re

from tests import untested_rules
from tests.rule_marks import Shown, shown

SECTIONS = {
    "A": "Words",
    "B": "Order of things",
    "C": "Entries",
    "D": "Exits",
    "E": "Flips, swaps, sentiment",
    "F": "Time",
    "G": "Doubt",
    "H": "Protection",
    "I": "Outcomes",
    "J": "Reasons",
    "K": "Small decisions",
}

TABLE = """
A.exposure | Rules look at the position together with the subscription's own entries that work or are in doubt.
A.lane | Calls, puts and both months of a roll share the lane of their underlying or root; a pair has its own.
A.serial | Within a lane one trade is planned after the other.
A.waiting | A trade that waits leaves its lane free for those that may pass it.
A.account | Two connections to one broker account share its lanes, its lease and its limits.
A.told | People are told that a connection shares its account.
A.protection | Targets and stops have a state of their own, apart from the trade's.
A.origin | Every order says why it exists, those that no signal asked for too.
A.external | An order made by hand at the broker is taken in, and said to be so.
A.own | With a part of its own, a subscription closes no more than that, nor more than the broker holds.
A.whole | With the whole account, a subscription closes whatever the broker holds.
A.shares | What closes the whole account is taken from its closer's share first, then from the largest.
A.default | Alone on an instrument that nobody else holds, a subscription has the whole account; else its own part.
A.stored | Which of the two it is is settled at the first trade and never changes by itself.
A.acknowledge | Enabling a subscription where something foreign is held asks a person first.
A.both | Screens show the broker's position and the subscription's own part.
A.moves | What moves a position without a fill is a fact of its own kind.
A.sum | Fills and moves add up to the position.
B1.order | Trades of a subscription in an underlying start in the order their signals were accepted.
B1.release | What was delayed, approved or queued takes its turn from when it was let go.
B1.strangers | Another strategy's trades in the same account are not waited for.
B2.market | A second entry waits until the market order before it has ended.
B2.bound | It waits for ten seconds at the most.
B2.resting | For a resting order it waits only until the broker has it.
B2.doubt | No wait ends while an order is in doubt: entries behind it stay blocked, even when a person was told.
B2.expires | An entry that stays blocked past its age expires.
B3.exit | An exit ends every earlier entry that has not reached the broker.
B3.opposite | So does a signal for the other side.
B3.reverse | So does a reversal.
B3.cancel | So does a cancel.
B3.switch | So does each kill switch.
B3.approval | An entry that waits for a person is ended so.
B3.delayed | A delayed entry is ended so.
B3.queued | An entry that waits for the open is ended so.
B3.blocked | An entry that waits behind a doubt is ended so.
B3.half | The unsent second half of a flip is ended so.
B3.skipped | What was ended so is skipped as superseded.
B3.never | What was ended so never comes back, not after a restart either.
B3.others | Other subscriptions and other underlyings are left alone.
B4.pass | Exits pass entries that are blocked.
B4.wider | Only an exit of more takes the place of an exit.
B4.entries | Among what waits for the open, an entry replaces an entry and nothing else does.
B4.both | An exit and an entry behind it both wait for the open, in that order.
B5.drops | A newer signal during a flip drops the entry that was not sent.
B5.keeps | The exit of that flip goes on.
B5.planned | The newer signal is planned from what the exit leaves.
C1.position | A second entry on the side that is held is skipped.
C1.working | A second entry beside one that still works is skipped.
C1.adding | With adding allowed it is sent.
C2.exit | An exit cancels own open entries first, whatever the cancel setting.
C2.opposite | So does a signal for the other side.
C2.setting | For other signals the cancel setting decides.
C3.unknown | A size that cannot be worked out skips the entry and names what is missing.
C3.one | One unit is taken only where no size is configured anywhere.
C3.crypto | Never one unit of crypto.
C3.lot | Entries round down to the venue's lot.
C3.zero | An entry that rounds to nothing is skipped.
C4.never | No order type is replaced by a more aggressive one.
C4.unsupported | A type that the broker lacks, and that cannot be watched for, skips the trade.
C4.price | A limit that no price can be found for skips the trade.
C4.parity | A strategy may choose a market order there.
C4.warning | Where it did, the trade says so.
C5.stop | An entry whose stop can exist nowhere is skipped.
C5.stopside | A stop on the wrong side of the price refuses the entry.
C5.targetside | So does a target.
C5.refused | When a stop is refused after the fill, the position is closed, unless the setting says otherwise.
C5.alarm | Where it says otherwise, an alarm is raised.
C6.account | Equity, buying power and limits belong to the broker account, whoever trades in it.
C6.reserved | They are taken in one step for the whole account as an order is written down to be sent.
C6.loss | A day's loss at its limit stops entries.
C6.position | An entry that would pass the largest position is not sent.
C6.orders | An entry beyond the orders of a minute is not sent.
C6.own | A share of equity is a share of the equity of that very connection.
C6.age | Figures older than five seconds are asked for again.
C6.currency | Equity is converted to the currency of what is bought.
C6.unknown | Without such figures, or without a rate, the entry is skipped.
C7.entry | Caps bind what opens, never what closes.
C7.lower | A cap only lowers a size.
C7.refuses | A cap in other terms than the size refuses the entry.
D1.all | An exit without a quantity closes all that is in scope.
D1.exact | A full exit closes exactly what is held.
D1.partial | A partial exit rounds down to the lot.
D1.fraction | Where fractions are held it does not round to whole units.
D1.multiplier | The multiplier applies to fixed quantities of exits.
D1.flag | A setting that makes a partial exit a full one is flagged before it trades.
D2.quantity | What already works to close counts as filled when an exit is sized.
D3.debt | While an order is in doubt an exit stands as a debt and is not skipped.
D3.cancels | The debt cancels an entry in doubt.
D3.remains | It closes whatever appears or remains.
D3.ends | It lasts until the doubt is resolved.
D4.exit | An exit cancels or resizes the position's protection.
D4.outside | Protection shrinks with a position that shrinks from outside.
D4.orphans | No stop outlives its position, and the checker looks for one that does.
D5.position | Planning counts the broker's position and our fills since it was read.
D5.fill | No exit is skipped on a position older than the last known fill.
D5.unknown | A broker that cannot be asked is not taken to hold nothing.
D6.plan | No plan limit or quota stops an exit.
D6.loss | A day's loss at its limit stops no exit.
D6.orders | The limit of orders in a minute stops no exit.
D6.limiter | No exit is refused early because its turn at the broker is far.
D6.age | The age of entries stops no exit.
D6.allowance | Beyond its limits a webhook still takes sixty exits and cancels a minute.
D6.window | A trading window may hold an exit.
D6.spread | A spread filter for exits may hold one.
D6.alarm | An exit that is held so raises an alarm.
D6.late | A full exit past its age raises an alarm.
D6.click | It then waits a day for one click.
D7.older | A cancel touches orders that are older than its signal, and no others.
D7.entries | A cancel removes entries.
D7.protection | It removes protection too.
D7.unprotected | Then it says that the position is unprotected.
D7.keep | By option it leaves protection alone.
D7.raced | When the order filled first, the cancel is done and says so.
E1.waits | A flip enters only once its exit has filled.
E1.size | Its entry is sized from what is there then.
E1.bound | After its wait the entry is dropped.
E1.range | The wait is two minutes unless set between one and five.
E1.exit | The exit goes on and is still followed.
E1.alarm | An alarm is raised.
E1.clock | The entry's age counts from the exit's fill.
E2.exit | Without swapping, an opposite signal closes as much as it says and no more than is held.
E2.all | Without a quantity it closes all.
E2.never | Without swapping it never enters.
E2.partial | With swapping, a signal for less than is held closes that much and opens nothing.
E2.flat | Subtracting all that is held leaves it flat, and explain says so.
E2.parity | In parity mode it opens the opposite instead.
E3.flat | A buy to be flat closes a long.
E3.bearish | A sentiment against its action, without a quantity, is skipped.
E3.taken | Neither that nor a stop on the wrong side is refused at the door: settings may still change it.
E3.reverse | A reversal of nothing is skipped.
E4.put | A put is bearish when bought.
E4.futures | A continuous future means the contract of the day.
E4.pairs | A pair is read in any of its spellings.
E4.stored | The contract is kept with the trade, and its exits close that one.
E5.reverse | A reversing connector keeps size, limit and protection on what it opens.
E6.recorded | A test signal is recorded and explained.
E6.live | It is never sent live.
E6.paper | A strategy may send it to paper.
F.clock | Ages count from our acceptance, by the database's clock.
F.sender | The sender's time is shown, and used for `rejectAfter` alone.
F.lint | Lint warns of a time that is a bar's open.
F.leg | Each leg has an age of its own, counted anew from delay, approval, open or flip.
F.entry | An entry may be two minutes old.
F.exit | An exit may be fifteen minutes old.
F.approval | An approval may take ten minutes.
F.replanned | What is approved is planned anew.
F.drift | It is checked for how far the price has moved.
F.exits | Exits approve themselves unless a person wants otherwise.
F.display | `expiresAt` is for display only.
F.queued | An entry queued for the open lasts until the open and an entry's age.
F.repriced | Its price is looked at again then.
G1.doubt | A submit without a definite answer is in doubt.
G1.asked | It is asked about by its client id.
G1.adopted | What is found is ours.
G1.horizon | Absence is proven only after the venue's horizon, where a repeated id is refused for good.
G1.resent | What is proven absent and young is sent again under the same id.
G1.expired | What is proven absent and old has expired.
G1.unprovable | What can be neither found nor ruled out needs a person.
G1.check | A person can ask again with one click.
G1.declare | A person can say what is true with one click.
G1.standing | An entry with an exit, a cancel or a switch behind it is never sent again; absent, it is superseded.
G2.proof | A refusal counts as one only where the adapter can prove that the venue had not taken the order.
G2.otherwise | Every other answer leaves the order in doubt.
G3.takeover | Who takes a connection over holds every unanswered order for doubtful.
G3.paused | A former owner that wakes up writes nothing that counts.
G3.one | There is one order for each trade, leg and revision.
G4.ids | An execution has one id, whichever road it came by.
G4.source | Fills have one source for each adapter.
G4.replaced | A fact that was worked out gives way to the real one.
G5.recorded | What fills beyond its order is recorded in full.
G5.alarm | It raises an alarm.
G5.stop | Entries on that lane stop.
G5.correction | An order corrects it only where the setting says so.
H.native | Where the venue has brackets, they are used.
H.stop | Else the stop rests at the venue, where it has stops.
H.watched | The target is then watched.
H.target | When it is reached, the stop is canceled, that is confirmed, and the target is sent.
H.one | No more than one leg of a guard can fill.
H.gap | How long the position was bare is measured and shown.
H.unprotected | A position that stays bare longer than a cancel takes raises an alarm.
H.ladder | The stop shrinks with each rung.
H.partial | Protection is sized at once to what has filled.
I.filled | FILLED: what the signal asked for filled.
I.flip | A flip is FILLED when both halves are.
I.partial | PARTIALLY_FILLED: it ended with less than was asked.
I.half | A flip with its exit alone is PARTIALLY_FILLED, with why the rest was dropped.
I.done | DONE: a cancel, a breakeven or a change did what was asked.
I.counts | It says how many it touched.
I.ended | CANCELED, REJECTED, EXPIRED: so ended what the signal asked for, with who did it and why.
I.skipped | SKIPPED: a rule said no, with the numbers it compared.
I.halted | HALTED: a switch or plan stopped an entry before it was sent.
I.finish | Exits and protection finish under a switch.
I.all | Unless it stops all: then it lists what it leaves unprotected.
I.attention | NEEDS_ATTENTION: in doubt past the horizon, and a person was told.
I.current | A trade has one current outcome.
I.amended | A late fill or a bust changes it in sight, and makes no second trade.
I.bust | A fill that is taken back changes it too.
I.lasting | Waiting, delayed, queued, working and blocked trades have not ended, and may last.
J.catalogue | Each reason is one word in one catalogue.
J.enum | The contract has the same words in upper case.
J.fix | Each has a message and what to do.
J.kebab | The webhook answers with the reference product's own codes.
K.cells.exposure | Exposure before anything is canceled chooses the cell.
K.cells.position | Quantities are compared with the position once own open entries are canceled.
K.cells.cancel | A cancel that the signal asks for is done first, and judged after.
K.cells.only | With swapping off, naming only the new side lets the entry follow the exit.
K.cells.isolated | But not when sides are isolated.
K.cells.mirror | Isolation works for sell as it does for buy.
K.cells.both | With both sides allowed isolation does nothing.
K.cells.subtract | Subtracting needs both sides, swapping and a quantity in the signal.
K.cells.add | `add` needs a position that has filled.
K.cells.side | `add` needs a side that is allowed.
K.cells.reverse | A reversal without a quantity enters as much as it closed.
K.cells.flip | A flip without one enters by the sizing settings.
K.cells.exits | Sizing settings never size an exit.
K.cells.money | Money is turned into units before it is compared.
K.words.canceled | An exit of nothing that cancels a working entry is done.
K.words.cancel | A cancel that only ended waiting trades is done.
K.words.debt | A debt is blocked, then filled.
K.words.nothing | A debt for which nothing appeared is done.
K.words.doubt | A same-side entry behind a doubt is skipped.
K.words.adding | With adding allowed it is blocked.
K.words.closing | A second exit of the same size is skipped.
K.words.urgent | A wider or more urgent exit replaces the first, once its cancel is confirmed.
K.words.refused | A flip whose entry is refused or dropped filled in part.
K.words.timeout | A flip past its wait works on until its exit ends.
K.words.queued | A queued entry that a newer one replaced is superseded.
K.words.test | A test signal is skipped as a test.
K.words.window | An exit that a window holds is blocked.
K.words.spread | An exit that its spread filter holds is blocked.
K.words.filter | A spread filter in the signal binds entries only.
K.words.outside | Exits outside the window are allowed by default.
K.size.multiplier | The multiplier applies to every kind of size but a share of the position.
K.size.risk | Risk is measured to the stop as it will be sent.
K.size.power | Too little buying power skips an entry and never lowers it.
K.size.equity | Profit and loss that is not taken yet does not count as equity.
K.size.short | Short stocks are whole units.
K.size.fraction | An entry with a fraction is protected by us.
K.size.dust | Closing less than the venue's least is dust, and skipped.
K.price.limit | The limit of the signal goes first, then the quote, then the signal's price.
K.price.none | Without any of them the trade is skipped.
K.price.bare | A bare price is what the sender saw, never a limit.
K.price.stop | A stop entry that the broker lacks is watched where there are quotes, else skipped.
K.price.exit | Targets and stops on an exit are ignored with a warning.
K.price.breakeven | Breakeven is a stop.
K.price.explicit | It may be a stop limit when that is said.
K.price.type | Any other type skips it.
K.price.replaces | It takes the place of the resting stop.
K.price.beyond | It is skipped when the price is past it.
K.refusals.trails | Two trails at once are refused.
K.refusals.delay | A delay out of range is refused.
K.refusals.cancel | So is `cancelAfter`.
K.refusals.reject | So is `rejectAfter`.
K.refusals.offset | So is the offset of a breakeven.
K.refusals.spreads | Two spread filters at once are refused.
K.refusals.pnl | A target in money beside a trailing stop or a risk size is refused.
K.refusals.crypto | Crypto priced in crypto is skipped.
K.options.clash | A contract and an option type that contradict each other are refused.
K.options.expired | A contract that has expired is refused.
K.options.money | Money buys contracts at a hundred times the premium.
K.options.spot | A strike at the spot is neither in nor out of the money.
K.options.nearest | No strikes away is the nearest one.
K.options.first | One strike away is the first beyond the spot.
K.options.chain | The chain is widened until it holds the pick.
K.options.sides | Sides go by what the signal does.
K.options.short | A sell that would open a short option is skipped unless the subscription allows it.
K.futures.roll | A future rolls two calendar days before it expires.
K.futures.zone | At the start of that day in its exchange's zone.
K.futures.years | Years of one or two digits mean the nearest one to come.
K.futures.warning | Such a year is shown with a warning.
K.futures.windows | A window covers both hours of a clock change.
K.futures.delay | `rejectAfter` does not count the delay.
K.futures.equal | An age equal to the limit is not too old.
K.futures.exits | It binds exits too.
K.futures.alarm | An exit that is too old so raises an alarm.
"""


def _lines(table: str) -> dict[str, str]:
    return dict(line.split(" | ", 1) for line in table.strip().splitlines())


CLAUSES = _lines(TABLE)
NOT_YET = _lines(untested_rules.TABLE) if untested_rules.TABLE.strip() else {}


def render() -> str:
    """The docs page."""
    tests: dict[str, list[Shown]] = {}
    for mark in shown():
        tests.setdefault(mark.rule, []).append(mark)
    lines = [
        "# What happens to a signal",
        "",
        "Every rule, and the tests that show it. A rule without a test says what is missing.",
        "",
        "This page is generated from `tests/trading_rules.py`, and a test compares them.",
    ]
    section = ""
    for name, said in CLAUSES.items():
        if name[0] != section:
            section = name[0]
            lines += [
                "",
                f"## {section}. {SECTIONS[section]}",
                "",
                "| rule | what happens | shown by |",
                "|---|---|---|",
            ]
        lines.append(f"| {name} | {said} | {_proof(name, tests.get(name, []))} |")
    return "\n".join(lines) + "\n"


def _proof(name: str, tests: list[Shown]) -> str:
    if not tests:
        return f"*not yet: {NOT_YET.get(name, '')}*"
    return "<br>".join(
        f"[{re.sub('^test_', '', mark.name).replace('_', ' ')}](../{mark.path})" for mark in tests
    )


if __name__ == "__main__":
    print(render(), end="")
