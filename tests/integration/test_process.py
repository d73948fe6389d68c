"""A process that cannot serve ends and says why; it never lingers half alive."""

import json
import os
import subprocess
import sys

import psycopg

from tests.conftest import Database
from web.ops import children


def test_execution_on_a_foreign_schema_says_so_and_ends(database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("ALTER TABLE execution.switches RENAME COLUMN version TO v")

    ended = subprocess.run(
        [sys.executable, "-m", "execution"],
        env={
            **os.environ,
            "FILLWIRE_EXECUTION_BIND": f"127.0.0.1:{children.free_port()}",
            "FILLWIRE_EXECUTION_DATABASE_URL": database.url("execution"),
            "FILLWIRE_PAPER_TARGET": f"127.0.0.1:{children.free_port()}",
        },
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )

    last = json.loads(ended.stderr.decode().strip().splitlines()[-1])
    assert ended.returncode == 1
    assert last["event"] == "process_failed"
    assert "UndefinedColumn" in last["exception"]["error"]
