"""The activity page, its download and its Verify button."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.site.conftest import Site, Workspace
from tests.site.roles_kit import add_member, signed_in
from web import db
from web.audit import checking, trail, verify
from web.audit.checkpoints import Signer
from web.audit.sealing import RANGES_SECONDS, Sealer

KEY = b"k" * 32


@pytest.fixture
def seal(site: Site) -> Iterator[object]:
    """Seal and sign what there is, also signals."""
    with db.open_pool(site.database.url("worker"), size=1, name="test") as pool:

        def now() -> None:
            Sealer(pool, lambda: RANGES_SECONDS).turn()
            Signer(pool, KEY, []).turn()

        yield now


def rename(site: Site, whose: Workspace, name: str) -> None:
    path = f"/strategies/{whose.shown('strategy')}"
    assert site.api(whose, "PATCH", path, name=name)[0] == 200


def downloads(client: FlaskClient, folder: Path) -> list[str]:
    found = []
    for name in ("export", "checkpoint"):
        answer = client.get(f"/activity/{name}")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        found.append(str(folder / name))
        (folder / name).write_bytes(answer.data)
    return found


def verified(client: FlaskClient) -> str:
    """What the button says in the end, as a browser without scripts follows it."""
    path = "/activity/verify"
    while True:
        page = client.get(path)
        assert page.status_code == 200
        if "Go on" not in page.text:
            return page.text
        path = page.text.partition('id="verify"')[2].partition('hx-get="')[2].partition('"')[0]


def test_who_what_before_after_and_from_where_are_shown(site: Site) -> None:
    rename(site, site.ours, "One name")
    rename(site, site.ours, "Another <name>")
    page = site.signed_in(site.ours).get("/activity").text
    assert "<del>One name</del> → <ins>Another &lt;name&gt;</ins>" in page
    assert "strategy:change" in page
    assert "key test" in page
    assert "127.0.0.1" in page
    assert "session:open" in page
    assert site.ours.email in page
    assert site.theirs.email not in page


def test_addresses_are_for_those_who_answer_for_the_workspace(site: Site) -> None:
    rename(site, site.ours, "Seen by a viewer")
    page = signed_in(site, add_member(site, "viewer")).get("/activity").text
    assert "Seen by a viewer" in page
    assert "127.0.0.1" not in page


def test_filters_and_cursors_reach_every_entry_once(site: Site) -> None:
    for number in range(5):
        rename(site, site.ours, f"Name {number}")
    client = site.signed_in(site.ours)
    subject, seen = site.ours.shown("strategy"), []
    path = f"/activity?limit=2&action=strategy%3Achange&subject={subject}"
    while path:
        page = client.get(path).text
        seen += [part.partition("</ins>")[0] for part in page.split("<ins>")[1:]]
        older = page.partition('href="?cursor=')[2].partition('"')[0].replace("&amp;", "&")
        path = f"/activity?limit=2&cursor={older}" if older else ""
    assert seen[:5] == [f"Name {number}" for number in (4, 3, 2, 1, 0)]
    assert len(seen) == len(set(seen))
    assert "<ins>" not in client.get("/activity?action=nothing").text
    assert client.get("/activity?cursor=x").status_code == 400


def test_a_download_is_intact_for_whoever_checks_it(
    site: Site, seal: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rename(site, site.ours, "Sealed")
    seal()  # type: ignore[operator]
    files = downloads(site.signed_in(site.ours), tmp_path)
    assert verify.main(files) == 0
    assert "INTACT" in capsys.readouterr().out
    rows = [json.loads(line) for line in Path(files[0]).read_text().splitlines()]
    assert {row["chain"] for row in rows} == {site.ours.shown("tenant")}
    assert site.ours.email not in Path(files[0]).read_text()
    assert "127.0.0.1" not in Path(files[0]).read_text()
    assert any(row["ranges"] for row in rows if row["type"] == "seal")

    answer = site.client().get(
        "/api/v1/audit/export", headers={"Authorization": f"Bearer {site.ours.key}"}
    )
    assert answer.text.startswith(Path(files[0]).read_text())
    status, _ = site.api(site.ours, "GET", "/audit/checkpoint")
    assert status == 200


def test_the_verifier_that_is_handed_out_is_the_one_we_use(site: Site) -> None:
    given = site.signed_in(site.ours).get("/activity/verifier")
    assert given.data == Path(verify.__file__).read_bytes()


def test_verify_counts_the_entries_and_goes_on_by_itself(
    site: Site, seal: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        rename(site, site.ours, f"Verified {number}")
        seal()  # type: ignore[operator]
    client = site.signed_in(site.ours)
    seal()  # type: ignore[operator]
    count = site.owner.execute(
        "SELECT max(seq) FROM web.audit_places WHERE chain = %s", (site.ours.tenant_id,)
    ).fetchone()
    assert count is not None
    assert f"<b>{count[0]} entries intact</b>" in verified(client)
    # One page of the export a slice, and one seal a page.
    monkeypatch.setattr(checking, "SLICE_SECONDS", 0)
    monkeypatch.setattr(trail, "PAGE", 1)
    assert "Go on" in client.get("/activity/verify").text
    assert f"<b>{count[0]} entries intact</b>" in verified(client)
    assert client.get("/activity/verify?after=x").status_code == 400


def tampered(site: Site, table: str, statement: str, *values: object) -> str:
    """What Verify says after somebody with the owner's rights did this, and it was undone."""
    with psycopg.connect(site.database.owner) as owner:
        owner.execute(f"ALTER TABLE web.{table} DISABLE TRIGGER USER")
        owner.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM web.{table}")
        assert owner.execute(statement, values).rowcount == 1
        owner.commit()
        try:
            return verified(site.signed_in(site.ours))
        finally:
            where, column = {
                "audit_events": ("id", "actor"),
                "audit_seals": ("chain, number", "line"),
                "audit_places": ("chain, seq", "event_id"),
                "signals": ("id", "body"),
            }[table]
            owner.execute(
                f"INSERT INTO web.{table} OVERRIDING SYSTEM VALUE SELECT * FROM kept "
                f"ON CONFLICT ({where}) DO UPDATE SET {column} = excluded.{column}"
            )
            owner.execute(f"ALTER TABLE web.{table} ENABLE TRIGGER USER")
            owner.commit()


@pytest.mark.parametrize(
    ("table", "statement", "said"),
    [
        (
            "audit_events",
            "UPDATE web.audit_events SET actor = 'person:other' WHERE id = (SELECT event_id "
            "FROM web.audit_places WHERE chain = %s AND seq = 2)",
            "event 2 is not as it was sealed",
        ),
        (
            "audit_places",
            "DELETE FROM web.audit_places WHERE chain = %s AND seq = 2",
            # As the last of its seal, or with others behind it.
            "event 2 is missing|seal 1 covers other events",
        ),
        (
            "audit_seals",
            "DELETE FROM web.audit_seals WHERE chain = %s AND number = 1",
            " is missing",
        ),
        (
            "signals",
            "UPDATE web.signals SET body = body || ' ' WHERE tenant_id = %s",
            "one of the signals 1 to 1 of",
        ),
    ],
)
def test_verify_names_the_first_bad_row(
    site: Site, seal: object, table: str, statement: str, said: str
) -> None:
    for number in range(2):
        rename(site, site.ours, f"{table} {number} {uuid4()}")
    seal()  # type: ignore[operator]
    if table == "audit_seals":
        site.owner.execute("ALTER TABLE web.audit_checkpoints DISABLE TRIGGER USER")
        site.owner.execute("DELETE FROM web.audit_checkpoints")
        site.owner.execute("ALTER TABLE web.audit_checkpoints ENABLE TRIGGER USER")
    page = tampered(site, table, statement, site.ours.tenant_id)
    assert re.search(said, page.partition("Not intact")[2])
    assert "entries intact</b>" in verified(site.signed_in(site.ours))
