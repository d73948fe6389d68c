"""A person leaves words wherever one can, is erased, and none of them is found anywhere."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e import planted
from tests.e2e.stack import ROOT, Options, Stack
from tests.soft_passkey import SoftPasskey
from web.accounts import passwords
from web.audit import verify

STACK = Options(environ={"FILLWIRE_TRUSTED_PROXIES": "1"})
PASSWORD = "liberty plank oyster"
SEALED_SECONDS = 75
# The checkpoint of a chain's newest seal.
SIGNED = """
    SELECT c.line FROM web.audit_checkpoints c WHERE c.chain = %s
    AND c.number = (SELECT max(s.number) FROM web.audit_seals s WHERE s.chain = c.chain)
"""
COUNTED = ("web.trades", "web.orders", "web.fills", "web.positions", "execution.facts")


def word(name: str) -> str:
    """Something that stands nowhere else."""
    return f"plant{name}{uuid4().hex[:8]}"


# Each is written where its name says.
NAMES = """person name workspace strategy renamed connection key passkey connector message unknown
extra idempotency refused refusedvalue whytenant whystrategy whyoff agent secondagent query path
referrer stopped stranger invited kind tag logged note requested staffwhy"""
WORDS = {name: word(name) for name in NAMES.split()}
ADDRESSES = {
    "signup": "198.51.100.23",
    "signin": "203.0.113.77",
    "wrong": "2001:db8:77::5",
    "second": "198.51.100.199",
    "typed": "192.0.2.55",
    "network": "192.0.2.128/25",
}
EMAIL = f"{WORDS['person']}@people.test"
PLANTS = [EMAIL, *WORDS.values(), *ADDRESSES.values()]
# Asked with and never kept; and of what has changed since, only the trail knows, sealed.
PASSING = {WORDS[name] for name in ("query", "path", "referrer", "stranger", "kind")}
SEALED = {WORDS[name] for name in ("strategy", "whystrategy")}


@dataclass
class Browser:
    """Somebody's browser, behind the proxy."""

    site: str
    address: str
    agent: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"User-Agent": f"{self.agent}/1.0", "X-Forwarded-For": self.address}
        self.client = httpx.Client(base_url=self.site, headers=headers, timeout=15)

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
        assert found is not None, page
        return found[1]

    def post(self, path: str, *, page: str, **form: str) -> httpx.Response:
        return self.client.post(path, data={"csrf_token": self.token(page), **form})


@dataclass
class Left:
    """What a person left, and their workspace."""

    stack: Stack
    person: Any = None
    tenant: Any = None
    webhook: str = ""
    browsers: list[httpx.Client] = field(default_factory=list)
    key: str = field(default_factory=lambda: f"fw_test_{passwords.new_token()}")

    def __post_init__(self) -> None:
        self.site = str(self.stack.ready["web_url"]).replace("127.0.0.1", "localhost")

    def close(self) -> None:
        for client in self.browsers:
            client.close()

    def browser(self, address: str, agent: str) -> Browser:
        found = Browser(self.site, address, agent)
        self.browsers.append(found.client)
        return found

    def one(self, statement: str, *values: Any) -> Any:
        with self.stack.database() as owner:
            row = owner.execute(statement, values).fetchone()
        return row[0] if row else None

    def do(self, statement: str, *values: Any) -> None:
        with self.stack.database() as owner:
            owner.execute(statement, values)

    def api(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = httpx.request(
            method,
            f"{self.site}/api/v1{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.key}", "X-Forwarded-For": "198.51.100.23"},
            timeout=15,
        )
        assert answer.status_code < 300, (path, answer.text)
        return dict(answer.json()) if answer.content else {}

    def signal(self, body: object, **headers: str) -> httpx.Response:
        given = {"Content-Type": "application/json", "X-Forwarded-For": "192.0.2.55", **headers}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.webhook, content=content, headers=given, timeout=15)


def sign_up(left: Left) -> Browser:
    browser = left.browser(ADDRESSES["signup"], WORDS["agent"])
    form = {"email": EMAIL, "password": PASSWORD, "timezone": "Asia/Tokyo"}
    # Two of them: whoever confirms second is told by the database whose the address is.
    twin = left.browser(ADDRESSES["signup"], WORDS["agent"])
    assert twin.post("/signup", page="/signup", **form).status_code == 302
    assert browser.post("/signup", page="/signup", **form).status_code == 302
    links = re.findall(r"http://[^/\s]+(/\S+)", "\n".join(mails(left, 2)))
    for link, expected in zip(links[::-1], (302, 400), strict=True):
        answer = browser.post(link, page="/account/security")
        assert (answer.status_code == 302) == (expected == 302), answer.text
    left.person = left.one(
        "SELECT id FROM web.people WHERE email = %s AND confirmed_at IS NOT NULL", EMAIL
    )
    left.tenant = left.one("SELECT tenant_id FROM web.members WHERE person_id = %s", left.person)
    return browser


def mails(left: Left, count: int) -> list[str]:
    with left.stack.database() as owner:
        rows = owner.execute(
            "SELECT body FROM web.mails WHERE recipient = %s ORDER BY created_at", (EMAIL,)
        ).fetchall()
    assert len(rows) == count
    return [body for (body,) in rows]


def leave_at_the_door(left: Left, browser: Browser) -> None:
    """Sessions, tries, a passkey, a reset, pages with words in their addresses."""
    options = browser.post("/passkeys/create", page="/account/security").json()
    made = SoftPasskey(left.site).create(options)
    browser.post(
        "/account/security/passkeys",
        page="/account/security",
        credential=made,
        name=WORDS["passkey"],
    )
    wrong = left.browser(ADDRESSES["wrong"], WORDS["secondagent"])
    assert wrong.post("/sign-in", page="/sign-in", email=EMAIL, password="no").status_code == 401
    unknown = f"{WORDS['stranger']}@people.test"
    wrong.post("/sign-in", page="/sign-in", email=unknown, password="no")
    wrong.post("/reset", page="/reset", email=EMAIL)
    for address in (ADDRESSES["signin"], ADDRESSES["second"]):
        other = left.browser(address, WORDS["secondagent"])
        answer = other.post("/sign-in", page="/sign-in", email=EMAIL, password=PASSWORD)
        assert answer.status_code == 302
    browser.client.get(f"/activity?actor={WORDS['query']}")
    browser.client.get(f"/signals/{WORDS['path']}")
    browser.client.get("/strategies", headers={"Referer": f"http://{WORDS['referrer']}.test/"})
    browser.client.post(f"/api/v1/{WORDS['path']}", content=b"{")
    friend = f"{WORDS['invited']}@friends.test"
    at = "/account/members"
    invited = browser.post(f"{at}/invitations", page=at, email=friend, role="viewer")
    assert invited.status_code == 302, invited.text
    left.do("UPDATE web.people SET name = %s WHERE id = %s", WORDS["name"], left.person)
    left.do("UPDATE web.tenants SET name = %s WHERE id = %s", WORDS["workspace"], left.tenant)
    left.do(
        "INSERT INTO web.api_keys (id, tenant_id, name, prefix, key_hash, mode) "
        "VALUES (%s, %s, %s, 'fw_test_', %s, 'test')",
        uuid4(),
        left.tenant,
        WORDS["key"],
        passwords.hash_token(left.key),
    )


def leave_while_trading(left: Left) -> None:
    """A strategy that trades, messages that are taken and refused, halts with reasons."""
    strategy = left.api("POST", "/strategies", name=WORDS["strategy"], asset_class="stocks")
    at = f"/strategies/{strategy['id']}"
    connection = left.api("POST", "/connections", name=WORDS["connection"])
    left.api(
        "POST",
        "/subscriptions",
        strategy_id=strategy["id"],
        connection_id=connection["id"],
        enabled=True,
    )
    typed = [ADDRESSES["typed"], ADDRESSES["network"]]
    left.webhook = strategy.get("webhook_url") or left.api("GET", f"{at}/webhook")["url"]
    left.api("PATCH", f"{at}/webhook", senders="addresses", addresses=typed)
    left.api("PATCH", at, name=WORDS["renamed"])
    coins = left.api("POST", "/strategies", name="Coins", asset_class="crypto")
    drawn = left.api(
        "POST",
        f"/strategies/{coins['id']}/connector",
        name=WORDS["connector"],
        instrument="BTCUSDT",
        leverage_convention="apply",
        leverage="3",
    )
    message = {"ticker": "AAPL", "action": "buy", "quantity": 5, "price": "228.40"}
    said = {"extras": {"message": WORDS["message"], "note": f"{WORDS['extra']} {EMAIL}"}}
    headers = {
        "Idempotency-Key": WORDS["idempotency"],
        "Content-Type": f"text/{WORDS['kind']}; {WORDS['kind']}",
    }
    taken = left.signal({**message, **said, WORDS["unknown"]: EMAIL}, **headers)
    assert taken.status_code == 200, taken.text
    for body in (
        b'{"ticker": "AAPL", "action": "buy", "note": "%s"' % WORDS["refused"].encode(),
        {**message, "quantity": WORDS["refusedvalue"]},
    ):
        assert left.signal(body).status_code == 400
    approve(left)
    left.stack.until(
        lambda: left.one("SELECT count(*) FROM web.fills f WHERE f.tenant_id = %s", left.tenant),
        15,
        "the fill",
    )
    leave_names_of_orders(left, coins["id"], connection["id"], drawn)
    for scope, subject, why in (
        ("connection", connection["id"], WORDS["staffwhy"]),
        ("tenant", f"ten_{left.tenant.hex}", WORDS["whytenant"]),
        ("strategy", strategy["id"], WORDS["whystrategy"]),
    ):
        left.api("POST", "/switches", scope=scope, id=subject, mode="stop_entries", why=why)
    # One that a switch stops tells of the switch.
    assert left.signal({**message, "extras": {"message": WORDS["stopped"]}}).status_code == 200
    left.stack.until(
        lambda: left.one(
            "SELECT count(*) FROM web.trades WHERE tenant_id = %s AND state = 'SKIPPED'",
            left.tenant,
        ),
        15,
        "the trade that was stopped",
    )
    left.api(
        "POST",
        "/switches",
        scope="strategy",
        id=strategy["id"],
        mode="off",
        why=WORDS["whyoff"],
    )


def approve(left: Left) -> None:
    """Let the one trade that waits go."""
    waits = "SELECT id FROM web.trades WHERE tenant_id = %s AND state = 'WAITING_APPROVAL'"
    left.stack.until(lambda: left.one(waits, left.tenant), 15, "the trade")
    left.api("POST", f"/trades/trd_{left.one(waits, left.tenant).hex}/approve")


def leave_names_of_orders(
    left: Left, strategy: str, connection: str, connector: dict[str, Any]
) -> None:
    """A sender's own name for its order, which it cancels by that name."""
    left.api("POST", "/subscriptions", strategy_id=strategy, connection_id=connection, enabled=True)
    named = {name: connector[name] for name in ("connectorName", "connectorToken")}
    for action in ("buy", "cancel"):
        said = {"clientOrderId": WORDS["tag"], "log": WORDS["logged"], "fixed": "1"}
        answer = httpx.post(
            f"{left.site}/trading-signal/webhook", json={**named, "action": action, **said}
        )
        assert (answer.status_code, answer.text) == (200, "ok")
        if action == "buy":
            approve(left)
    went = (
        "SELECT count(*) FROM web.trades WHERE tenant_id = %s AND signal ? 'client_tag' "
        "AND planned_at IS NOT NULL"
    )
    left.stack.until(lambda: left.one(went, left.tenant) == 2, 15, "the named orders")


def leave_with_staff(left: Left) -> None:
    """What staff wrote of them."""
    staff = left.one(
        "INSERT INTO web.staff (id, email, role) VALUES (gen_random_uuid(), 's@staff.test', "
        "'support') RETURNING id"
    )
    left.do(
        "INSERT INTO web.staff_notes (tenant_id, staff_id, note) VALUES (%s, %s, %s)",
        left.tenant,
        staff,
        f"{WORDS['note']} called",
    )
    left.do(
        "INSERT INTO web.staff_requests (id, kind, subject_id, reason, asked_by) "
        "VALUES (gen_random_uuid(), 'reset_second_factor', %s, %s, %s)",
        left.person,
        f"{WORDS['requested']} lost the phone",
        staff,
    )
    left.do(
        "UPDATE execution.switches SET set_by = 'staff:test' WHERE value ->> 'why' = %s",
        WORDS["staffwhy"],
    )


def sealed(left: Left) -> bool:
    """Whether what was sent and traded is in the chain."""
    return bool(
        left.one(
            "SELECT count(*) > 1 FROM web.audit_seals s, jsonb_array_elements(s.line::jsonb -> "
            "'ranges') r WHERE s.chain = %s",
            left.tenant,
        )
    ) and not left.one("SELECT count(*) FROM web.audit_heads WHERE sealed_seq < seq")


def counts(left: Left) -> dict[str, int]:
    return {table: left.one(f"SELECT count(*) FROM {table}") for table in COUNTED}


def command(left: Left, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", *arguments, "--data-dir", str(left.stack.data_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def judged(left: Left, folder: Path, chain: str, checkpoint: str) -> int:
    export, kept = folder / f"{chain}.jsonl", folder / f"{chain}.checkpoint"
    export.write_text(command(left, "export-audit", chain))
    kept.write_text(checkpoint)
    return verify.main([str(export), str(kept)])


@pytest.mark.timeout(400)
def test_nothing_that_tells_who_they_were_is_left_and_the_trail_is_whole(
    stack: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert len(PLANTS) >= 30
    left = Left(stack)
    request.addfinalizer(left.close)
    leave_at_the_door(left, sign_up(left))
    leave_while_trading(left)
    leave_with_staff(left)
    command(left, "person", "export", EMAIL, str(tmp_path / "theirs.zip"))
    # A relay seals ranges, and signs, once a minute and as it begins.
    stack.restart("relay")
    left.stack.until(lambda: sealed(left), SEALED_SECONDS, "the seal of all of it")
    stack.restart("relay")
    chain = f"ten_{left.tenant.hex}"
    left.stack.until(lambda: left.one(SIGNED, left.tenant), SEALED_SECONDS, "a checkpoint")
    witness, before = left.one(SIGNED, left.tenant), counts(left)
    found = planted.hits(planted.in_database(stack), PLANTS)
    assert {each for each, places in found.items() if not places} == PASSING | SEALED

    assert "Erased." in command(left, "person", "erase", EMAIL, "--yes")

    # What happens a moment later brings nothing back.
    assert left.signal({"ticker": "AAPL", "action": "buy"}).status_code == 404
    left.stack.until(lambda: sealed(left), SEALED_SECONDS, "the seal of the erasure")
    found = planted.hits(planted.kept(stack), PLANTS)
    assert {each: places for each, places in found.items() if places} == {}
    after = counts(left)
    assert all(after[table] >= before[table] > 0 for table in COUNTED)
    assert judged(left, tmp_path, chain, witness) == 0
    removed = "SELECT count(*) FROM web.emptied_signals WHERE tenant_id = %s"
    assert left.one(removed, left.tenant) == 4
