"""Secrets of brokers: sealed on their way in, sealed where they lie, open only for a login.

    servicer > service, rotation > vault > store, envelopes, keks > pkcs11
    ring > vault: what an adapter logs in with

Nothing here logs, raises or answers with a value that was typed.
"""
