"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.told | no page says that two connections share an account
A.external | orders made at the broker are not taken in
A.acknowledge | the broker's position is not read
A.both | pages show one number
C5.alarm | execution raises no alarm yet
D4.outside | positions that others move are not read
D5.position | the broker's position is not read
D5.fill | the broker's position is not read
D5.unknown | the broker's position is not read
D6.plan | there are no plans and no quotas yet
D6.window | a held exit is not blocked yet
D6.alarm | execution raises no alarm yet
D6.late | execution raises no alarm yet
E1.alarm | execution raises no alarm yet
G5.alarm | execution raises no alarm yet
G5.correction | no order corrects what fills beyond its size
H.unprotected | execution raises no alarm yet
I.bust | no broker takes fills back yet
K.words.window | a held exit is not blocked yet
K.futures.alarm | execution raises no alarm yet
"""
