"""Crypto-Arsenal messages to the demo's connector, down to the paper fill."""

from decimal import Decimal
from typing import Any

from tests.e2e.evidence import TERMINAL
from tests.e2e.stack import Stack


def do(stack: Stack, **fields: Any) -> tuple[str, str | None]:
    """Send a message as its template would; returns state and reason of its trade."""
    demo = stack.ready["demo"]["crypto_arsenal"]
    named = {name: demo[name] for name in ("connectorName", "connectorToken")}
    answer = stack.post(demo["url"], {**named, **fields})
    assert (answer.status_code, answer.text) == (200, "ok")
    signal_id = stack.get("/signals", limit="1")["data"][0]["id"]

    def ended() -> bool:
        trades = stack.shown(signal_id)["trades"]
        return bool(trades) and all(each["state"] in TERMINAL for each in trades)

    stack.until(ended, 5, f"outcome of {fields}")
    (trade,) = stack.shown(signal_id)["trades"]
    return trade["state"], trade["reason"]


def position(stack: Stack) -> Decimal:
    """What the demo holds of the connector's symbol."""
    held = stack.get("/positions", limit="100")["data"]
    return sum((Decimal(row["quantity"]) for row in held if row["instrument"] == "AAPL"), Decimal())


def test_fixed_sizes_open_and_closes_without_one_close_their_own_side(stack: Stack) -> None:
    assert do(stack, action="openLong", fixed="5") == ("FILLED", None)
    assert position(stack) == 5
    assert do(stack, action="closeShort")[0] == "SKIPPED"
    assert position(stack) == 5
    assert do(stack, action="close_long", fixed="2") == ("FILLED", None)
    assert position(stack) == 3
    assert do(stack, action="closeLong") == ("FILLED", None)
    assert position(stack) == 0
    assert do(stack, action="closeLong") == ("SKIPPED", "no_position")

    assert do(stack, action="openShort", fixed="4") == ("FILLED", None)
    assert do(stack, action="closeLong")[0] == "SKIPPED"
    assert position(stack) == -4
    assert do(stack, action="closeShort", percent="50") == ("FILLED", None)
    assert position(stack) == -2
    assert do(stack, action="closeShort") == ("FILLED", None)
    assert position(stack) == 0


def test_money_and_percents_open_and_a_wrong_stop_does_not(stack: Stack) -> None:
    assert do(stack, action="buy", notional="2000") == ("FILLED", None)
    assert 0 < position(stack) < 2000
    assert do(stack, action="sell") == ("FILLED", None)
    assert do(stack, action="openLong", percent="1") == ("FILLED", None)
    assert position(stack) > 0
    assert do(stack, action="closeLong") == ("FILLED", None)
    assert do(stack, action="openLong", fixed="1", loss="999999") == ("SKIPPED", "stop_wrong_side")
    assert position(stack) == 0


def test_a_reversing_connector_closes_everything_before_it_opens(stack: Stack) -> None:
    strategy_id = stack.ready["demo"]["strategy_id"]
    stack.api("POST", f"/strategies/{strategy_id}/connector", json={"mode": "reverse"})
    assert do(stack, action="openShort", fixed="6") == ("FILLED", None)
    assert do(stack, action="openLong", fixed="2") == ("FILLED", None)
    assert position(stack) == 2
    assert do(stack, action="closeLong") == ("FILLED", None)
    assert do(stack, action="cancelAll") == ("SKIPPED", "nothing_to_cancel")


def test_a_sync_message_is_followed_by_its_shape(stack: Stack) -> None:
    """`entryOrder` tells what it is, whatever the connector's mode."""

    def follow(now: str, before: str) -> tuple[str, str | None]:
        def side(size: str) -> str:
            return "flat" if size == "0" else "short" if size.startswith("-") else "long"

        return do(
            stack,
            entryOrder={"mode": "Fixed Base Amount", "value": 4},
            position={
                "side": side(now),
                "size": now.lstrip("-"),
                "prev_side": side(before),
                "prev_size": before.lstrip("-"),
            },
        )

    assert follow("0.5", "0") == ("FILLED", None)
    assert position(stack) == 4
    assert follow("0.5", "0") == ("DONE", "target_reached")
    assert follow("1", "0.5") == ("FILLED", None)
    assert position(stack) == 8
    assert follow("0.25", "1") == ("FILLED", None)
    assert position(stack) == 2
    assert follow("-1", "0.25") == ("FILLED", None)
    assert position(stack) == -4
    assert follow("0", "-1") == ("FILLED", None)
    assert position(stack) == 0


def test_an_order_is_canceled_by_the_name_its_sender_gave_it(stack: Stack) -> None:
    assert do(stack, action="cancel", clientOrderId="L1") == ("DONE", "nothing_to_cancel")
