"""The pure core: no clock, no I/O, no randomness. Time, ids and prices are arguments."""
