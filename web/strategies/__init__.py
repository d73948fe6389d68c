"""Strategies: sources of signals, each with a webhook of its own."""
