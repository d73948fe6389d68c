"""Bugs put in on purpose, wherever they would sit: `python -m tests.plants` shows them all."""
