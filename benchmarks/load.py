"""Run the load client in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

from benchmarks.client import Outcome as Outcome
from benchmarks.client import Plan

GRACE_SECONDS = 60


def fire(
    urls: Sequence[str],
    bodies: Sequence[str],
    *,
    rate: float,
    seconds: float,
    connections: int = 32,
) -> Outcome:
    """Post to the URLs in turn, each with its body; rate 0 is as fast as answered."""
    where = urlsplit(urls[0])
    plan = Plan(
        host=where.hostname or "127.0.0.1",
        port=where.port or 80,
        targets=[(urlsplit(url).path, body) for url, body in zip(urls, bodies, strict=True)],
        rate=rate,
        seconds=seconds,
        connections=connections,
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.client"],
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        timeout=seconds + GRACE_SECONDS,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))
