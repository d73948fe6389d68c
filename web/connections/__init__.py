"""Connections: a tenant's links to accounts at brokers."""
