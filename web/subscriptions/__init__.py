"""Subscriptions: a strategy joined to a connection, with settings."""
