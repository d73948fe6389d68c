"""What a replay with other settings says of options, whose chain is gone."""

import pytest

from protos.execution.v1 import execution_pb2 as pb
from web.subscriptions import settings
from web.trades import replay

CHOSEN = pb.SeenState(resolved=pb.Resolved(symbol="SPY261204C00101000", chosen_from={"a": "1"}))
WRITTEN = pb.SeenState(resolved=pb.Resolved(symbol="SPY261204C00101000"))


@pytest.mark.parametrize("name", sorted(replay.CHOICE))
def test_another_choice_is_said_to_be_planned_with_the_old_contract(name: str) -> None:
    assert settings.BY_NAME[name].group == "Options"
    note = replay.note_of(["quantity", name], [CHOSEN], None)
    assert note is not None
    assert "SPY261204C00101000, as it was chosen then" in note


def test_a_contract_that_was_written_out_is_the_same_under_any_choice() -> None:
    assert replay.note_of(sorted(replay.CHOICE), [WRITTEN], None) is None


def test_another_size_of_the_same_option_needs_no_note() -> None:
    assert replay.note_of(["quantity"], [CHOSEN], None) is None


def test_an_entry_for_which_nothing_was_chosen_says_why_there_is_no_contract() -> None:
    note = replay.note_of(["sides"], [pb.SeenState()], "no_contract")
    assert note is not None
    assert "the chain is not kept" in note
