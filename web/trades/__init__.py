"""Trades: what each subscription makes of each signal."""
