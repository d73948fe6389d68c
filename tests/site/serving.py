"""The site as it is served: Granian's processes on a port of their own."""

import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.conftest import Database
from web.ops import children

READY_SECONDS = 60


@contextmanager
def serving(database: Database, folder: Path, **variables: str) -> Iterator[str]:
    """Where it answers."""
    port = children.free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "FILLWIRE_WEB_DATABASE_URL": database.url("web"),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "FILLWIRE_DATA_DIR": str(folder),
        "FILLWIRE_WEB_URL": "http://localhost",
        "FILLWIRE_WEB_BIND": f"127.0.0.1:{port}",
        "FILLWIRE_SEALING_KEY": urlsafe_b64encode(b"k" * 32).decode(),
        **variables,
    }
    command = [sys.executable, "-m", "web.serve", "web"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        _await(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _await(url: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urlopen(f"{url}/healthz", timeout=5):
                return
        except (URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
