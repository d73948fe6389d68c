"""Clauses of the trading rules that no test shows, and what is missing: this must shrink."""

TABLE = """
D6.plan | there are no plans and no quotas yet
"""
