"""Have tools look for holes: `python -m tests.security [static|dynamic|all]`.

`static` reads the code (bandit, semgrep with our own rules) and lists what we are made of
(CycloneDX). `dynamic` starts a demo of its own and attacks it (sqlmap, wapiti). The tools are
installed once into virtual environments under the data folder; they are no part of the lock.
Ends with 1 if anything high was found, anything that nobody has read (known.toml), or a tool
did not reach what it was to look at.
Reports stay in the folder that is named at the end.
"""

import argparse
import sys
from pathlib import Path

from tests.security import dynamic, static
from tests.security.found import Found


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["static", "dynamic", "all"], default="all")
    parser.add_argument("--folder", type=Path, default=Path(".fillwire/security"))
    given = parser.parse_args()
    folder: Path = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Found] = []
    if given.what in ("static", "all"):
        found += static.run(folder)
    if given.what in ("dynamic", "all"):
        found += dynamic.run(folder)
    for each in found:
        sys.stdout.write(f"{each}\n")
    sys.stdout.write(f"Reports: {folder}\n")
    return int(any(each.bad for each in found))


if __name__ == "__main__":
    raise SystemExit(main())
