"""Broker adapters: one firm each, behind the verbs of `base`."""
