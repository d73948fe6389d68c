"""Keys that were typed into the real site are then looked for everywhere but in execution:
memory of every other process, Redis, logs, dumps, files. They are to be found nowhere.

A browser with script seals before it sends: of that, the memory of web is searched too. Without
script the secret comes through web, where everything of ours is overwritten, but the buffer that
the HTTP server received it in is only freed: its bytes stay until somebody uses it again. Of
those secrets every other place is searched; docs/secrets.md says what remains.
"""

import json
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote_plus
from uuid import uuid4

import grpc
import httpx
import psycopg
import pytest
import redis
from playwright.sync_api import sync_playwright
from psycopg import sql

from protos.paper.v1 import keys_pb2, keys_pb2_grpc
from tests.e2e.stack import Options, Stack
from web.ops import places, postgres, roles

STACK = Options()
CHROMIUM = Path("/usr/bin/chromium")
NEW = "/connections/new/paper_keys"
SEARCHED = ("web", "live", "worker", "relay", "redis")
CHUNK = 4 * 1024 * 1024
# As many as come in a second of an ordinary day.
OTHERS = 200


class Browser:
    """A person at the site."""

    def __init__(self, stack: Stack) -> None:
        demo = stack.ready["demo"]
        self.http = httpx.Client(base_url=stack.ready["web_url"], timeout=20)
        signed = self.post("/sign-in", email=demo["email"], password=demo["password"])
        assert signed.status_code == 302, signed.text

    def post(self, path: str, page: str = "/sign-in", **form: str) -> httpx.Response:
        """Send a form, with the token of a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.http.get(page).text)
        assert found is not None
        return self.http.post(path, data={"csrf_token": found[1], **form})


def add_second_factor(stack: Stack) -> None:
    """The demo's person has a passkey, once they are in."""
    with stack.database() as owner:
        owner.execute(
            "INSERT INTO web.passkeys (id, person_id, credential_id, public_key, sign_count, name) "
            "SELECT gen_random_uuid(), id, '', '', 0, 'Test key' FROM web.people"
        )


def issue(stack: Stack, account: str, *permissions: str) -> tuple[str, str]:
    """A key at the venue: its secret is the canary."""
    with grpc.insecure_channel(stack.ready["paper_target"]) as channel:
        made = keys_pb2_grpc.KeysStub(channel).IssueKey(
            keys_pb2.IssueKeyRequest(account=account, permissions=permissions), timeout=10
        )
    return made.key_id, made.secret


def spelled(secret: str) -> list[bytes]:
    """As it was typed, and as encoders may have left it."""
    raw = secret.encode()
    return [raw, b64encode(raw), raw.hex().encode(), quote_plus(secret).encode()]


class Planted:
    """What is looked for."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        # Those that a browser without script sent.
        self.came_plain: set[str] = set()

    def plant(self, what: str, key: tuple[str, str]) -> dict[str, str]:
        """Remember a secret; the fields as a browser without script sends them."""
        self.secrets[what] = key[1]
        self.came_plain.add(what)
        return {"typed.key_id": key[0], "typed.secret": key[1]}

    def found_in(self, content: bytes) -> list[str]:
        """Which of them are in there."""
        return [
            what
            for what, secret in self.secrets.items()
            if any(each in content for each in spelled(secret))
        ]


def with_script(stack: Stack, planted: Planted) -> None:
    """The same in a browser that seals before it sends, and what it sent."""
    demo, key = stack.ready["demo"], issue(stack, "CANARY3", "read", "trade")
    planted.secrets["sealed by script"] = key[1]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = running.new_page()
        page.set_default_timeout(30_000)
        sent: list[str] = []
        page.on("request", lambda asked: sent.append(asked.post_data or ""))
        page.goto(f"{stack.ready['web_url']}/sign-in")
        page.get_by_label("E-mail").fill(demo["email"])
        page.get_by_label("Password").fill(demo["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/strategies**")
        add_second_factor(stack)
        page.goto(stack.ready["web_url"] + NEW)
        page.wait_for_selector("form[data-sealing]")
        page.get_by_label("API key ID").fill(key[0])
        page.get_by_label("API secret").fill(key[1])
        page.get_by_role("button", name="Test keys").click()
        page.get_by_text("The keys work.").wait_for()
        page.get_by_label("Name").fill("By script")
        page.get_by_role("button", name="Connect CANARY3").click()
        page.get_by_text("is connected to CANARY3").wait_for()
        running.close()
    assert any("sealed=" in each for each in sent)
    assert not any("typed." in each for each in sent)
    assert planted.found_in("".join(sent).encode()) == []


@pytest.fixture(scope="module")
def planted(stack: Stack) -> Planted:
    """Keys that were tested, stored, replaced, refused, typed wrong, and used by a session."""
    browser, planted = Browser(stack), Planted()
    if CHROMIUM.exists():
        with_script(stack, planted)
    else:
        add_second_factor(stack)
    key = issue(stack, "CANARY1", "read", "trade")
    tested = browser.post(NEW, page="/connections", do="test", **planted.plant("stored", key))
    assert "The keys work." in tested.text, tested.text
    sealed = re.search(r'name="sealed" value="([^"]+)"', tested.text)
    assert sealed is not None
    made = browser.post(
        NEW, page="/connections", do="save", name="Canary", sealed=unescape(sealed[1])
    )
    assert made.status_code == 302, made.text
    page = made.headers["location"]
    _trade(stack, page.split("/")[2])
    other = planted.plant("replacing", issue(stack, "CANARY1", "read", "trade"))
    assert browser.post(page, page="/connections", do="save", **other).status_code == 302
    greedy = planted.plant("may withdraw", issue(stack, "CANARY2", "trade", "withdraw"))
    assert browser.post(NEW, page="/connections", do="test", **greedy).status_code == 400
    wrong = planted.plant("wrong", (key[0], f"{uuid4().hex}wrongone"))
    assert browser.post(NEW, page="/connections", do="test", **wrong).status_code == 400
    bad = planted.plant("bad form", (key[0], f"{uuid4().hex}badtoken"))
    assert browser.http.post(NEW, data={"csrf_token": "bad", **bad}).status_code == 400
    for number in range(OTHERS):
        browser.http.get("/connections" if number % 2 else "/strategies")
        browser.http.post(NEW, data={"csrf_token": "bad", "name": "x" * (100 + 10 * number)})
    browser.http.close()
    return planted


def _trade(stack: Stack, connection: str) -> None:
    """A session of the account: it logs in, and an order fills."""
    demo = stack.ready["demo"]
    joined = stack.api(
        "POST",
        "/subscriptions",
        json={
            "strategy_id": demo["strategy_id"],
            "connection_id": connection,
            "enabled": True,
            "settings": {"auto_submit": True},
        },
    )
    assert joined.status_code == 201, joined.text
    body = {"ticker": "AAPL", "action": "buy", "quantity": 1, "price": "228.40"}
    signal = stack.post(demo["webhook_url"], body).json()["id"]

    def filled() -> bool:
        return {t["state"] for t in stack.shown(signal)["trades"]} == {"FILLED"}

    stack.until(filled, 20, "fills on both connections")


def memory(pid: int) -> Iterator[bytes]:
    """What a process can write to, in pieces that overlap."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as held:
        for line in maps:
            span, may = line.split()[:2]
            if not may.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in span.split("-"))
            for at in range(start, end, CHUNK):
                try:
                    held.seek(at)
                    yield held.read(min(CHUNK + 256, end - at))
                except (OSError, OverflowError):
                    # A mapping of the kernel's, or one that went away meanwhile.
                    continue


def pids_of(stack: Stack, process: str) -> list[int]:
    found = list(stack.pids(process))
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split() if int(child) not in found]
    return found


@pytest.mark.parametrize("process", SEARCHED)
def test_no_other_process_has_a_secret_in_its_memory(
    stack: Stack, planted: Planted, process: str
) -> None:
    pids = pids_of(stack, process)
    assert pids
    if process == "web" and not CHROMIUM.exists():
        pytest.skip("no browser to seal with: `apt-get install chromium` to search web's memory")
    for pid in pids:
        try:
            found = {what for piece in memory(pid) for what in planted.found_in(piece)}
            found -= planted.came_plain if process == "web" else set()
        except PermissionError:
            pytest.skip("memory of other processes may not be read here: run it as their user")
        assert found == set(), f"pid {pid} of {process}"


def test_the_search_finds_what_is_there() -> None:
    planted, held = Planted(), f"canary-{uuid4().hex}"
    planted.plant("here", ("", held))
    try:
        assert any(planted.found_in(piece) for piece in memory(os.getpid()))
    except PermissionError:
        pytest.skip("memory of processes may not be read here")


def test_no_log_has_one(stack: Stack, planted: Planted) -> None:
    assert planted.found_in(stack.log_text().encode()) == []


def test_redis_has_none(stack: Stack, planted: Planted) -> None:
    with redis.Redis.from_url(stack.ready["redis_url"]) as client:
        names = list(client.scan_iter())
        content = b"".join(name + (client.dump(name) or b"") for name in names)
    assert planted.found_in(content) == []


def test_no_row_has_one_in_any_schema(stack: Stack, planted: Planted) -> None:
    with stack.database() as owner:
        tables = owner.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname IN ('web', 'execution', 'paper')"
        ).fetchall()
        assert len(tables) > 40
        for schema, table in tables:
            name = sql.Identifier(schema, table)
            rows = owner.execute(sql.SQL("SELECT t::text FROM {} t").format(name)).fetchall()
            assert planted.found_in("".join(row[0] for row in rows).encode()) == [], table


@pytest.mark.parametrize("role", ["owner", "web"])
def test_no_dump_has_one(stack: Stack, planted: Planted, role: str) -> None:
    tool = postgres.find(places.identity()) / "pg_dump"
    url = stack.ready["database_url"]
    asked = [str(tool), "--data-only", "--inserts"]
    if role == "web":
        # With the rights of web, and what these let it read.
        known = stack.data_dir / "state.json"
        password = re.search(r'"web": "([^"]+)"', known.read_text())
        assert password is not None
        url = roles.url_for(url, "fillwire_web", password[1])
        with psycopg.connect(url) as web:
            readable = web.execute(
                "SELECT format('--table=%s.%s', schemaname, tablename) FROM pg_tables WHERE "
                "schemaname IN ('web', 'execution', 'paper') "
                "AND has_schema_privilege(schemaname, 'usage') "
                "AND has_table_privilege(quote_ident(schemaname) || '.' || tablename, 'select')"
            ).fetchall()
        assert readable and not any("execution." in each for (each,) in readable)
        asked += [each for (each,) in readable] + [
            "--enable-row-security",
            "--exclude-table-data=*.*_seq",
        ]
    done = subprocess.run([*asked, url], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 1000
    assert planted.found_in(done.stdout) == []


def test_no_file_of_the_data_folder_has_one(stack: Stack, planted: Planted) -> None:
    unique = json.loads((stack.data_dir / "state.json").read_text())["unique"]
    folders = [stack.data_dir]
    for name in ("postgres", "redis"):
        place = places.data_folder(stack.data_dir / name, places.identity(), unique=unique)
        folders += [] if stack.data_dir in place.parents else [place]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in files)
    for path in files:
        assert planted.found_in(path.read_bytes()) == [], path
