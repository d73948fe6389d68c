"""`fillwire export-audit` and `fillwire verify-audit`."""

from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False)


@click.command("export-audit")
@click.argument("chain", default="platform")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=".fillwire",
    envvar="FILLWIRE_DATA_DIR",
    show_default=True,
)
def export_audit(chain: str, data_dir: Path) -> None:
    """Print the sealed trail of CHAIN, `platform` or a tenant's `ten_…`, from DATABASE_URL; what
    it covers of execution's facts, from FILLWIRE_EXECUTION_TARGET.

    \b
    Example: fillwire export-audit platform > platform.jsonl
    """
    import psycopg

    from protos import ids
    from web.audit import lines, trail
    from web.execution_client import ExecutionDown
    from web.ops import people

    wanted = lines.PLATFORM if chain == "platform" else ids.read("tenant", chain)
    if wanted is None:
        raise click.ClickException(f"{chain!r} is neither `platform` nor the id of a tenant")
    try:
        database = people.owner_url(data_dir)
        execution = people.execution(data_dir)
        with psycopg.connect(database) as owner:
            for line in trail.exported(owner, execution, wanted):
                click.echo(line)
    except (people.CannotAdd, ExecutionDown) as problem:
        raise click.ClickException(str(problem)) from None


@click.command("verify-audit")
@click.argument("export", type=_FILE)
@click.argument("checkpoint", type=_FILE)
@click.option("--key", help="The public key that must have signed, in hex.")
def verify_audit(export: str, checkpoint: str, key: str | None) -> None:
    """Check an exported audit trail against a signed checkpoint: intact, or the first bad row.

    web/audit/verify.py does the same by itself, outside of Fillwire.

    \b
    Example: fillwire verify-audit activity.jsonl checkpoint.json
    """
    from web.audit import verify

    raise SystemExit(verify.main([export, checkpoint, *(["--key", key] if key else [])]))
