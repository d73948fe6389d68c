"""Signals: what senders post, read strictly and stored before it is answered."""
