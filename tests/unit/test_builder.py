"""The message builder: form and message say the same, whichever was typed."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signals import builder, lint, senders
from web.signals.builder import Form

NOW = datetime(2026, 1, 5, 14, 30, 2, tzinfo=UTC)
LINT = lint.Options("auto", "stocks", NOW, jsonl=False)

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
numbers = st.integers(1, 10**12).map(lambda n: f"{n // 1000}.{n % 1000:03}")
values = st.one_of(texts.map(str.strip), numbers, st.just("{{close}}"))
scalars = st.one_of(texts, st.booleans(), st.none(), st.integers(-(10**9), 10**9))


def plain(message: str) -> Any:
    return json.loads(message, parse_float=Decimal)


@pytest.mark.parametrize("dialect", builder.DIALECTS)
@given(data=st.data())
def test_what_is_written_is_read_back(dialect: str, data: st.DataObject) -> None:
    names = [each.name for each in builder.DIALECTS[dialect]]
    typed = data.draw(st.dictionaries(st.sampled_from(names), values))
    written = builder.write(Form(typed))
    read = builder.read(dialect, written.encode())
    assert read.values == {name: text for name, text in typed.items() if text}
    assert read.rest == {}


@pytest.mark.parametrize("dialect", builder.DIALECTS)
@given(data=st.data())
def test_reading_and_writing_loses_nothing(dialect: str, data: st.DataObject) -> None:
    names = [each.name.partition(".")[0] for each in builder.DIALECTS[dialect]]
    keys = st.one_of(st.sampled_from(names), texts.filter(bool))
    inner = st.dictionaries(
        st.sampled_from(["percent", "type", "amount", "other"]), scalars, max_size=3
    )
    message = data.draw(st.dictionaries(keys, st.one_of(scalars, inner), max_size=6))
    read = builder.read(dialect, msgspec.json.encode(message))
    again = plain(builder.write(read))
    assert said(again) == said(message)


def said(value: Any) -> Any:
    """What the webhook would take from it: a number and its text are one, blanks are none."""
    if isinstance(value, dict):
        each = {key: said(inner) for key, inner in value.items()}
        return {key: inner for key, inner in each.items() if inner not in ("", {})}
    return value.strip() if isinstance(value, str) else str(value)


@pytest.mark.parametrize("sender", senders.SENDERS.values(), ids=lambda each: each.name)
def test_what_a_sender_starts_with_is_accepted_as_it_will_be_sent(sender: senders.Sender) -> None:
    message = builder.write(Form(sender.start))
    samples = {"{{timenow}}": NOW.isoformat(), **sender.samples}
    verdict = lint.judge(builder.expand(message, samples).encode(), LINT)
    assert verdict["accepted"], verdict
    assert verdict["warnings"] == []


def test_the_python_that_is_pasted_holds_the_message() -> None:
    message = builder.write(Form(senders.SENDERS["python"].start))
    pasted = senders.SENDERS["python"].paste(message, "http://localhost/x")
    names: dict[str, Any] = {}
    exec(pasted.partition("headers =")[0].partition("\n\n")[2], names)
    assert names["message"] == message
    assert names["url"] == "http://localhost/x"
