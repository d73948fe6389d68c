"""`fillwire export-audit` and `fillwire verify-audit`."""

import json
import os
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False)


@click.command("export-audit")
@click.argument("chain", default="platform")
@click.option("--data-dir", type=click.Path(path_type=Path), help="[default: .fillwire]")
def export_audit(chain: str, data_dir: Path | None) -> None:
    """Print the sealed trail of CHAIN, `platform` or a tenant's `ten_…`, from DATABASE_URL.

    \b
    Example: fillwire export-audit platform > platform.jsonl
    """
    import psycopg

    from protos import ids
    from web.audit import lines

    wanted = lines.PLATFORM if chain == "platform" else ids.read("tenant", chain)
    if wanted is None:
        raise click.ClickException(f"{chain!r} is neither `platform` nor the id of a tenant")
    with psycopg.connect(_owner_url(data_dir)) as owner:
        for line in lines.exported(owner, wanted):
            click.echo(line)


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


def _owner_url(data_dir: Path | None) -> str:
    if url := os.environ.get("DATABASE_URL"):
        return url
    folder = data_dir or Path(os.environ.get("FILLWIRE_DATA_DIR") or ".fillwire")
    running = folder / "run" / "up.json"
    if not running.exists():
        raise click.ClickException("start the stack, or set DATABASE_URL to its owner's URL")
    listed: dict[str, str] = json.loads(running.read_text())
    return listed["database_url"]
