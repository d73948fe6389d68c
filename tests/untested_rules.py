"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.told | no page says that two connections share an account
A.external | orders made at the broker are not taken in
A.acknowledge | the broker's position is not read
A.both | pages show one number
D4.outside | positions that others move are not read
D5.position | the broker's position is not read
D5.fill | the broker's position is not read
D5.unknown | the broker's position is not read
D6.plan | there are no plans and no quotas yet
I.bust | no broker takes fills back yet
"""
