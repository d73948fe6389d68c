"""The token of a connector is in nothing that is kept, however a message spells it."""

import json

import pytest

from web.signals import crypto_arsenal


@pytest.mark.parametrize(
    "spelled",
    [
        '"connectorToken": "the-secret"',
        '"connectorToken"\n:\t"the-secret"',
        r'"connector\u0054oken": "the-secret"',
        r'"\u0063onnectorToke\u006E": "the-secret"',
        r'"connectorToken": "the\"-secret"',
        '"connectorToken": "the-secret',
        '"connectorToken": the-secret',
        '"connectorToken": ["x", "the-secret"]',
        '"connectorToken": {"x": "the-secret"}',
        "'connectorToken': 'the-secret'",
        "connectorToken = the-secret",
        "\u201cconnectorToken\u201d: \u201cthe-secret\u201d",
        r"\"connectorToken\": \"the-secret\"",
    ],
)
def test_no_spelling_of_its_name_keeps_the_token_in_what_is_stored(spelled: str) -> None:
    body = f'{{"action": "buy", {spelled}, "limit": 5}}'.encode()
    kept = crypto_arsenal.redact(body)
    assert b"secret" not in kept
    assert b'"redacted"' in kept
    assert kept.startswith(b'{"action": "buy", ')


def test_every_letter_of_the_name_may_be_a_number() -> None:
    spelled = "".join(f"\\u{ord(letter):04X}" for letter in "connectorToken")
    body = f'{{"{spelled}": "the-secret", "action": "buy"}}'.encode()
    assert json.loads(body)["connectorToken"] == "the-secret"
    assert json.loads(crypto_arsenal.redact(body)) == {
        "connectorToken": "redacted",
        "action": "buy",
    }
    other = rb'{"a\u0063tion": "buy", "limit": 5}'
    assert crypto_arsenal.redact(other) == other
