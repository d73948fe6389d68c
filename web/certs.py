"""The command that makes certificates where there is no `fillwire up` to do it."""

import time
from pathlib import Path

import click

LOOK_SECONDS = 3600


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="A folder for each service."
)
@click.option("--host", "hosts", multiple=True, metavar="NAME=HOST", help="Where a database is.")
@click.option("--keep", is_flag=True, help="Stay, and renew what is nearly over.")
def certs(folder: Path, hosts: tuple[str, ...], keep: bool) -> None:
    """Make a private authority, and a certificate for each service, or renew them.

    Each service gets its own folder, as FILLWIRE_CERTIFICATES; the folder `ca` stays here.
    Run it once a day, or with --keep. Services read what is new without a restart.

    \b
    Example: fillwire certs --folder /etc/fillwire/certificates
    Example: fillwire certs --folder /certs --host postgres=db.internal --keep
    """
    from web.ops import authority

    places: dict[str, list[str]] = {}
    for text in hosts:
        name, _, host = text.partition("=")
        if name not in authority.DATABASES or not host:
            raise click.ClickException(f"{text!r}: write {' or '.join(authority.DATABASES)}=HOST")
        places.setdefault(name, []).append(host)
    while True:
        done = authority.renew(folder, authority.now(), places)
        if done or not keep:
            click.echo(f"Made certificates for {', '.join(done)}" if done else "All are good.")
        if not keep:
            return
        time.sleep(LOOK_SECONDS)
