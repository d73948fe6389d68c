"""Make a tenant with one person from the command line, as the database's owner."""

import os


class CannotAdd(Exception):
    """It was not made; the message says why."""


def add(*, email: str, password: str, tenant: str) -> None:
    """Make the person and the tenant they own.

    Raises CannotAdd when DATABASE_URL is missing, the person exists, or the password is weak.
    """
    if not os.environ.get("DATABASE_URL"):
        raise CannotAdd("set DATABASE_URL to the URL of the database's owner")
    import psycopg

    from web.accounts import owners

    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as owner:
            owners.add_account(owner, email=email, password=password, tenant_name=tenant)
    except owners.AlreadyThere:
        raise CannotAdd(f"{email} is already there") from None
    except owners.WeakPassword as weak:
        raise CannotAdd(str(weak)) from None
