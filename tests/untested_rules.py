"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.told | no page says that two connections share an account
A.acknowledge | what is foreign is known, and no page asks
C4.warning | nothing is said of the market order
D1.flag | neither lint nor explain says so
D6.plan | there are no plans and no quotas yet
F.drift | an approval is not held to a drift
K.price.stop | stop entries are not watched yet
K.futures.alarm | execution raises no alarm yet
"""
