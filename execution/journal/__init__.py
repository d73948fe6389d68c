"""What is durable: written before it happens, read back after a restart, followed by cursor.

journal > rows; store > statements, images > told; switch_store; facts, digests; ringing.
"""
