"""The commands by which the machine's operator lets staff in."""

from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("viewer", "support", "billing", "engineer", "owner")

Command = Callable[..., None]


@click.group()
def staff() -> None:
    """Who runs this installation, and comes in at /admin."""


def _on_machine(command: Command) -> Command:
    return click.option(
        "--data-dir",
        envvar="FILLWIRE_DATA_DIR",
        default=ROOT / ".fillwire",
        type=click.Path(path_type=Path),
        help="[default: .fillwire]",
    )(command)


@staff.command()
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True)
@click.option("--from", "networks", multiple=True, help="A network they come from, 192.0.2.0/24.")
@_on_machine
def add(email: str, role: str, networks: tuple[str, ...], data_dir: Path) -> None:
    """Add EMAIL, and print the link by which they choose a password and a second factor.

    \b
    Example: fillwire staff add ann@example.com --role support
    """
    from web.ops import staff as ops

    _print_link(data_dir, lambda owner: ops.add(owner, email, role, networks))


@staff.command()
@click.argument("email")
@_on_machine
def reset(email: str, data_dir: Path) -> None:
    """Forget password and second factor of EMAIL, and print a new link.

    \b
    Example: fillwire staff reset ann@example.com
    """
    from web.ops import staff as ops

    _print_link(data_dir, lambda owner: ops.reset(owner, email))


@staff.command()
@click.argument("email")
@_on_machine
def remove(email: str, data_dir: Path) -> None:
    """Let EMAIL in no more.

    \b
    Example: fillwire staff remove ann@example.com
    """
    from web.ops import staff as ops

    def do(owner: object) -> str | None:
        ops.remove(owner, email)  # type: ignore[arg-type]
        return None

    _print_link(data_dir, do)
    click.echo(f"{email} comes in no more.")


def _print_link(data_dir: Path, do: Callable[..., str | None]) -> None:
    import psycopg

    from web.ops import people
    from web.ops import staff as ops

    try:
        with psycopg.connect(people.owner_url(data_dir.absolute())) as owner:
            token = do(owner)
        site = people.site_url(data_dir.absolute())
    except (ops.CannotDo, people.CannotAdd) as problem:
        raise click.ClickException(str(problem)) from None
    if token:
        click.echo(f"Within a day, once: {site}/admin/enrol/{token}")
