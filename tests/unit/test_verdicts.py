"""Rules told one by one say what deciding says, whatever the settings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests import settings_values
from web.signals.rules import Signal
from web.subscriptions import settings
from web.trades import record, rules
from web.trades.rules import Context

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
contexts = st.builds(
    Context,
    st.sampled_from((True, True, False)),
    st.sampled_from((True, True, False)),
    st.sampled_from(("stocks", "options", "futures", "crypto")),
    st.sampled_from(("live", "paper")),
)
ages = st.sampled_from((0, 5, 100, 130, 1000)).map(lambda seconds: timedelta(seconds=seconds))


@given(
    settings_values.of_strategy(),
    settings_values.of_subscription(),
    settings_values.signals,
    contexts,
    ages,
)
@examples(max_examples=200, deadline=None)
def test_a_decision_is_the_first_verdict_that_did_not_pass(
    strategy: dict[str, Any], stored: dict[str, Any], signal: Signal, context: Context, age: Any
) -> None:
    resolved = settings.resolve(signal, strategy, stored, settings.caps_of(strategy))
    when = {"accepted_at": NOW - age, "now": NOW}
    decision = rules.decide(signal, resolved, context, **when)
    told = rules.verdicts(signal, resolved, context, **when)
    failed = [verdict for verdict in told if not verdict.passed]
    if not failed:
        assert decision.entry_refused is None
        assert decision.state in ("PENDING", "DELAYED", "WAITING_APPROVAL")
    elif failed[0].ends is not None:
        assert decision == failed[0].ends
    else:
        refused = decision.entry_refused
        assert (decision.reason or (refused and refused.reason)) == failed[0].rule

    kept = record.of_rules(signal, resolved, context, decision, **when)
    again, recorded = record.again(signal, resolved.snapshot(), kept)
    assert (again, recorded) == (decision, kept)


def test_the_numbers_of_a_rule_that_passed_are_told_too() -> None:
    signal = Signal(dialect="traderspost", ticker="AAPL", instrument="AAPL", action="buy")
    stored = settings.validate({"allowed_tickers": ["AAPL"], "entry_reject_after_seconds": "30"})
    resolved = settings.resolve(signal, {}, stored)
    context = Context(True, True, "stocks")
    accepted_at = NOW - timedelta(seconds=7)
    told = rules.verdicts(signal, resolved, context, accepted_at=accepted_at, now=NOW)
    assert all(verdict.passed for verdict in told)
    numbers = [(verdict.rule, dict(verdict.numbers)) for verdict in told]
    assert ("signal_stale", {"age": "7", "limit": "900", "stage": "dequeued"}) in numbers
    assert ("signal_stale", {"age": "7", "limit": "30", "stage": "dequeued"}) in numbers
    assert ("ticker_not_allowed", {"tickers": "AAPL"}) in numbers
