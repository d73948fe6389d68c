"""An account's way to its broker, and the limits that it waits for.

session > limiter; limits > lending > sharing.
"""
