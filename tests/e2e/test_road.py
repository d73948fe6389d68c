"""The road of design.md section 6: what a person sees who types `./fillwire up --demo`."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.e2e import audit
from tests.e2e.lane import Lane
from tests.e2e.sender import History
from tests.e2e.stack import Options, Stack

STACK = Options(strategies=24)
ALERT = b'{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'
PAIRS = 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_an_alert_becomes_a_filled_paper_order_within_two_seconds(
    lane: Lane, content_type: str
) -> None:
    body = ALERT.replace(b"AAPL", lane.ticker.encode())

    answer = lane.stack.post(lane.webhook, body, content_type=content_type)

    assert answer.status_code == 200
    said = answer.json()
    assert said["success"] is True
    assert said["id"].startswith("sig_")
    assert said["logId"] == said["id"]
    assert said["payload"]["ticker"] == lane.ticker
    trade = lane.trade(said["id"], within=2)
    assert (trade["state"], trade["reason"]) == ("FILLED", None)
    (order,) = trade["orders"]
    assert (order["order_qty"], order["cum_qty"], order["avg_px"]) == ("5", "5", "228.40")
    assert [fill["qty"] for fill in order["fills"]] == ["5"]
    assert lane.position() == 5


def test_every_stage_of_a_filled_trade_has_its_time_in_order(lane: Lane) -> None:
    trade = lane.trade(lane.send("buy", quantity=1))

    stages = trade["stages"]
    passed = ("received", "accepted", "dequeued", "planned", "submitted", "first_fill", "filled")
    times = [stages[name] for name in passed]
    assert None not in times
    assert times == sorted(times)


def test_an_unknown_action_is_refused_with_its_code(lane: Lane) -> None:
    answer = lane.stack.post(lane.webhook, {"ticker": lane.ticker, "action": "hold"})

    assert answer.status_code == 400
    said = answer.json()
    assert (said["success"], said["messageCode"]) == (False, "invalid-action")
    assert said["logId"]
    assert said["field"] == "action"
    assert said["message"]
    assert said["fix"]


def test_a_wrong_secret_is_refused(lane: Lane) -> None:
    wrong = lane.webhook.rpartition("/")[0] + "/not-the-secret"

    answer = lane.stack.post(wrong, ALERT)

    assert answer.status_code == 400
    assert answer.json()["messageCode"] == "invalid-password"


def test_an_unknown_webhook_is_not_found(lane: Lane) -> None:
    start, _, _ = lane.webhook.rpartition("/trading/webhook/")
    unknown = f"{start}/trading/webhook/00000000-0000-4000-8000-000000000000/any"

    answer = lane.stack.post(unknown, ALERT)

    assert answer.status_code == 404
    assert answer.json()["messageCode"] == "not-found"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "malformed-json"),
        (b"", "empty-json"),
        (b'{"action":"buy"}', "invalid-payload"),
        (b'{"ticker":"","action":"buy"}', "empty-ticker-name"),
        (b'{"ticker":"AAPL","action":"exit","sentiment":"flat"}', "invalid-sentiment-action"),
        (b'{"ticker":"AAPL","action":"buy","quantity":-1}', "invalid-quantity"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_traded(lane: Lane, body: bytes, code: str) -> None:
    answer = lane.stack.post(lane.webhook, body)

    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["message"]
    assert answer.json()["messageCode"] == code
    assert lane.position() == 0


def test_a_body_over_64_kb_is_too_large(lane: Lane) -> None:
    assert lane.stack.post(lane.webhook, b" " * 65 * 1024 + ALERT).status_code == 413


def test_buy_sell_exit_exit(lane: Lane) -> None:
    assert lane.do("buy", quantity=5) == ("FILLED", None)
    assert lane.do("sell", quantity=3)[0] == "FILLED"
    assert lane.position() == 2
    assert lane.do("exit") == ("FILLED", None)
    assert lane.position() == 0
    assert lane.do("exit") == ("SKIPPED", "no_position")


def test_a_repeated_buy_is_skipped(lane: Lane) -> None:
    assert lane.do("buy", quantity=5) == ("FILLED", None)

    assert lane.do("buy", quantity=5) == ("SKIPPED", "already_in_position")
    assert lane.position() == 5


def test_a_cancel_with_nothing_open_says_so(lane: Lane) -> None:
    state, reason = lane.do("cancel")

    assert (state, reason) in {("SKIPPED", "nothing_to_cancel"), ("DONE", "nothing_to_cancel")}


def test_an_exit_cancels_a_resting_entry(lane: Lane) -> None:
    resting = lane.send("buy", quantity=5, orderType="limit", limitPrice="1.00")
    lane.stack.until(
        lambda: [each["state"] for each in lane.stack.shown(resting)["trades"]] == ["WORKING"],
        5,
        "a working limit order",
    )

    assert lane.do("exit") == ("DONE", "entry_canceled")
    assert lane.trade(resting)["state"] == "CANCELED"
    assert lane.position() == 0


def test_pairs_of_buy_and_exit_end_flat(lane: Lane) -> None:
    sent = [lane.send(each, quantity=1) for _ in range(PAIRS) for each in ("buy", "exit")]

    trade = lane.trade(sent[-1], within=20)

    assert trade["state"] in {"FILLED", "SKIPPED", "DONE"}
    assert lane.position() == Decimal(0)


def test_pairs_on_many_strategies_at_once_end_flat(stack: Stack, lane: Lane) -> None:
    others = [Lane(stack, url, f"MANY{chr(65 + n)}") for n, url in enumerate(stack.webhooks()[:8])]

    def trade_pairs(one: Lane) -> None:
        for _ in range(10):
            one.send("buy", quantity=2)
            last = one.send("exit")
        one.trade(last, within=20)

    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(trade_pairs, others))

    assert [one.position() for one in others] == [0] * len(others)


def test_nothing_on_this_stack_broke_a_promise(stack: Stack, lane: Lane) -> None:
    lane.do("buy", quantity=1)

    report = audit.until_clean(stack, History(), seconds=10)

    assert not report.findings, str(report)
