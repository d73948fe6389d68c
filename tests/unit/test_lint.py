"""`fillwire lint`: any bytes get a verdict, never a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from web import cli

GOOD = '{"ticker":"AAPL","action":"buy","quantity":"5"}'


def lint(*arguments: str, stdin: bytes = b"") -> tuple[Result, list[dict[str, Any]]]:
    result = CliRunner().invoke(cli.main, ["lint", *arguments], input=stdin)
    return result, [json.loads(line) for line in result.output.splitlines()]


def test_a_good_file_is_shown_as_it_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(GOOD)
    result, [verdict] = lint(str(file))
    assert result.exit_code == 0
    assert verdict == {
        "line": 1,
        "accepted": True,
        "code": None,
        "field": None,
        "message": None,
        "fix": None,
        "warnings": [],
        "signal": {
            "dialect": "traderspost",
            "ticker": "AAPL",
            "instrument": "AAPL",
            "action": "buy",
            "quantity": "5",
        },
    }


def test_each_line_of_jsonl_is_a_message_and_one_refusal_fails_the_run() -> None:
    lines = [GOOD, "", '{"ticker":"AAPL","action":"hold"}', "buy", '{"ticker":"A","action":"exit"}']
    result, verdicts = lint("--jsonl", "-", stdin="\r\n".join(lines).encode())
    assert result.exit_code == 1
    assert [(v["line"], v["code"]) for v in verdicts] == [
        (1, None),
        (3, "invalid-action"),
        (4, "malformed-json"),
        (5, None),
    ]
    assert verdicts[1]["fix"] and verdicts[1]["field"] == "action"


def test_a_file_without_jsonl_is_one_message_however_many_lines_it_has() -> None:
    result, [verdict] = lint("-", stdin=b'{\n  "ticker": "AAPL",\n  "action": "buy",\n}\n')
    assert result.exit_code == 1
    assert (verdict["line"], verdict["code"]) == (1, "malformed-json")
    assert "line 3, column 18" in verdict["message"]


def test_the_asset_class_decides_what_depends_on_it() -> None:
    body = b'{"ticker":"NQ","action":"buy","quantityType":"dollar_amount","quantity":9}'
    assert lint("-", stdin=body)[0].exit_code == 0
    _, [verdict] = lint("--asset-class", "futures", "--dialect", "traderspost", "-", stdin=body)
    assert verdict["code"] == "invalid-quantity-type-for-asset-class"


def test_expiries_are_judged_by_the_day_that_is_given() -> None:
    body = b'{"ticker":"SQ 240510C68","action":"buy"}'
    _, [late] = lint("--as-of", "2024-05-12", "-", stdin=body)
    _, [in_time] = lint("--as-of", "2024-05-10", "-", stdin=body)
    assert (late["code"], in_time["accepted"]) == ("invalid-expiration", True)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ticker": "SQ 240510C68"}, "invalid-expiration"),
        ({"ticker": "SQ", "delay": "2024-05-10 05:30 pm EST"}, "invalid-payload"),
    ],
)
def test_what_only_today_refuses_is_a_warning_where_no_day_is_given(
    fields: dict[str, str], code: str
) -> None:
    body = json.dumps(fields | {"action": "buy"}).encode()
    result, [verdict] = lint("-", stdin=body)
    assert (result.exit_code, verdict["accepted"]) == (0, True)
    assert f"it would be refused with {code}" in verdict["warnings"][-1]


def test_a_fault_of_the_message_is_one_whatever_the_day() -> None:
    body = b'{"ticker":"SQ 240510C68","action":"buy","optionType":"put"}'
    _, [verdict] = lint("-", stdin=body)
    assert verdict["code"] == "invalid-ticker-and-option-type"


def test_a_message_of_more_than_64_kb_is_too_large() -> None:
    _, [verdict] = lint("-", stdin=b" " * 65_537)
    assert verdict["code"] == "payload-too-large"


def test_a_file_that_is_not_there_is_said_in_a_line() -> None:
    result = CliRunner().invoke(cli.main, ["lint", "/nowhere/alert.json"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ") and "Traceback" not in result.output


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_get_a_verdict(body: bytes, jsonl: bool) -> None:
    result, verdicts = lint(*(["--jsonl"] if jsonl else []), "-", stdin=body)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code == int(not all(verdict["accepted"] for verdict in verdicts))
    assert jsonl or len(verdicts) == 1


@pytest.mark.parametrize("asset_class", ["stocks", "options", "futures", "crypto"])
def test_help_names_each_asset_class(asset_class: str) -> None:
    assert asset_class in CliRunner().invoke(cli.main, ["lint", "--help"]).output


@pytest.mark.parametrize(
    ("ticker", "fields", "code"),
    [
        ("MNQ1!", {"quantityType": "dollar_amount", "quantity": 500}, "quantity-type-for-asset"),
        ("CME:ESZ2026", {"quantityType": "risk_percent", "quantity": 1}, "quantity-type-for-asset"),
        ("MNQU2027", {"extendedHours": True}, "extended-hours"),
        ("MNQU2027", {"quantityType": "fixed_quantity", "quantity": 1}, None),
        ("MNQ", {"quantityType": "dollar_amount", "quantity": 500}, None),
    ],
)
def test_a_ticker_that_tells_futures_is_judged_as_such(
    ticker: str, fields: dict[str, Any], code: str | None
) -> None:
    body = json.dumps({"ticker": ticker, "action": "buy"} | fields).encode()
    _, [verdict] = lint("-", stdin=body)
    assert verdict["accepted"] is (code is None)
    assert code is None or code in verdict["code"]


@pytest.mark.rule("D1.flag")
def test_d1_with_settings_it_is_said_what_they_make_of_a_message(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"settings": {"multiplier": {"source": "own", "value": "3"}}}')
    part = b'{"ticker":"AAPL","action":"exit","quantity":2}'
    result, [verdict] = lint("--settings", str(file), "-", stdin=part)
    assert result.exit_code == 0
    assert verdict["warnings"] == [
        "The multiplier 3 binds exits too: of a position that 6 covers, an exit of 2 closes "
        "everything."
    ]
    assert lint("-", stdin=part)[1][0]["warnings"] == []
    file.write_text("[]")
    assert lint_fails("--settings", str(file), "-") == 1


def lint_fails(*arguments: str) -> int:
    return CliRunner().invoke(cli.main, ["lint", *arguments], input=b"{}").exit_code
