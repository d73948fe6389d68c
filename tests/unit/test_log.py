"""What gets into logs: listed fields that look like their kind, and nothing else."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from execution.journal.journal import StoreUnavailable
from execution.vault.keks import MissingKek
from protos import log, telling
from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1.execution_pb2_grpc import ExecutionStub
from web.execution_client import ExecutionDown
from web.ops.roles import ROOT

CANARY = "CANARY-hunter2@people.test"


def shown(**fields: Any) -> dict[str, Any]:
    return dict(log.only_listed(None, "info", {"event": "something_happened", **fields}))


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each line of code that logs."""
    for folder in ("web", "execution", "protos"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=verb)) if (
                        verb in ("debug", "info", "warning", "error", "exception", "critical")
                    ):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_what_the_code_logs_is_listed() -> None:
    known = log.IDS | log.WORDS | log.NUMBERS | log.ERRORS | log.ENDS | {"exc_info"}
    found = list(calls())
    assert len(found) > 80
    unknown = {
        (where, each.arg)
        for where, call in found
        for each in call.keywords
        if each.arg is not None and each.arg not in known
    }
    assert unknown == set()


def test_an_event_has_a_constant_name() -> None:
    built = [where for where, call in calls() if not is_constant(call.args[0])]
    assert built == []


def is_constant(name: ast.expr) -> bool:
    """Or a parameter that callers give a constant for."""
    return isinstance(name, ast.Name) or (
        isinstance(name, ast.Constant) and re.fullmatch(r"[a-z_]+", str(name.value)) is not None
    )


def test_a_field_that_nobody_listed_is_withheld_and_its_name_told() -> None:
    assert shown(password=CANARY, body=CANARY, ip="203.0.113.9") == {
        "event": "something_happened",
        "withheld": ["password", "body", "ip"],
    }


@pytest.mark.parametrize(
    "value",
    [CANARY, "two\nlines", "a\r\nb", "x" * 65, {"a": CANARY}, [CANARY], b"raw", "\u202egnp", ""],
)
def test_an_id_that_does_not_look_like_one_is_withheld(value: object) -> None:
    assert shown(trade_id=value) == {"event": "something_happened", "withheld": ["trade_id"]}


def test_ids_numbers_words_and_the_end_of_an_account_get_out() -> None:
    assert shown(
        trade_id="00ff",
        trade_ids=["a", "b"],
        status=404,
        loop="sweep",
        account="DU1234567",
        of=None,
    ) == {
        "event": "something_happened",
        "trade_id": "00ff",
        "trade_ids": ["a", "b"],
        "status": 404,
        "loop": "sweep",
        "account": "…4567",
        "of": None,
    }


@given(st.text())
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    said = shown(**dict.fromkeys(("event", "trade_id", "reason", "cause", "account"), text))
    line = json.dumps(said)
    assert not {"\n", "\r", "\u2028", "\0", "\x1b"} & set(line)
    assert not {"\n", "\r", "\0", "\x1b"} & set("".join(map(str, said.values())))


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """The same, with a traceback and a cause."""
    secret_local = CANARY
    try:
        raise error from cause
    except BaseException as caught:
        assert secret_local
        return caught


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(CANARY), "ValueError"),
        (KeyError(CANARY), "KeyError"),
        (ConnectionRefusedError(111, CANARY), "ConnectionRefusedError: Connection refused"),
        (OSError(CANARY), "OSError"),
        (FileNotFoundError(2, "x", CANARY), "FileNotFoundError: No such file or directory"),
        (redis.ConnectionError("Error 111 connecting."), "ConnectionError: Error 111 connecting."),
        (redis.ResponseError(CANARY), "ResponseError"),
        (ExecutionDown(CANARY), "ExecutionDown"),
        (StoreUnavailable(CANARY), "StoreUnavailable"),
        (MissingKek("FILLWIRE_KEKS\nhas no k1"), "MissingKek: FILLWIRE_KEKS has no k1"),
        (psycopg.ProgrammingError(f'missing "=" after "{CANARY}"'), "ProgrammingError"),
        (
            psycopg.OperationalError("connection is bad: no answer"),
            "OperationalError: connection is bad: no answer",
        ),
        (
            DBAPIError("SELECT 1", {"a": CANARY}, psycopg.OperationalError("server closed")),
            "DBAPIError < OperationalError: server closed",
        ),
    ],
)
def test_an_error_is_told_without_what_it_quotes(error: BaseException, told: str) -> None:
    assert telling.told(error) == told


def test_an_error_tells_where_it_was_and_where_it_came_from_and_no_values() -> None:
    error = raised(ExecutionDown(CANARY), raised(TimeoutError(110, CANARY)))
    said = shown(exc_info=error)["exception"]
    assert said["error"] == "ExecutionDown < TimeoutError: Connection timed out"
    assert re.fullmatch(r"tests/unit/test_log.py:\d+ raised", said["at"][-1])
    assert CANARY not in json.dumps(said)


def test_a_refusal_by_a_service_is_told_by_its_code() -> None:
    with grpc.insecure_channel("127.0.0.1:1") as channel, pytest.raises(grpc.RpcError) as caught:
        ExecutionStub(channel).ListSwitches(pb.ListSwitchesRequest(), timeout=0.2)
    assert re.search(r": (UNAVAILABLE|DEADLINE_EXCEEDED)$", telling.told(caught.value))


@pytest.mark.parametrize(
    "program",
    [
        "raise ValueError({canary!r})",
        "import threading; threading.Thread(target=lambda: {{}}[{canary!r}]).start()",
        "import logging; logging.getLogger('lib').error('bad %s\\nmore', {canary!r})",
        "import logging\ntry:\n  int({canary!r})\nexcept ValueError:\n  logging.exception('x')",
        "log.log.info('signed_in', email={canary!r}, cause={canary!r})",
        "import asyncio\nasync def fail(): raise ValueError({canary!r})\n"
        "async def main():\n  asyncio.create_task(fail()); await asyncio.sleep(0.01)\n"
        "asyncio.run(main())",
    ],
)
def test_whatever_a_process_says_is_one_json_line_without_the_canary(program: str) -> None:
    source = f"from protos import log\nlog.configure('test')\n{program.format(canary=CANARY)}"
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines
    for line in lines:
        assert line["process"] == "test"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"])
        assert line["level"] in ("info", "warning", "error", "critical")
    assert CANARY not in done.stderr + done.stdout


def test_the_request_goes_along_to_another_program() -> None:
    log.begin("req_0123")
    told = log.told()
    log.begin("req_other")
    log.begin_as_told(told)
    assert log.told() == ((log.METADATA, "req_0123"),)
    log.begin_as_told([(log.METADATA, "not an id\n"), ("other", "req_9")])
    assert log.told() == ((log.METADATA, "req_0123"),)
    log.begin("")


def test_the_places_of_an_error_are_named_from_the_root() -> None:
    assert Path(ROOT) == telling.ROOT
