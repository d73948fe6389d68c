"""Accounts: who signs in, and which keys speak for a tenant."""
