"""The scanners' own judgement: what was read, what was tried, and what counts as an answer."""

from collections import Counter
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.security import dynamic, gate, static
from tests.security.found import Found
from tests.security.gate import Gate, Visitor
from web import whole

KNOWN: dict[str, Any] = {"B101": {"why": "x"}, "B608": {"why": "x", "places": {"a.py": 1}}}


def said(rule: str, path: str) -> dict[str, Any]:
    return {"test_id": rule, "filename": path}


def test_what_bandit_says_anew_is_unread() -> None:
    once = [said("B101", "b.py"), said("B608", "a.py")]
    assert static._unread(once, KNOWN) == []
    assert len(static._unread([*once, said("B608", "a.py")], KNOWN)) == 2
    assert static._unread([said("B608", "b.py")], KNOWN) == [said("B608", "b.py")]
    assert static._unread([said("B301", "a.py")], KNOWN) == [said("B301", "a.py")]


def test_what_bandit_says_no_more_is_taken_out_of_the_list() -> None:
    assert static._gone([said("B608", "a.py")], KNOWN) == []
    assert len(static._gone([], KNOWN)) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200), "200"),
        (httpx.Response(302, headers={"Location": "/strategies"}), "302"),
        (httpx.Response(302, headers={"Location": "/sign-in?next=/x"}), gate.SIGNED_OUT),
        (httpx.Response(401), gate.SIGNED_OUT),
        (httpx.Response(429), gate.SLOWED),
        (httpx.Response(400, content=b"<h1>This form has expired</h1>"), gate.STALE),
        (httpx.Response(400), "400"),
    ],
)
def test_an_answer_that_shows_nothing_has_a_name(answer: httpx.Response, kind: str) -> None:
    assert gate._kind(Visitor(), answer) == kind


def test_a_token_that_the_demo_gave_is_known_again() -> None:
    with closing(Gate("http://127.0.0.1:9")) as door:
        door.tokens |= door.tokens_in(b'<input type="hidden" name="csrf_token" value="given.one">')
        assert door.gave(b"name=x&csrf_token=given.one")
        assert not door.gave(b"name=x&csrf_token=given.one%27%20AND%201")
        assert not door.gave(b"name=x")


def test_a_tool_that_was_signed_out_or_hardly_began_has_tried_nothing() -> None:
    assert dynamic._untried(Counter({"200": 40}), 20) == []
    assert dynamic._untried(Counter({"200": 40, gate.SIGNED_OUT: 1}), 20)
    assert dynamic._untried(Counter({"200": 400, gate.SIGNED_OUT: 3}), 20) == []
    assert dynamic._untried(Counter({"200": 400, gate.STALE: 30}), 20)
    assert dynamic._untried(Counter({"200": 400, gate.PLAYED: 30}), 20) == []
    assert dynamic._untried(Counter({"200": 40, gate.SLOWED: 9}), 20)
    assert dynamic._untried(Counter({"200": 40, gate.SLOWED: 9}), 20, slows=True) == []
    assert dynamic._untried(Counter({"200": 3}), 20)
    assert dynamic._untried(Counter({"200": 40}), 20, renewed=10)


def test_a_guess_that_sqlmap_takes_back_is_no_verdict() -> None:
    guess = "URI parameter '#2*' appears to be 'PostgreSQL > 8.1 AND time-based blind' injectable"
    taken_back = f"{guess}\nfalse positive or unexploitable injection point detected"
    assert not dynamic._INJECTED.search(taken_back)
    verdict = "sqlmap identified the following injection point(s) with a total of 61 HTTP(s)"
    assert dynamic._INJECTED.search(f"{guess}\n{verdict}")


def test_a_run_that_reached_nothing_is_bad_though_nothing_was_found() -> None:
    assert not Found("x", "y", 0, 7).bad
    assert Found("x", "y", 0, invalid=("signed out",)).bad
    assert Found("x", "y", 0, 1, unread=1).bad
    assert Found("x", "y", 1).bad


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("200", 200), ("٣", 3), ("201", None), ("²", None)]
    + [pytest.param("9" * 5000, None, id="5000 digits")]
    + [(bad, None) for bad in ("", "-1", "1.0", " 1", "1e2", "0x1")],
)
def test_a_whole_number_has_an_upper_end(text: str, number: int | None) -> None:
    assert whole.read(text, most=200) == number
