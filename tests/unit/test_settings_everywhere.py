"""The same effective values in the form, in the stored snapshot and in the API."""

import json
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tests import settings_values
from web.api.settings import subscription_settings
from web.signals.rules import Signal
from web.strategies.models import Strategy
from web.subscriptions import forms, preview, settings
from web.subscriptions.forms import Row
from web.subscriptions.models import Subscription
from web.subscriptions.settings import resolver

ASSET_CLASSES = ("stocks", "options", "futures", "crypto")


def drawn(stored: dict[str, Any], strategy: dict[str, Any]) -> forms.Form:
    return forms.draw(
        settings.OF_SUBSCRIPTION,
        asset_class="options",
        stored=stored,
        resolved=settings.resolve(None, strategy, stored, settings.caps_of(strategy)),
    )


def posted(form: forms.Form) -> MultiDict[str, str]:
    """What a browser sends back when nobody touched a thing."""
    sent: MultiDict[str, str] = MultiDict()
    every: list[Row] = [each for row in form.rows for each in (row, *row.parts)]
    for row in every:
        sent.add(f"{row.setting.name}.shown", "1")
        sent.add(f"{row.setting.name}.source", row.source)
        sent.add(f"{row.setting.name}.value", row.typed.replace("\n", "\r\n"))
    return sent


@given(settings_values.of_strategy(), settings_values.of_subscription())
@examples(max_examples=500, deadline=None)
def test_form_snapshot_and_api_tell_the_same(
    strategy: dict[str, Any], stored: dict[str, Any]
) -> None:
    resolved = settings.resolve(None, strategy, stored, settings.caps_of(strategy))
    effective = resolved.to_json()
    kept = json.loads(msgspec.json.encode(resolved.snapshot()))
    assert settings.complete(kept) == effective
    row = Subscription(
        id=uuid4(),
        strategy_id=uuid4(),
        version=1,
        settings=stored,
        strategy=Strategy(settings=strategy),
    )
    assert subscription_settings(row)["effective"] == effective
    form = drawn(stored, strategy)
    shown = {
        each.setting.name: each.effective.to_json()
        for head in form.rows
        for each in (head, *head.parts)
    }
    assert shown == {name: effective[name] for name in shown}
    hidden = {row.name for row in settings.OF_SUBSCRIPTION if not row.suits("options")}
    assert set(shown) | hidden == {row.name for row in settings.OF_SUBSCRIPTION}


@given(settings_values.of_strategy(), settings_values.of_subscription())
@examples(max_examples=300, deadline=None)
def test_a_form_sent_back_untouched_changes_no_effective_value(
    strategy: dict[str, Any], stored: dict[str, Any]
) -> None:
    given_back = forms.read(settings.OF_SUBSCRIPTION, posted(drawn(stored, strategy)), sourced=True)
    again = settings.validate(settings.merge(stored, given_back))
    assert settings.resolve(None, strategy, again).to_json() == (
        settings.resolve(None, strategy, stored).to_json()
    )


@given(settings_values.of_strategy(), settings_values.of_subscription(), settings_values.signals)
@examples(max_examples=500, deadline=None)
def test_a_signal_and_settings_are_never_mixed_within_a_value(
    strategy: dict[str, Any], stored: dict[str, Any], signal: Signal
) -> None:
    resolved = settings.resolve(signal, strategy, stored)
    for setting in settings.SETTINGS:
        if setting.part_of is None or setting.falls_back:
            continue
        head, part = resolved.values[setting.part_of], resolved.values[setting.name]
        assert part.came_from == head.came_from
    assert settings.complete(resolved.snapshot()) == resolved.to_json()


@given(settings_values.of_strategy(), settings_values.of_subscription(), settings_values.signals)
@examples(max_examples=500, deadline=None)
def test_what_is_kept_of_one_signal_decides_nothing_of_another(
    strategy: dict[str, Any], stored: dict[str, Any], signal: Signal
) -> None:
    settings.resolve(None, strategy, stored)
    kept = settings.resolve(signal, strategy, stored).to_json()
    resolver.unspoken.cache_clear()
    assert settings.resolve(signal, strategy, stored).to_json() == kept
    # As if the signal were asked about every setting, and nothing kept.
    values: dict[str, resolver.Effective] = {}
    levels = resolver.Levels(signal, strategy, stored)
    for setting in settings.SETTINGS:
        if setting.part_of is None:
            levels.decide(setting, values)
    assert {name: value.to_json() for name, value in values.items()} == kept


@pytest.mark.rule("C7.lower")
@given(settings_values.of_strategy(), settings_values.of_subscription(), settings_values.signals)
@examples(max_examples=300, deadline=None)
def test_caps_only_lower(strategy: dict[str, Any], stored: dict[str, Any], signal: Signal) -> None:
    free = settings.resolve(signal, strategy, stored)
    bound = settings.resolve(signal, strategy, stored, settings.caps_of(strategy))
    for name, effective in bound.values.items():
        before = free[name]
        if effective.value == before:
            continue
        assert effective.came_from == "locked"
        assert settings.BY_NAME[name].lockable
        assert is_less(effective.value, before)


def is_less(value: Any, before: Any) -> bool:
    sides = {"both": {1, -1}, "bullish": {1}, "bearish": {-1}, "none": set()}
    match value:
        case bool():
            return value is False
        case str():
            return sides[value] < sides[before]
        case tuple():
            return before is None or set(value) < set(before)
        case _:
            return before is None or value < before


@given(
    settings_values.of_strategy(),
    settings_values.of_subscription(),
    settings_values.signals,
    st.sampled_from(ASSET_CLASSES),
)
@examples(max_examples=300, deadline=None)
def test_a_preview_has_words_for_everything(
    strategy: dict[str, Any], stored: dict[str, Any], signal: Signal, asset_class: str
) -> None:
    resolved = settings.resolve(signal, strategy, stored)
    for line in preview.describe(signal, resolved, asset_class):
        assert line.text
        assert "None" not in line.text


@given(*[settings_values.of_subscription()] * 3)
@examples(max_examples=300, deadline=None)
def test_a_merge_loses_nothing_that_only_one_of_two_touched(
    base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    merged, conflicts = forms.merge(base, theirs, mine)
    for name in {**base, **theirs, **mine}:
        was, their, my = base.get(name), theirs.get(name), mine.get(name)
        if my == was:
            assert merged.get(name) == their
        else:
            assert merged.get(name) == my
        assert (name in conflicts) is (their != was and their != my)
