"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.told | not marked yet
A.external | orders made at the broker are not taken in
A.acknowledge | the broker’s position is not read
A.both | pages show one number
C4.warning | nothing is said of the market order
C5.alarm | execution raises no alarm yet
D1.flag | neither lint nor explain says so
D4.outside | positions that others move are not read
D5.position | the broker’s position is not read
D5.fill | the broker’s position is not read
D6.plan | not marked yet
D6.allowance | not marked yet
D6.alarm | execution raises no alarm yet
D6.late | execution raises no alarm yet
E1.alarm | execution raises no alarm yet
E3.taken | not marked yet
E6.recorded | not marked yet
F.replanned | not marked yet
F.drift | an approval is not held to a drift
F.display | not marked yet
F.repriced | not marked yet
G4.source | not marked yet
G4.replaced | not marked yet
G5.alarm | execution raises no alarm yet
G5.correction | no order corrects what fills beyond its size
I.bust | no broker takes fills back yet
J.catalogue | not marked yet
J.enum | not marked yet
J.fix | not marked yet
K.words.window | a held exit is not blocked yet
K.price.stop | stop entries are not watched yet
K.futures.alarm | execution raises no alarm yet
"""
