"""Serve one of the two web programs under Granian: `python -m web.serve web|live`."""

import sys
from dataclasses import dataclass

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from protos import faults, log
from web import config


@dataclass(frozen=True)
class Program:
    """What Granian is told about one program."""

    target: str
    interface: Interfaces
    workers: int
    blocking_threads: int | None
    backpressure: int
    secrets: tuple[str, ...]


PROGRAMS = {
    # Two processes, so that one may die; threads wait for the database, not for the CPU.
    "web": Program("wsgi:app", Interfaces.WSGI, 2, 6, 64, (config.SIGNING, config.SEALING)),
    # Streams are many and idle: one event loop holds them all.
    "live": Program("web.live:app", Interfaces.ASGI, 1, None, 2048, (config.SIGNING,)),
}


def main(name: str) -> None:
    """Serve until SIGTERM; workers that die are replaced at once."""
    program = PROGRAMS[name]
    settings = config.read(secrets=program.secrets)
    log.configure(name)
    faults.arm(name)
    bind = settings.web_bind if name == "web" else settings.live_bind
    host, _, port = bind.rpartition(":")
    Server(
        program.target,
        address=host,
        port=int(port),
        interface=program.interface,
        workers=program.workers,
        blocking_threads=program.blocking_threads,
        backpressure=program.backpressure,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=2,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1])
