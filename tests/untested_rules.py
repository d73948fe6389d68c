"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
A.told | no page says that two connections share an account
A.acknowledge | what is foreign is known, and no page asks
D6.plan | there are no plans and no quotas yet
"""
