"""Fillwire web: knows who trades what."""
