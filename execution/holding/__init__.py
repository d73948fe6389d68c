"""The accounts that this instance holds: taken, told of their trades, kept what their brokers say.

holding > arriving, rules; hearing > reconciling, moving.
"""
