"""One round trip stores a signal: same or new, in limit or not, current or stale."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests import factories
from tests.conftest import Database

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
BODY = b'{"ticker":"AAPL","action":"buy"}'


@dataclass
class Sender:
    """Calls accept_signal as web does, at times the test chooses."""

    owner: psycopg.Connection
    web: psycopg.Connection
    strategy: factories.Strategy

    def boot(self, last_seen: datetime, *, ended: datetime | None = None) -> UUID:
        """A web process that is dead now: nobody holds its lock."""
        boot_id = uuid4()
        self.owner.execute(
            "INSERT INTO web.boots (id, process, pid, started_at, last_seen_at, ended_at) "
            "VALUES (%s, 'web', 1, %s, %s, %s)",
            (boot_id, START - timedelta(hours=1), last_seen, ended),
        )
        return boot_id

    def living_boot(self) -> UUID:
        """A web process that lives: its lock is held."""
        boot_id = self.boot(START)
        self.owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (str(boot_id),))
        return boot_id

    def accept(
        self,
        after_seconds: float,
        boot: UUID,
        *,
        body: bytes = BODY,
        key: str | None = None,
        version: int = 1,
        limits: tuple[int, int] = (60, 500),
        reserved: bool = False,
        dedupe_seconds: int = 0,
    ) -> dict[str, Any]:
        at = START + timedelta(seconds=after_seconds)
        cursor = self.web.execute(
            "SELECT * FROM web.accept_signal(%s, %s, %s, 'traderspost', '', %b, %b, '{}', %s, %s, "
            "%s, %s, %s, %s, %s, %s)",
            (
                self.strategy.id,
                version,
                uuid4(),
                body,
                hashlib.sha256(body).digest(),
                key,
                reserved,
                *limits,
                dedupe_seconds,
                boot,
                at,
                at,
            ),
        )
        row = cursor.fetchone()
        assert row is not None and cursor.description is not None
        return dict(zip((column.name for column in cursor.description), row, strict=True))


@pytest.fixture
def sender(database: Database) -> Iterator[Sender]:
    with (
        psycopg.connect(database.url("owner"), autocommit=True) as owner,
        psycopg.connect(database.url("web"), autocommit=True) as web,
    ):
        yield Sender(owner, web, factories.strategy(owner))


# The process dies at START + died; the equal alert comes `apart` seconds after the first.
@pytest.mark.parametrize("apart", [0, 1, 5, 19, 61])
def test_killed_before_commit_an_equal_alert_is_new(sender: Sender, apart: float) -> None:
    sender.boot(START)  # it died without storing anything
    assert sender.accept(apart, sender.living_boot())["outcome"] == "NEW"


@pytest.mark.parametrize(
    ("apart", "outcome"), [(0, "SAME"), (1, "SAME"), (5, "SAME"), (19, "SAME"), (61, "NEW")]
)
def test_killed_after_commit_before_the_answer(sender: Sender, apart: float, outcome: str) -> None:
    dead = sender.boot(START)
    first = sender.accept(0, dead)
    again = sender.accept(apart, sender.living_boot())
    assert again["outcome"] == outcome
    assert (again["signal_id"] == first["signal_id"]) == (outcome == "SAME")


# The answer went out, the process died 1 s later: from outside it looks the same.
@pytest.mark.parametrize(
    ("apart", "outcome"), [(0, "SAME"), (1, "SAME"), (5, "SAME"), (19, "SAME"), (61, "NEW")]
)
def test_killed_just_after_the_answer(sender: Sender, apart: float, outcome: str) -> None:
    dead = sender.boot(START + timedelta(seconds=1))
    sender.accept(0, dead)
    assert sender.accept(apart, sender.living_boot())["outcome"] == outcome


@pytest.mark.parametrize("apart", [0, 1, 5, 19, 61])
def test_killed_long_after_the_answer_an_equal_alert_is_new(sender: Sender, apart: float) -> None:
    dead = sender.boot(START + timedelta(seconds=30), ended=START + timedelta(seconds=30))
    sender.accept(0, dead)
    assert sender.accept(apart, sender.living_boot())["outcome"] == "NEW"


@pytest.mark.parametrize("apart", [0, 1, 5, 19, 61])
def test_while_the_process_lives_equal_alerts_are_two_signals(sender: Sender, apart: float) -> None:
    living = sender.living_boot()
    sender.accept(0, living)
    assert sender.accept(apart, living)["outcome"] == "NEW"


@pytest.mark.parametrize(
    ("apart", "outcome"), [(0, "SAME"), (1, "SAME"), (5, "SAME"), (19, "SAME"), (61, "NEW")]
)
def test_after_a_503_of_unknown_outcome(sender: Sender, apart: float, outcome: str) -> None:
    living = sender.living_boot()
    sender.accept(0, living)
    sender.owner.execute(
        "INSERT INTO web.doubts (strategy_id, body_hash, at) VALUES (%s, %s, %s)",
        (sender.strategy.id, hashlib.sha256(BODY).digest(), START + timedelta(seconds=0.5)),
    )
    assert sender.accept(apart, living)["outcome"] == outcome


def test_a_clean_end_leaves_no_doubt(sender: Sender) -> None:
    ended = sender.boot(START, ended=START)
    sender.owner.execute("UPDATE web.boots SET clean = true WHERE id = %s", (ended,))
    sender.accept(0, ended)
    assert sender.accept(5, sender.living_boot())["outcome"] == "NEW"


def test_a_window_of_the_strategy_makes_equal_alerts_one(sender: Sender) -> None:
    living = sender.living_boot()
    sender.accept(0, living, dedupe_seconds=60)
    assert sender.accept(59, living, dedupe_seconds=60)["outcome"] == "SAME"
    assert sender.accept(61, living, dedupe_seconds=60)["outcome"] == "NEW"


def test_a_repeated_key_is_the_same_signal_for_7_days(sender: Sender) -> None:
    living = sender.living_boot()
    first = sender.accept(0, living, key="k")
    again = sender.accept(6 * 86400, living, key="k")
    assert (again["outcome"], again["signal_id"]) == ("SAME", first["signal_id"])
    assert sender.accept(7 * 86400 + 1, living, key="k")["outcome"] == "NEW"


def test_a_key_with_another_body_conflicts(sender: Sender) -> None:
    living = sender.living_boot()
    sender.accept(0, living, key="k")
    assert sender.accept(1, living, key="k", body=b"{}")["outcome"] == "CONFLICT"


def test_a_changed_strategy_is_stale_and_nothing_is_stored(sender: Sender) -> None:
    living = sender.living_boot()
    assert sender.accept(0, living, version=7)["outcome"] == "STALE"
    assert sender.accept(0, living)["seq"] == 1


def test_the_61st_in_a_minute_is_limited_until_the_minute_ends(sender: Sender) -> None:
    living = sender.living_boot()
    for second in range(60):
        assert sender.accept(second / 10, living)["outcome"] == "NEW"
    limited = sender.accept(18, living)
    assert (limited["outcome"], limited["retry_after_seconds"]) == ("LIMITED", 42)
    assert sender.accept(60, living)["outcome"] == "NEW"


def test_exits_have_an_allowance_of_their_own(sender: Sender) -> None:
    living = sender.living_boot()
    sender.accept(0, living, limits=(1, 1))
    assert sender.accept(1, living, limits=(1, 1))["outcome"] == "LIMITED"
    for _ in range(60):
        assert sender.accept(2, living, limits=(1, 1), reserved=True)["outcome"] == "NEW"
    assert sender.accept(3, living, limits=(1, 1), reserved=True)["outcome"] == "LIMITED"


def test_the_hour_limits_too(sender: Sender) -> None:
    living = sender.living_boot()
    sender.accept(0, living, limits=(60, 2))
    sender.accept(90, living, limits=(60, 2))
    limited = sender.accept(180, living, limits=(60, 2))
    assert (limited["outcome"], limited["retry_after_seconds"]) == ("LIMITED", 3600 - 180)


def test_seq_counts_without_gaps(sender: Sender) -> None:
    living = sender.living_boot()
    assert [sender.accept(n, living)["seq"] for n in range(5)] == [1, 2, 3, 4, 5]
