"""The tools, in an environment of their own."""

import subprocess
import sys
from pathlib import Path

TOOLS = (
    "bandit==1.9.4",
    "semgrep==1.182.0",
    "sqlmap==1.10.10",
    "wapiti3==3.0.3",
    "cyclonedx-bom==7.5.0",
)


def ensure(venv: Path, *, install: bool) -> Path:
    """The folder with their programs; made if it is not there."""
    binaries = venv / "bin"
    if install and not (binaries / "wapiti").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([binaries / "pip", "install", "--quiet", *TOOLS], check=True)
    return binaries
