"""Trades become orders: the next step is decided, its market looked at, and what waits is woken.

engine > deciding, looking > option_choice; watching > queueing; waking; halting > controls.
"""
