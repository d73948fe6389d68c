"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.exposure | not marked yet
A.lane | not marked yet
A.serial | not marked yet
A.waiting | not marked yet
A.account | not marked yet
A.told | not marked yet
A.protection | not marked yet
A.origin | not marked yet
A.external | orders made at the broker are not taken in
A.own | not marked yet
A.whole | not marked yet
A.default | the broker’s position is not read
A.stored | not marked yet
A.acknowledge | the broker’s position is not read
A.both | pages show one number
A.moves | not marked yet
A.sum | not marked yet
B1.order | not marked yet
B1.release | not marked yet
B1.strangers | not marked yet
B2.market | not marked yet
B2.bound | not marked yet
B2.resting | not marked yet
B2.doubt | not marked yet
B2.expires | not marked yet
B3.exit | not marked yet
B3.opposite | not marked yet
B3.reverse | not marked yet
B3.cancel | not marked yet
B3.switch | not marked yet
B3.approval | not marked yet
B3.delayed | not marked yet
B3.queued | not marked yet
B3.blocked | not marked yet
B3.half | not marked yet
B3.skipped | not marked yet
B3.never | not marked yet
B3.others | not marked yet
B4.pass | not marked yet
B4.wider | not marked yet
B4.entries | not marked yet
B4.both | not marked yet
B5.drops | not marked yet
B5.keeps | not marked yet
B5.planned | not marked yet
C1.position | not marked yet
C1.working | not marked yet
C1.adding | not marked yet
C2.exit | not marked yet
C2.opposite | not marked yet
C2.setting | not marked yet
C3.unknown | not marked yet
C3.one | not marked yet
C3.crypto | not marked yet
C3.lot | not marked yet
C3.zero | not marked yet
C4.never | not marked yet
C4.unsupported | not marked yet
C4.price | not marked yet
C4.parity | not marked yet
C4.warning | nothing is said of the market order
C5.stop | not marked yet
C5.stopside | not marked yet
C5.targetside | not marked yet
C5.refused | not marked yet
C5.alarm | execution raises no alarm yet
C6.account | not marked yet
C6.reserved | not marked yet
C6.loss | not marked yet
C6.position | not marked yet
C6.orders | not marked yet
C6.own | not marked yet
C6.age | not marked yet
C6.currency | not marked yet
C6.unknown | not marked yet
C7.entry | not marked yet
C7.lower | not marked yet
C7.refuses | not marked yet
D1.all | not marked yet
D1.exact | not marked yet
D1.partial | not marked yet
D1.fraction | not marked yet
D1.multiplier | not marked yet
D1.flag | neither lint nor explain says so
D2.quantity | not marked yet
D3.debt | not marked yet
D3.cancels | not marked yet
D3.remains | not marked yet
D3.ends | not marked yet
D4.exit | not marked yet
D4.outside | positions that others move are not read
D4.orphans | not marked yet
D5.position | the broker’s position is not read
D5.fill | the broker’s position is not read
D6.plan | not marked yet
D6.loss | not marked yet
D6.orders | not marked yet
D6.limiter | not marked yet
D6.age | not marked yet
D6.allowance | not marked yet
D6.window | not marked yet
D6.spread | not marked yet
D6.alarm | execution raises no alarm yet
D6.late | execution raises no alarm yet
D6.click | execution ends a late exit instead of keeping it
D7.older | not marked yet
D7.entries | not marked yet
D7.protection | not marked yet
D7.unprotected | not marked yet
D7.keep | not marked yet
D7.raced | not marked yet
E1.waits | not marked yet
E1.size | not marked yet
E1.bound | not marked yet
E1.range | not marked yet
E1.exit | not marked yet
E1.alarm | execution raises no alarm yet
E1.clock | not marked yet
E2.exit | not marked yet
E2.all | not marked yet
E2.never | not marked yet
E2.partial | not marked yet
E2.flat | not marked yet
E2.parity | not marked yet
E3.flat | not marked yet
E3.bearish | not marked yet
E3.taken | not marked yet
E3.reverse | not marked yet
E4.put | not marked yet
E4.futures | not marked yet
E4.pairs | not marked yet
E4.stored | not marked yet
E5.reverse | not marked yet
E6.recorded | not marked yet
E6.live | not marked yet
E6.paper | not marked yet
F.clock | not marked yet
F.sender | not marked yet
F.lint | not marked yet
F.leg | not marked yet
F.entry | not marked yet
F.exit | not marked yet
F.approval | not marked yet
F.replanned | not marked yet
F.drift | an approval is not held to a drift
F.exits | not marked yet
F.display | not marked yet
F.queued | not marked yet
F.repriced | not marked yet
G1.doubt | not marked yet
G1.asked | not marked yet
G1.adopted | not marked yet
G1.horizon | not marked yet
G1.resent | not marked yet
G1.expired | not marked yet
G1.unprovable | not marked yet
G1.check | not marked yet
G1.declare | not marked yet
G1.standing | not marked yet
G2.proof | not marked yet
G2.otherwise | not marked yet
G3.takeover | not marked yet
G3.paused | not marked yet
G3.one | not marked yet
G4.ids | not marked yet
G4.source | not marked yet
G4.replaced | not marked yet
G5.recorded | not marked yet
G5.alarm | execution raises no alarm yet
G5.stop | not marked yet
G5.correction | no order corrects what fills beyond its size
H.native | not marked yet
H.stop | not marked yet
H.watched | not marked yet
H.target | not marked yet
H.one | not marked yet
H.gap | not marked yet
H.ladder | not marked yet
H.partial | not marked yet
I.filled | not marked yet
I.flip | not marked yet
I.partial | not marked yet
I.half | not marked yet
I.done | not marked yet
I.counts | a cancel does not say how many it touched
I.ended | not marked yet
I.skipped | not marked yet
I.halted | not marked yet
I.finish | not marked yet
I.all | not marked yet
I.attention | not marked yet
I.current | not marked yet
I.amended | not marked yet
I.bust | no broker takes fills back yet
I.lasting | not marked yet
J.catalogue | not marked yet
J.enum | not marked yet
J.fix | not marked yet
J.kebab | not marked yet
K.cells.exposure | not marked yet
K.cells.position | not marked yet
K.cells.cancel | not marked yet
K.cells.only | not marked yet
K.cells.isolated | not marked yet
K.cells.mirror | not marked yet
K.cells.both | not marked yet
K.cells.subtract | not marked yet
K.cells.add | not marked yet
K.cells.side | not marked yet
K.cells.reverse | not marked yet
K.cells.flip | not marked yet
K.cells.exits | not marked yet
K.cells.money | not marked yet
K.words.canceled | not marked yet
K.words.cancel | not marked yet
K.words.debt | not marked yet
K.words.nothing | not marked yet
K.words.doubt | not marked yet
K.words.adding | not marked yet
K.words.closing | a second exit waits for the first
K.words.urgent | not marked yet
K.words.refused | not marked yet
K.words.timeout | not marked yet
K.words.queued | not marked yet
K.words.test | not marked yet
K.words.window | a held exit is not blocked yet
K.words.spread | a held exit is not blocked yet
K.words.filter | not marked yet
K.words.outside | not marked yet
K.size.multiplier | not marked yet
K.size.risk | not marked yet
K.size.power | not marked yet
K.size.equity | not marked yet
K.size.short | not marked yet
K.size.fraction | not marked yet
K.size.dust | not marked yet
K.price.limit | not marked yet
K.price.none | not marked yet
K.price.bare | not marked yet
K.price.stop | stop entries are not watched yet
K.price.exit | not marked yet
K.price.breakeven | not marked yet
K.price.explicit | not marked yet
K.price.type | not marked yet
K.price.replaces | not marked yet
K.price.beyond | not marked yet
K.refusals.trails | not marked yet
K.refusals.delay | not marked yet
K.refusals.cancel | not marked yet
K.refusals.reject | not marked yet
K.refusals.offset | not marked yet
K.refusals.spreads | not marked yet
K.refusals.pnl | not marked yet
K.refusals.crypto | not marked yet
K.options.clash | not marked yet
K.options.expired | not marked yet
K.options.money | not marked yet
K.options.spot | not marked yet
K.options.nearest | not marked yet
K.options.first | not marked yet
K.options.chain | not marked yet
K.options.sides | not marked yet
K.options.short | not marked yet
K.futures.roll | not marked yet
K.futures.zone | not marked yet
K.futures.years | not marked yet
K.futures.warning | not marked yet
K.futures.windows | not marked yet
K.futures.delay | not marked yet
K.futures.equal | not marked yet
K.futures.exits | not marked yet
K.futures.alarm | execution raises no alarm yet
"""
