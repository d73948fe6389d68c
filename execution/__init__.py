"""Fillwire execution: makes the thing happen, once."""
