"""Make a tenant with one person from the command line, as the database's owner."""

import os


class CannotAdd(Exception):
    """It was not made; the message says why."""


def add(*, email: str, password: str, tenant: str) -> None:
    """Make the person and the tenant they own.

    Raises CannotAdd when DATABASE_URL is missing or the person exists.
    """
    if not os.environ.get("DATABASE_URL"):
        raise CannotAdd("set DATABASE_URL to the URL of the database's owner")
    from web.accounts import service

    try:
        service.add_account(email=email, password=password, tenant=tenant)
    except service.AlreadyThere:
        raise CannotAdd(f"{email} is already there") from None
