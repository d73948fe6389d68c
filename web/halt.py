"""The command that halts from the outside, where staff have no pages."""

from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.argument("mode", type=click.Choice(["stop-entries", "stop-all", "flatten", "off"]))
@click.option(
    "--on",
    "target",
    default="platform",
    show_default=True,
    help="Or an id, or broker:NAME/ENVIRONMENT.",
)
@click.option("--why", required=True, help="For the record.")
@click.option(
    "--data-dir",
    envvar="FILLWIRE_DATA_DIR",
    default=ROOT / ".fillwire",
    type=click.Path(path_type=Path),
    help="[default: .fillwire]",
)
def halt(mode: str, target: str, why: str, data_dir: Path) -> None:
    """Stop trading, of everybody or of one; `off` lets it go on.

    \b
    stop-entries  nothing is opened; exits, stops and targets go on
    stop-all      nothing is sent at all; lists what is left without a stop
    flatten       cancels and closes everything, then opens nothing

    \b
    Example: fillwire halt stop-entries --why "broker reports wrong fills"
    """
    import getpass

    from web.ops import halting

    word, actor = mode.replace("-", "_"), f"staff:{getpass.getuser()}"
    try:
        told = halting.halt(data_dir.absolute(), target=target, mode=word, why=why, actor=actor)
    except halting.CannotHalt as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(told)
