"""What a caller may have got wrong.

BadRequest  the request itself cannot be read
NotFound    the account was never used
"""


class NotFound(Exception):
    """The account was never used."""


class BadRequest(Exception):
    """The request itself cannot be read."""
