"""Commands that make certificates and users where there is no `fillwire up` to do it."""

import os
import time
from pathlib import Path

import click

LOOK_SECONDS = 3600


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="A folder for each service."
)
@click.option("--host", "hosts", multiple=True, metavar="NAME=HOST", help="Where a database is.")
@click.option("--redis-users", "users", is_flag=True, help="Write redis/users.acl as well.")
@click.option("--keep", is_flag=True, help="Stay, and renew what is nearly over.")
def certs(folder: Path, hosts: tuple[str, ...], users: bool, keep: bool) -> None:
    """Make a private authority, and a certificate for each service, or renew them.

    Each service gets its own folder, as FILLWIRE_CERTIFICATES; the folder `ca` stays here.
    Run it once a day, or with --keep. Services read what is new without a restart.

    \b
    Example: fillwire certs --folder /etc/fillwire/certificates
    Example: fillwire certs --folder /certs --host postgres=db.internal --keep
    """
    from web.ops import authority, state

    places: dict[str, list[str]] = {}
    for text in hosts:
        name, _, host = text.partition("=")
        if name not in authority.DATABASES or not host:
            raise click.ClickException(f"{text!r}: write {' or '.join(authority.DATABASES)}=HOST")
        places.setdefault(name, []).append(host)
    if users:
        (folder / "redis").mkdir(mode=0o700, parents=True, exist_ok=True)
        state.write_private(folder / "redis" / "users.acl", _acl())
    while True:
        done = authority.renew(folder, authority.now(), places)
        if done or not keep:
            click.echo(f"Made certificates for {', '.join(done)}" if done else "All are good.")
        if not keep:
            return
        time.sleep(LOOK_SECONDS)


@click.command("redis-users")
def redis_users() -> None:
    """Print the ACL file of Redis: a user for each program, and none without a name.

    Each password is in FILLWIRE_REDIS_<USER>_PASSWORD; the file holds hashes of them. Users are
    owner (who runs the server), web, worker, relay, live and execution.

    \b
    Example: fillwire redis-users > /etc/redis/users.acl
    """
    click.echo(_acl(), nl=False)


def _acl() -> str:
    from web.ops import redis_users as users

    names = {name: f"FILLWIRE_REDIS_{name.upper()}_PASSWORD" for name in users.RULES}
    missing = [variable for variable in names.values() if not os.environ.get(variable)]
    if missing:
        raise click.ClickException(f"set {', '.join(missing)}")
    return users.acl({name: os.environ[variable] for name, variable in names.items()})
