"""Find words wherever a stack keeps anything: tables, Redis, logs, files."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql
from redis import Redis

from tests.e2e.stack import Stack

SCHEMAS = ("web", "execution", "paper", "public")


def spellings(word: str) -> list[bytes]:
    """As text, and inside of base64 wherever it begins."""
    raw = word.lower().encode()
    return [raw, word.encode().hex().encode()]


def kept(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Everything, by where it is."""
    yield from in_database(stack)
    yield from in_redis(stack)
    yield from in_files(stack)


def in_database(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Each column of each table of each schema."""
    with stack.database() as owner:
        tables = owner.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema = ANY (%s) AND table_type = 'BASE TABLE'",
            (list(SCHEMAS),),
        ).fetchall()
        assert len(tables) > 40
        for schema, table in tables:
            columns = owner.execute(
                "SELECT column_name, data_type FROM information_schema.columns "
                "WHERE table_schema = %s AND table_name = %s",
                (schema, table),
            ).fetchall()
            names = [name for name, _ in columns]
            rows = owner.execute(
                sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join(map(_selected, columns)), sql.Identifier(schema, table)
                )
            )
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    if value is not None:
                        yield (
                            f"{schema}.{table}.{name}",
                            value if isinstance(value, bytes) else value.encode(),
                        )


def in_redis(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Each key with what is under it."""
    redis = Redis.from_url(stack.ready["redis_url"])
    for key in redis.scan_iter():
        yield f"redis key {key!r}", bytes(key) + _of_redis(redis, key)
    redis.close()


def in_files(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Logs and whatever else is written beside the servers' own files."""
    for path in (stack.log_file, *_own_files(stack.data_dir)):
        yield str(path), path.read_bytes()


def hits(places: Iterable[tuple[str, bytes]], words: Iterable[str]) -> dict[str, set[str]]:
    """Where each word is found."""
    sought = {word: spellings(word) for word in words}
    found: dict[str, set[str]] = {word: set() for word in sought}
    for where, raw in places:
        # What is stored as base64 is looked through as well.
        low = raw.lower() + b"\n" + b"\n".join(_decoded(raw)).lower()
        for word, spelled in sought.items():
            if any(each in low for each in spelled):
                found[word].add(where)
    return found


def _selected(column: tuple[str, str]) -> sql.Composable:
    """Bytes as they are, all else as text."""
    name, kind = column
    cast = sql.SQL("" if kind == "bytea" else "::text")
    return sql.SQL("{}{}").format(sql.Identifier(name), cast)


def _own_files(folder: Path) -> Iterator[Path]:
    for name in ("log", "run", "faults"):
        if (folder / name).is_dir():
            yield from (path for path in (folder / name).rglob("*") if path.is_file())


def _decoded(raw: bytes) -> Iterator[bytes]:
    for part in raw.replace(b'"', b" ").split():
        if len(part) >= 16 and len(part) % 4 == 0:
            try:
                yield base64.b64decode(part, validate=True)
            except ValueError:
                continue


def _of_redis(redis: Redis, key: bytes) -> bytes:
    kind = redis.type(key)
    readers: dict[bytes, Any] = {
        b"string": lambda: redis.get(key),
        b"hash": lambda: redis.hgetall(key),
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: redis.xrange(key),
    }
    return repr(readers[bytes(kind)]()).encode() if kind in readers else b""
