"""The deterministic simulator: the real execution core on a virtual clock, between a broker
and a database that are kept in memory. One seed is one run. `python -m tests.sim --help`."""
