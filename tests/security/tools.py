"""The tools, each in an environment of its own: they do not agree about their libraries."""

import subprocess
import sys
from pathlib import Path

# Program and package.
TOOLS = {
    "bandit": "bandit==1.9.4",
    "semgrep": "semgrep==1.182.0",
    "sqlmap": "sqlmap==1.10.10",
    "wapiti": "wapiti3==3.2.3",
    "cyclonedx-py": "cyclonedx-bom==7.5.0",
}


def find(folder: Path, program: str) -> Path:
    """The program; installed if it is not there yet."""
    environment = folder / "tools" / program
    found = environment / "bin" / program
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = environment / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", TOOLS[program]], check=True)
    return found
