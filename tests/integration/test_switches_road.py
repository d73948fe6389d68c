"""Kill switches on the whole road: the site asks, execution decides, the drain and pages tell."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from protos.execution.v1 import execution_pb2 as pb
from tests.conftest import Database
from tests.integration.explain_kit import EMAIL, PASSWORD, Stand, standing
from web import db, mirror
from web.accounts.keys import add_test_key
from web.cli import main
from web.execution_client import ExecutionClient
from web.subscriptions import settings
from web.switches import service
from web.switches.models import Switch
from web.switches.service import Halted

BUY = b'{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'
SELL = b'{"ticker":"AAPL","action":"sell","quantity":5,"price":"228.40"}'
EXIT = b'{"ticker":"AAPL","action":"exit"}'
ADD = b'{"ticker":"AAPL","action":"add","quantity":5}'
ME = "person:test"
OVER = ("FILLED", "HALTED", "SKIPPED", "PARTIALLY_FILLED", "DONE")


@pytest.fixture
async def stand(database: Database) -> AsyncIterator[Stand]:
    async with standing(database, 1, seed=1) as stand:
        choose(stand)
        yield stand


def choose(stand: Stand, **chosen: Any) -> None:
    """Give the subscription these settings."""
    stored = settings.validate({"auto_submit": True, **chosen})
    stand.owner.execute("UPDATE web.subscriptions SET settings = %s", (db.to_json(stored),))
    stand.owner.execute("UPDATE web.strategy_intake SET version = version + 1")


async def halt(stand: Stand, mode: str, scope: str = "tenant") -> Halted:
    """As a person of the workspace does it."""
    ids = {
        "tenant": stand.strategy.tenant_id,
        "strategy": stand.strategy.id,
        "connection": stand.subscriptions[0].connection_id,
    }
    return await stand.inside(lambda: service.halt(scope, ids[scope], mode, why="a test", actor=ME))


def trade_of(stand: Stand, signal_id: UUID) -> tuple[str, str | None]:
    row = stand.owner.execute(
        "SELECT state, reason FROM web.trades WHERE signal_id = %s", (signal_id,)
    ).fetchone()
    assert row is not None
    return row[0], row[1]


async def outcome(stand: Stand, body: bytes) -> tuple[str, str | None]:
    """What became of a message, as pages tell it."""
    signal_id = await stand.fire(body)
    async with asyncio.timeout(20):
        while trade_of(stand, signal_id)[0] not in OVER:
            await stand.project()
            await asyncio.sleep(0.02)
    return trade_of(stand, signal_id)


async def turn(stand: Stand) -> set[str]:
    """One turn of the relay's loop."""
    pool = stand.drain._pool
    client = ExecutionClient(f"127.0.0.1:{stand.kit.server.port}")
    return await asyncio.to_thread(mirror.turn, pool, client)


def audited(stand: Stand) -> list[tuple[str, str]]:
    rows = stand.owner.execute(
        "SELECT action, actor FROM web.audit_events WHERE action ~ 'switch|limits' ORDER BY id"
    )
    return [(row[0], row[1]) for row in rows]


@pytest.mark.rule("I.halted", "I.finish")
@pytest.mark.parametrize("scope", ["tenant", "strategy", "connection"])
async def test_what_is_halted_trades_no_entry_and_says_so(stand: Stand, scope: str) -> None:
    assert await outcome(stand, BUY) == ("FILLED", None)
    await halt(stand, "stop_entries", scope)
    assert await outcome(stand, ADD) == ("HALTED", "halted")
    assert await outcome(stand, EXIT) == ("FILLED", None)
    assert await outcome(stand, BUY) == ("HALTED", "halted")
    assert audited(stand) == [("switch:ask", ME), ("switch:set", ME)]
    page = await asyncio.to_thread(stand.browse, "/trades")
    assert "Stop entries" in page
    await halt(stand, "off", scope)
    assert await outcome(stand, BUY) == ("FILLED", None)
    assert "Stop entries</b>" not in await asyncio.to_thread(stand.browse, "/trades")


@pytest.mark.rule("I.all")
async def test_stop_all_ends_exits_before_execution_hears_of_them(stand: Stand) -> None:
    await outcome(stand, BUY)
    done = await halt(stand, "stop_all")
    assert [(u.instrument, u.quantity) for u in done.unprotected] == [("AAPL", "5")]
    handed = len({f.trade_id for f in await stand.kit.read_facts()})
    assert await outcome(stand, EXIT) == ("HALTED", "halted")
    assert len({f.trade_id for f in await stand.kit.read_facts()}) == handed
    page = await asyncio.to_thread(stand.browse, "/halt")
    assert "Left without a stop" in page
    assert "AAPL on" in page


@pytest.mark.rule("A.origin")
async def test_what_flatten_closes_is_a_trade_that_no_signal_asked_for(stand: Stand) -> None:
    await outcome(stand, BUY)
    done = await halt(stand, "flatten")
    [trade_id] = done.closing
    await stand.kit.outcome(pb.Trade(trade_id=trade_id.hex))
    await stand.project()
    row = stand.owner.execute(
        "SELECT signal_id, origin, state, instrument FROM web.trades WHERE id = %s", (trade_id,)
    ).fetchone()
    assert row == (None, "kill_switch", "FILLED", "AAPL")
    page = await asyncio.to_thread(stand.browse, f"/trades/trd_{trade_id.hex}")
    assert "No signal asked for this" in page
    assert await asyncio.to_thread(stand.browse, "/trades")
    left = stand.owner.execute("SELECT sum(quantity) FROM web.positions").fetchone()
    assert left == (0,)


@pytest.mark.rule("B3.switch", "B3.approval", "B3.never")
async def test_entries_that_wait_end_and_are_not_revived(stand: Stand) -> None:
    choose(stand, auto_submit=False)
    waiting = await stand.fire(BUY)
    assert trade_of(stand, waiting) == ("WAITING_APPROVAL", None)
    await halt(stand, "stop_entries", "strategy")
    await turn(stand)
    assert trade_of(stand, waiting) == ("SKIPPED", "superseded")
    await halt(stand, "off", "strategy")
    await turn(stand)
    assert trade_of(stand, waiting) == ("SKIPPED", "superseded")


async def test_the_relay_brings_what_the_site_could_not_store(stand: Stand) -> None:
    client = ExecutionClient(f"127.0.0.1:{stand.kit.server.port}")
    for mode in ("stop_entries", "off"):
        by_staff = partial(
            client.set_switch, "platform", None, mode, tenant=None, set_by="staff:test", why=""
        )
        await asyncio.to_thread(by_staff)
        await turn(stand)
        on = await _in_force(stand)
        assert [(s.scope, s.mode) for s in on] == ([("platform", mode)] if mode != "off" else [])
        page = await asyncio.to_thread(stand.browse, "/signals")
        assert ("Fillwire has halted everything" in page) is (mode != "off")


async def test_explain_tells_of_a_switch(stand: Stand) -> None:
    await halt(stand, "stop_entries")
    [told] = (await stand.explain(BUY))["subscriptions"]
    assert told["entry_refused"] == "halted"
    assert told["execution"]["state"] == "HALTED"


async def test_buttons_halt_and_let_go_on(stand: Stand) -> None:
    pages = {
        "tenant": "/halt/tenant",
        "connection": f"/halt/connections/con_{stand.subscriptions[0].connection_id.hex}",
        "strategy": f"/halt/strategies/str_{stand.strategy.id.hex}",
    }
    for scope, path in pages.items():
        asked = await asyncio.to_thread(stand.browse, f"{path}/flatten")
        assert "Flatten, then stop of" in asked
        await asyncio.to_thread(stand.browse, f"{path}/flatten", why="too wild")
        assert len(await _in_force(stand)) == 1
        await halt(stand, "off", scope)


async def test_limits_are_set_on_the_page_and_told(stand: Stand) -> None:
    connection = stand.subscriptions[0].connection_id
    path = f"/halt/limits/con_{connection.hex}"

    def post() -> str:
        client = stand.app.test_client()
        token = _token(client.get("/sign-in").text)
        client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "csrf_token": token})
        form = {"max_orders_per_minute": "3", "csrf_token": _token(client.get("/halt").text)}
        client.post(path, data=form)
        return client.get("/halt").text

    page = await asyncio.to_thread(post)
    assert 'value="3"' in page
    limits = await stand.inside(service.limits, [connection])
    assert limits[connection].now.max_orders_per_minute == 3
    assert [action for action, _ in audited(stand)] == ["limits:ask", "limits:set"]


async def test_the_api_halts_and_tells_what_is_left(stand: Stand) -> None:
    await outcome(stand, BUY)
    key = await stand.inside(lambda: add_test_key("test", ME))

    def call(method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        client = stand.app.test_client()
        answer = client.open(f"/api/v1{path}", method=method, headers=headers, json=body)
        return answer.status_code, answer.json

    async def ask(*asked: Any) -> tuple[int, Any]:
        return await asyncio.to_thread(call, *asked)

    connection = f"con_{stand.subscriptions[0].connection_id.hex}"
    halting = {"scope": "connection", "id": connection, "mode": "stop_all", "why": "too wild"}
    status, told = await ask("POST", "/switches", halting)
    assert status == 200
    assert (told["mode"], told["why"]) == ("stop_all", "too wild")
    assert [(u["instrument"], u["connection_id"]) for u in told["unprotected"]] == [
        ("AAPL", connection)
    ]
    status, listed = await ask("GET", "/switches")
    assert [each["id"] for each in listed["data"]] == [connection]
    [left] = listed["data"][0]["unprotected"]
    assert (left["instrument"], left["protected_quantity"]) == ("AAPL", "0")
    status, _ = await ask("POST", "/switches", {**halting, "id": f"con_{UUID(int=7).hex}"})
    assert status == 404
    status, wrong = await ask("POST", "/switches", {**halting, "mode": "panic"})
    assert (status, wrong["param"]) == (400, "mode")
    status, _ = await ask("POST", "/switches", {**halting, "mode": "off"})
    assert (await ask("GET", "/switches"))[1]["data"] == []

    status, _ = await ask("POST", "/limits", {"connection_id": connection, "max_position": "9"})
    assert status == 200
    status, limits = await ask("GET", "/limits")
    assert limits["data"][0]["now"]["max_position"] == "9"
    status, wrong = await ask("POST", "/limits", {"connection_id": connection, "max_position": "x"})
    assert (status, wrong["param"]) == (400, "max_position")


async def test_who_may_only_look_halts_nothing(stand: Stand) -> None:
    stand.owner.execute("ALTER TABLE web.members DISABLE TRIGGER keep_an_owner")
    stand.owner.execute("UPDATE web.members SET role = 'viewer'")
    asked = await asyncio.to_thread(stand.browse, "/halt/tenant/stop_all")
    assert "Only owners, admins and traders may send signals, close, halt" in asked
    await asyncio.to_thread(stand.browse, "/halt/tenant/stop_all", why="x")
    assert await _in_force(stand) == []


async def test_staff_halt_everybody_from_the_command_line(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    await outcome(stand, BUY)
    monkeypatch.setenv("DATABASE_URL", database.url("owner"))
    monkeypatch.setenv("FILLWIRE_EXECUTION_TARGET", f"127.0.0.1:{stand.kit.server.port}")

    async def run(*arguments: str) -> str:
        return (await asyncio.to_thread(CliRunner().invoke, main, ["halt", *arguments])).output

    assert "Left without a stop: 5 AAPL" in await run("stop-all", "--why", "wrong fills")
    assert await outcome(stand, EXIT) == ("HALTED", "halted")
    assert "platform: off" in await run("off", "--why", "right again")
    assert await outcome(stand, EXIT) == ("FILLED", None)
    assert [action for action, _ in audited(stand)] == ["switch:ask", "switch:set"] * 2


async def test_a_broker_that_staff_hold_opens_nothing_and_closes(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    assert await outcome(stand, BUY) == ("FILLED", None)
    monkeypatch.setenv("DATABASE_URL", database.url("owner"))
    monkeypatch.setenv("FILLWIRE_EXECUTION_TARGET", f"127.0.0.1:{stand.kit.server.port}")

    async def run(mode: str, broker: str) -> str:
        asked = ["halt", mode, "--on", f"broker:{broker}", "--why", "wrong fills there"]
        return (await asyncio.to_thread(CliRunner().invoke, main, asked)).output

    assert "broker:alpaca/live: stop entries" in await run("stop-entries", "alpaca/live")
    assert await outcome(stand, ADD) != ("HALTED", "halted")
    assert "broker:paper/paper: stop entries" in await run("stop-entries", "paper/paper")
    assert await outcome(stand, ADD) == ("HALTED", "halted")
    await turn(stand)
    page = await asyncio.to_thread(stand.browse, "/halt")
    assert "Fillwire has halted a broker that you are connected to" in page
    assert "Everything at paper paper, by Fillwire" in page
    assert "alpaca" not in page
    assert [s.scope for s in await _in_force(stand)] == ["broker"]
    assert await outcome(stand, EXIT) == ("FILLED", None)
    assert await outcome(stand, BUY) == ("HALTED", "halted")
    assert "broker:paper/paper: off" in await run("off", "paper/paper")
    await turn(stand)
    assert await outcome(stand, BUY) == ("FILLED", None)


async def _in_force(stand: Stand) -> Sequence[Switch]:
    return (await stand.inside(lambda: service.in_force(limit=50, cursor=None))).rows


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]
