"""With this folder on PYTHONPATH, every Python of a stack carries the bugs of `inside.py`."""

from tests.plants import inside

inside.plant()
