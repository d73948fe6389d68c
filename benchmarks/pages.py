"""Every page and every answer of the API that reads, with 100,000 signals, trades and orders; then
again in a workspace of 11,000 connections, each with a subscription, a trade and a position.

The site is put together in this process, on the stack's database, so that what is measured is the
server's own time: from the request to the last byte, without a network. Beside the time on the
clock stands what processors did for it, here and in PostgreSQL, which others who use the machine
do not change.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from benchmarks import filling, machine, seed, stats, widening
from benchmarks.bench import Bench, Part, Row, ms, verdict
from protos import ids, memory
from web import config
from web.accounts import passwords
from web.admin import login
from web.app import create
from web.db import db
from web.ops import people, roles, state
from web.switches.rules import STOP_ALL

COUNT = 100_000
DAYS = 10.0
STRATEGIES = 20
WIDE = 11_000
ROUNDS = 20
# Of a slow page fewer.
LEAST_ROUNDS, MOST_SECONDS = 5, 3.0
BUDGET_MS = 200.0
# The slowest are told each; all are in the JSON.
TOLD = 12
STAFF = "/admin"
# Staff's lists: the filter of a workspace, and one that finds little.
FILTERS = {
    "signals": "flt0_account_is",
    "trades": "flt2_account_is",
    "orders": "flt4_account_is",
    "refusals": "flt1_account_is",
}
RARE = {"trades": "flt0_reason_is=daily_loss_hit", "orders": "flt2_status_is=REJECTED"}
# What is no page: whole trails and their proof, which take as long as they are, and files.
LEFT_OUT = {
    "asset", "static", "pages.healthz", "privacy.take_file", "activity.download",
    "activity.recompute", "activity.verifier", "activity.checkpoint", "api.export_trail",
    "staff_audit.download", "staff_audit.verify",
}  # fmt: skip
# What pages of a wide workspace are asked for: their searches, of which the last finds nothing.
SEARCHED = ("/connections", "/positions", "/halt", "/strategies", "/account/members",
    "/api/v1/connections", "/api/v1/positions")  # fmt: skip
SEARCHES = ("?limit=200", "?q=beside", "?q=nowhere-to-be-found")
SIGNED_OUT = ("/sign-", "/reset", "/signup", "/admin/sign-", "/admin/second", "/invitations")


@dataclass(frozen=True)
class Took:
    """One page's requests, in milliseconds."""

    path: str
    status: int
    clock: list[float]
    processor: float

    @property
    def p95(self) -> float:
        """What one in twenty exceeds."""
        return stats.percentile(self.clock, 0.95)


def measure(bench: Bench) -> Part:
    """Fill one workspace, ask for everything there is to see; widen it, and ask again."""
    signal_id = _fill(bench, COUNT // 10 if bench.quick else COUNT)
    app = _site(bench)
    # As the web process does.
    memory.settle()
    clients = {"tenant": _signed_in(bench, app), "staff": _staff(bench, app)}
    count = bench.count("SELECT count(*) FROM web.signals")
    known = _known(bench, signal_id)
    deep = _asked(bench, _pages(app, known), clients)
    part = _part(deep, f"with {count:,} signals", "pages")
    widen(bench, signal_id, WIDE // 10 if bench.quick else WIDE)
    count = bench.count("SELECT count(*) FROM web.connections")
    known = _known(bench, signal_id)
    wide = _asked(bench, wide_pages(app, known), clients)
    of_wide = _part(wide, f"with {count:,} connections", "wide_pages")
    for engine in _engines(app):
        engine.dispose()
    return Part(
        "pages",
        rows=[*part.rows, *of_wide.rows],
        figures={**part.figures, **of_wide.figures},
        notes=[*part.notes, *of_wide.notes],
    )


def _asked(bench: Bench, paths: Iterable[str], clients: Mapping[str, FlaskClient]) -> list[Took]:
    rounds = 5 if bench.quick else ROUNDS
    return [_ask(bench, each, rounds, clients) for each in paths]


def _part(found: Sequence[Took], where: str, name: str) -> Part:
    """What came of them, in one line; the slowest below it."""
    asked = [took for took in found if took.status == 200]
    slowest = sorted(asked, key=lambda took: took.p95, reverse=True)
    worst = slowest[0]
    dear = max(asked, key=lambda took: took.processor)
    row = Row(
        f"{len(asked)} pages {where}, server time, p95 of the slowest",
        f"{ms(worst.p95)} ({worst.path})",
        f"most processor time {ms(dear.processor)} ({dear.path})",
        f"<= {BUDGET_MS:.0f} ms",
        verdict(worst.p95, BUDGET_MS),
    )
    figures = {
        took.path: {
            "status": took.status,
            "p50_ms": stats.middle(took.clock),
            "p95_ms": took.p95,
            "processor_ms": took.processor,
        }
        for took in found
    }
    notes = [
        f"{where}, {took.path}: p50 {ms(stats.middle(took.clock))}, p95 {ms(took.p95)}, "
        f"processors {ms(took.processor)}"
        for took in slowest[:TOLD]
    ]
    return Part("pages", rows=[row], figures={name: figures}, notes=notes)


def widen(bench: Bench, signal_id: UUID, count: int) -> None:
    """Make the workspace wide as well."""
    key = people.sealing_key(bench.stack.data_dir)
    widening.widen(bench.owner, bench.strategies[0], signal_id, count=count, sealing_key=key)


def wide_pages(app: Flask, known: Mapping[str, UUID]) -> Iterator[str]:
    """A customer's pages, their next ones among them, and searches."""
    for path in _pages(app, {**known, "mode": STOP_ALL}):
        if not path.startswith(STAFF):
            yield path
            if path in SEARCHED:
                yield from (f"{path}{more}" for more in SEARCHES)
    held = f"connection_id={ids.show('connection', known['connection'])}&instrument=AAPL"
    yield f"/positions/close?{held}"
    signal = ids.show("signal", known["signal"])
    yield f"/strategies/{ids.show('strategy', known['strategy'])}/tester?signal={signal}"
    yield f"/signals/{signal}?state=REJECTED"
    yield f"/api/v1/signals/{signal}?expand=trades"
    yield "/api/v1/signals?expand=trades"


def _fill(bench: Bench, count: int) -> UUID:
    """The newest signal of a long history."""
    strategies = bench.strategies[:STRATEGIES]
    seed.subscribe(bench.owner, strategies, each=1)
    body = {"ticker": "AAPL", "action": "buy", "quantity": 1, "price": "228.40"}
    answer = bench.stack.post(bench.webhooks[0], body).json()
    signal_id = ids.read("signal", answer["id"])
    assert signal_id is not None
    bench.stack.until(
        lambda: bool(
            bench.count(
                "SELECT count(*) FROM web.fills f JOIN web.trades t ON t.id = f.trade_id "
                "WHERE t.signal_id = %s",
                signal_id,
            )
        ),
        60,
        "the first signal is filled",
    )
    filling.fill(bench.owner, strategies, signal_id, count=count, days=DAYS)
    return signal_id


def _site(bench: Bench) -> Flask:
    """The site, with the roles and keys of the stack's own."""
    known, ready = state.load(bench.stack.data_dir), bench.stack.ready

    def url(name: str) -> str:
        role = roles.RUNTIME[name][0]
        return roles.url_for(ready["database_url"], role, known.passwords[name])

    return create(
        config.read(
            {
                "FILLWIRE_WEB_DATABASE_URL": url("web"),
                "FILLWIRE_STAFF_DATABASE_URL": url("staff"),
                "REDIS_URL": ready["redis_url"],
                "FILLWIRE_EXECUTION_TARGET": ready["grpc_target"],
                "FILLWIRE_DATA_DIR": str(bench.stack.data_dir),
                "FILLWIRE_WEB_URL": "http://localhost",
                "FILLWIRE_SECRET_KEY": known.secret_key,
                "FILLWIRE_SEALING_KEY": known.sealing_key,
            }
        )
    )


def _signed_in(bench: Bench, app: Flask) -> FlaskClient:
    demo, client = bench.stack.ready["demo"], app.test_client()
    page = client.get("/sign-in").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"email": demo["email"], "password": demo["password"], "csrf_token": token}
    assert client.post("/sign-in", data=form).status_code == 302
    return client


def _staff(bench: Bench, app: Flask) -> FlaskClient:
    """A browser of one of staff, whose second factor was shown."""
    token, staff_id = passwords.new_token(), ids.new()
    bench.owner.execute(
        "INSERT INTO web.staff (id, email, role, password_hash) VALUES (%s, %s, 'owner', '')",
        (staff_id, f"{staff_id.hex}@bench.example"),
    )
    bench.owner.execute(
        "INSERT INTO web.staff_sessions (id, token_hash, staff_id, expires_at, pending, enrols, "
        "device, address) VALUES (%s, %s, %s, now() + interval '1 hour', false, false, '', '')",
        (ids.new(), passwords.hash_token(token), staff_id),
    )
    client = app.test_client()
    client.set_cookie(login.COOKIE, token)
    return client


def _known(bench: Bench, signal_id: UUID) -> Mapping[str, UUID]:
    """An id of each kind that paths name."""
    row = bench.owner.execute(
        "SELECT t.tenant_id, t.strategy_id, t.subscription_id, t.connection_id, t.id, "
        "(SELECT o.id FROM web.orders o WHERE o.trade_id = t.id LIMIT 1) "
        "FROM web.trades t WHERE t.signal_id = %s",
        [signal_id],
    ).fetchone()
    assert row is not None
    kinds = ("tenant", "strategy", "subscription", "connection", "trade", "order")
    return {**dict(zip(kinds, row, strict=True)), "signal": signal_id}


def _pages(app: Flask, known: Mapping[str, Any]) -> Iterator[str]:
    """Every path that reads, as far as its ids are known; and what lists are asked for."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" not in (rule.methods or ()) or rule.endpoint in LEFT_OUT:
            continue
        path = _path(rule, known)
        if path is None or path.startswith(SIGNED_OUT):
            continue
        yield path
        name = path.removeprefix(f"{STAFF}/").rstrip("/")
        if name in FILTERS:
            account = f"{FILTERS[name]}={ids.show('tenant', known['tenant'])}"
            yield from (f"{path}?window=all", f"{path}?window=all&page=99")
            yield f"{path}?window=all&{account}"
            yield f"{path}?window=week&{RARE.get(name, account)}"


def _path(rule: Rule, known: Mapping[str, Any]) -> str | None:
    """The rule with ids in it; None where it asks for something else."""
    given = {name: known.get(name.removesuffix("_id")) for name in rule.arguments}
    if None in given.values():
        return None
    built = rule.build(given)
    return None if built is None else built[1]


def _ask(bench: Bench, path: str, rounds: int, clients: Mapping[str, FlaskClient]) -> Took:
    """The page again and again; the first times are not counted."""
    client = clients["staff" if path.startswith(STAFF) else "tenant"]
    headers = {}
    if path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {bench.stack.ready['demo']['api_key']}"}

    def get() -> Any:
        return client.get(path, headers=headers)

    for _ in range(2):
        answer = get()
    pids = _backends(bench)
    clock: list[float] = []
    postmaster = bench.stack.pids("postgres")[0]
    there, here = _used(pids, postmaster), time.process_time()
    ends_at = time.monotonic() + MOST_SECONDS
    while len(clock) < rounds and (len(clock) < LEAST_ROUNDS or time.monotonic() < ends_at):
        began = time.perf_counter()
        answer = get()
        _ = answer.data
        clock.append((time.perf_counter() - began) * 1000)
    used = time.process_time() - here + _used(pids, postmaster) - there
    return Took(path, answer.status_code, clock, used * 1000 / len(clock))


def _backends(bench: Bench) -> list[int]:
    """PostgreSQL's processes that answer the site."""
    rows = bench.owner.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename IN ('fillwire_web', 'fillwire_staff')"
    )
    return [row[0] for row in rows.fetchall()]


def _used(pids: list[int], postmaster: int) -> float:
    """With what helped them in parallel, which is gone by now."""
    own = sum(machine.processor_seconds(pid) for pid in pids)
    return own + machine.ended_children_seconds(postmaster)


def _engines(app: Flask) -> list[Any]:
    with app.app_context():
        return list(db.engines.values())
