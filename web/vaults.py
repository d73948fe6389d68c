"""`fillwire vault` and `fillwire paper-keys`: the keys around brokers' secrets, and keys of the
paper venue to try them with."""

from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
_FOLDER = click.option(
    "--data-dir",
    envvar="FILLWIRE_DATA_DIR",
    default=ROOT / ".fillwire",
    type=click.Path(path_type=Path),
    help="[default: .fillwire]",
)


@click.group()
def vault() -> None:
    """The keys that brokers' secrets are sealed with; docs/secrets.md says what to back up."""


@vault.command("status")
@_FOLDER
def status(data_dir: Path) -> None:
    """Say which keys there are, and how much is wrapped with each.

    \b
    Example: fillwire vault status
    """
    from web.ops import vault as operating

    try:
        found = operating.keys(data_dir.absolute())
    except operating.Cannot as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"Keys are in: {found.source or 'no source, see the log of execution'}")
    for kek in found.keks:
        state = (
            "retired" if kek.HasField("retired_time") else "current" if kek.current else "former"
        )
        missing = "" if kek.present or state == "retired" else ", MISSING"
        click.echo(f"{kek.kek_id}  {state}, {kek.records} records{missing}")
    sealed_to = found.transport_key.key_id or "none yet"
    click.echo(f"Pages seal to: {sealed_to}")


@vault.command("rotate")
@click.option("--kek", "kek_id", default="", help="One that the source has; else it makes one.")
@_FOLDER
def rotate(kek_id: str, data_dir: Path) -> None:
    """Seal with a new key, wrap what is stored anew, retire the former. Trading goes on.

    \b
    Example: fillwire vault rotate
    """
    import getpass

    from web.ops import vault as operating

    actor = f"staff:{getpass.getuser()}"
    try:
        operating.rotate_kek(data_dir.absolute(), kek_id, actor, click.echo)
    except operating.Cannot as problem:
        raise click.ClickException(str(problem)) from None


@vault.command("rotate-transport")
@_FOLDER
def rotate_transport(data_dir: Path) -> None:
    """A new key pair for pages to seal to; the former opens for a day.

    \b
    Example: fillwire vault rotate-transport
    """
    import getpass

    from web.ops import vault as operating

    actor = f"staff:{getpass.getuser()}"
    try:
        made = operating.rotate_transport_key(data_dir.absolute(), actor)
    except operating.Cannot as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"Pages seal to {made} from now on.")


@click.group("paper-keys")
def paper_keys() -> None:
    """API keys at the paper venue, as a broker's own page would make them."""


@paper_keys.command("issue")
@click.argument("account")
@click.option("--may", multiple=True, default=("read", "trade"), help="[default: read, trade]")
@_FOLDER
def issue(account: str, may: tuple[str, ...], data_dir: Path) -> None:
    """Make a key of ACCOUNT and print it with its secret, once. The first key closes the account
    to everybody without one.

    \b
    Example: fillwire paper-keys issue desk-1
    """
    from web.ops import vault as operating

    try:
        made = operating.issue(data_dir.absolute(), account, list(may))
    except operating.Cannot as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"API key ID  {made.key_id}\nAPI secret  {made.secret}")


@paper_keys.command("revoke")
@click.argument("key_id")
@_FOLDER
def revoke(key_id: str, data_dir: Path) -> None:
    """End a key at once.

    \b
    Example: fillwire paper-keys revoke PK0123456789ABCDEF01
    """
    from web.ops import vault as operating

    try:
        operating.revoke(data_dir.absolute(), key_id)
    except operating.Cannot as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Revoked.")
