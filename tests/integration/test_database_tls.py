"""PostgreSQL and Redis behind certificates of the authority, with the URLs of the compose file.

The embedded servers are built without TLS, so what stands in front of them speaks it.
"""

import asyncio
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.asyncio import Redis as AsyncRedis

from tests import tls_kit
from tests.conftest import Database
from tests.integration.test_servers import private_folder, start
from web.ops import children, places, valkey

# What a PostgreSQL client sends first, and what a server answers that has a certificate.
SSL_REQUEST, WILLING = bytes([0, 0, 0, 8, 4, 210, 22, 47]), b"S"


@contextmanager
def in_front(port: int, shown: Path, *, is_asked: bool) -> Iterator[int]:
    """A server with a certificate, on a port of its own; of PostgreSQL's, clients ask first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown / "tls.crt", shown / "tls.key")

    class Front(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if is_asked:
                assert self.request.recv(8) == SSL_REQUEST
                self.request.sendall(WILLING)
            # Whoever does not believe us is gone by then.
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outer,
                socket.create_connection(("127.0.0.1", port)) as inner,
            ):
                pass_on(outer, inner)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Front) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def pass_on(outer: ssl.SSLSocket, inner: socket.socket) -> None:
    """Everything either says, until one says no more."""
    other = {outer: inner, inner: outer}
    while True:
        ready = [outer] if outer.pending() else select.select(list(other), [], [])[0]
        for speaking in ready:
            if not (data := speaking.recv(65536)):
                return
            other[speaking].sendall(data)


def test_postgres_proves_who_it_is(module_database: Database, tmp_path: Path) -> None:
    ours = tls_kit.make(tmp_path / "ours").path
    theirs = tls_kit.make(tmp_path / "theirs").path
    plain = urlsplit(module_database.url("web"))
    with in_front(plain.port or 0, ours / "postgres", is_asked=True) as port:
        there = plain._replace(netloc=f"{plain.username}:{plain.password}@127.0.0.1:{port}")
        verified = f"{there.geturl()}?sslmode=verify-full&sslrootcert="
        with psycopg.connect(f"{verified}{ours}/trust/ca.crt") as connection:
            assert connection.pgconn.ssl_in_use
            assert connection.execute("SELECT current_user").fetchone() == ("fillwire_web",)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            psycopg.connect(f"{verified}{theirs}/trust/ca.crt")


def test_redis_proves_who_it_is(tmp_path: Path) -> None:
    ours = tls_kit.make(tmp_path / "ours").path
    theirs = tls_kit.make(tmp_path / "theirs").path
    with private_folder() as folder:
        server = valkey.Server(
            folder=folder / "valkey",
            port=children.free_port(),
            password="owners",
            binary=valkey.find(places.identity()),
            identity=places.identity(),
            users={"web": "webs", "live": "lives"},
        )
        server.create()
        child = start(server, folder)
        try:
            with in_front(server.port, ours / "redis", is_asked=False) as port:
                end = f"@127.0.0.1:{port}/0?ssl_ca_certs="
                good, bad = (f"{end}{path}/trust/ca.crt" for path in (ours, theirs))
                with redis.Redis.from_url(f"rediss://web:webs{good}") as web:
                    assert web.set("fillwire:bell:0", 1)
                with (
                    redis.Redis.from_url(f"rediss://web:webs{bad}") as client,
                    pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
                ):
                    client.ping()
                asyncio.run(ping(f"rediss://live:lives{good}"))
        finally:
            child.kill()
            child.wait()


async def ping(url: str) -> None:
    """As live and execution reach it."""
    async with AsyncRedis.from_url(url) as client:
        assert await client.ping()
