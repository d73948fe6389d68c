"""What tools say about us: `python -m tests.security`."""
