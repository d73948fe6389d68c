"""The page for people who move: every message on it is read as the line below it says."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from execution.domain import sync
from execution.domain.sync import Sizing, Standing, Step
from web.signals import arsenal_sync, crypto_arsenal, rules
from web.signals.rules import BadSignal, Signal, Target
from web.strategies.rules import Connector

PAGE = (Path(__file__).parents[2] / "docs" / "crypto_arsenal.md").read_text()
EXAMPLE = re.compile(r"```json\n(.*?)\n```\n(Reads as|Refused|Orders): ([^\n]*)", re.DOTALL)
EXAMPLES = [found.groups() for found in EXAMPLE.finditer(PAGE)]
ACCOUNT = Standing(Decimal(0), Decimal(1000), Decimal(1000), Decimal(1000), in_step=True)
FIELDS = (
    *("connectorName", "connectorToken", "action", "fixed", "percent", "notional", "limit"),
    *("profit", "loss", "clientOrderId", "log", "delaySeconds", "delaySecondsFilter"),
    *("position", "entryOrder"),
)


def read(body: str) -> Signal:
    return crypto_arsenal.parse(rules.read(body.encode()), Connector("BTCUSDT"))


def in_words(signal: Signal) -> str:
    """A signal as the page writes it."""
    sized = f"{signal.quantity} {signal.quantity_type}" if signal.quantity else ""
    priced = f"{signal.order_type or ''} {signal.limit_price or ''}".strip()
    profit = f"profit {signal.take_profit.limit_price}" if signal.take_profit else ""
    loss = f"loss {signal.stop_loss.stop_price}" if signal.stop_loss else ""
    delay = f"after {signal.delay_seconds} s" if signal.delay_seconds else ""
    verb = " ".join(filter(None, (signal.action, signal.sentiment, signal.client_tag)))
    return ", ".join(filter(None, (verb, sized, priced, profit, loss, delay)))


def to_steps(wanted: Target) -> tuple[Step, ...]:
    """What the target comes to on the page's account."""

    def signed(side: str | None, size: Decimal | None) -> Decimal:
        sign = {"long": 1, "short": -1}.get(side or "", 0)
        return sign * (Decimal(1) if size is None else size)

    before = None if wanted.prev_side is None else signed(wanted.prev_side, wanted.prev_size)
    zero = Decimal(0)
    return sync.steps(
        sync.Target(
            Sizing(wanted.mode),
            signed(wanted.side, wanted.size),
            before,
            wanted.value or zero,
            wanted.order_size or zero,
            wanted.order_price or zero,
            wanted.leverage,
        ),
        ACCOUNT,
    )


@pytest.mark.parametrize(("body", "kind", "line"), EXAMPLES)
def test_an_example_is_read_as_the_page_says(body: str, kind: str, line: str) -> None:
    match kind:
        case "Refused":
            with pytest.raises(BadSignal) as caught:
                read(body)
            assert f"{caught.value.code}, {caught.value.field}" == line
        case "Orders":
            wanted = read(body).target
            assert wanted is not None
            told = [
                f"{s.verb} {s.side} {s.amount.normalize():f} {s.measure}" for s in to_steps(wanted)
            ]
            assert ", then ".join(told) == line
        case _:
            assert in_words(read(body)) == line


def test_every_message_on_the_page_is_an_example() -> None:
    assert len(EXAMPLES) == PAGE.count("```json") > 10


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_mode_is_a_word_that_execution_knows() -> None:
    assert set(arsenal_sync.MODES.values()) | {"whole", "units"} == set(Sizing)
    for name in arsenal_sync.MODES:
        if " " in name:
            assert name in PAGE.lower()
