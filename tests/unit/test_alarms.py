"""The catalogue of alarms: the words of the contract, and what ends each."""

import pytest

from protos import alarms, ids
from protos.execution.v1 import execution_pb2 as pb
from web.alarms import reference

STATES = {name.removeprefix("TRADE_STATE_") for name in pb.TradeState.DESCRIPTOR.values_by_name} | {
    name.removeprefix("PROTECTION_STATE_") for name in pb.ProtectionState.DESCRIPTOR.values_by_name
}


def test_the_contract_knows_every_kind_of_alarm_and_no_other() -> None:
    known = {f"ALARM_KIND_{kind.upper()}" for kind in ("unspecified", *alarms.CATALOGUE)}
    assert known == set(pb.AlarmKind.DESCRIPTOR.values_by_name)


@pytest.mark.parametrize("kind", alarms.CATALOGUE)
def test_an_alarm_says_what_happened_and_what_to_do(kind: str) -> None:
    words = alarms.CATALOGUE[kind]
    assert words.message and words.fix
    assert words.lasts in ("", "DOUBTED", *STATES)
    assert "{" not in alarms.explain(kind, {})


def test_the_docs_tell_of_every_alarm_as_the_catalogue_does() -> None:
    assert reference.PAGE.read_text() == reference.page()
    assert all(f"`{kind}`" in reference.page() for kind in alarms.CATALOGUE)


def test_an_alarm_is_shown_by_an_id_of_its_own() -> None:
    assert ids.show("alarm", ids.derive("alarm", "x")).startswith("alm_")
