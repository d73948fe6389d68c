"""Signatures by Standard Webhooks: who has the secret, and when it was signed."""

from base64 import b64encode
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signals import signatures
from web.signals.refusals import BadSignal

KEY = b"k" * 32
NOW = 1_800_000_000.0
BODY = b'{"ticker":"AAPL","action":"buy"}'


def headers(signature: str, message_id: str = "msg_1", at: str = str(int(NOW))) -> dict[str, str]:
    return {
        "HTTP_WEBHOOK_ID": message_id,
        "HTTP_WEBHOOK_TIMESTAMP": at,
        "HTTP_WEBHOOK_SIGNATURE": signature,
    }


def refusal(given_: dict[str, str], *keys: signatures.Key, body: bytes = BODY) -> str | None:
    try:
        signatures.verify(keys or ((KEY, inf),), given_, body, NOW)
    except BadSignal as bad:
        return bad.code
    return None


def test_the_published_example_is_signed_as_published() -> None:
    key = signatures.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signatures.sign(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=200), st.text("abc._-09", min_size=1, max_size=255))
def test_what_is_signed_is_taken_and_known_by_its_id(body: bytes, message_id: str) -> None:
    signed = signatures.sign(KEY, message_id, str(int(NOW)), body)
    found = signatures.verify(((KEY, inf),), headers(signed, message_id), body, NOW)
    assert found == message_id


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_other_byte_is_another_message(place: int, change: int) -> None:
    signed = signatures.sign(KEY, "msg_1", str(int(NOW)), BODY)
    other = bytearray(BODY)
    other[place] ^= change
    assert refusal(headers(signed), body=bytes(other)) == "signature-mismatch"


@pytest.mark.parametrize(
    ("late", "expected"),
    [(0, None), (300, None), (-300, None), (301, "signature-expired"), (-301, "signature-expired")],
)
def test_the_window_is_300_seconds_to_both_sides(late: int, expected: str | None) -> None:
    at = str(int(NOW) - late)
    assert refusal(headers(signatures.sign(KEY, "msg_1", at, BODY), at=at)) == expected


@pytest.mark.parametrize("at", ["now", "-5", "1.8e9", "1800000000.0", "٣", " 1800000000", "9" * 13])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    assert refusal(headers("v1,x", at=at)) == "signature-expired"


@pytest.mark.parametrize("missing", ["ID", "TIMESTAMP", "SIGNATURE"])
def test_each_header_is_needed(missing: str) -> None:
    given_ = headers(signatures.sign(KEY, "msg_1", str(int(NOW)), BODY))
    assert refusal(given_ | {f"HTTP_WEBHOOK_{missing}": ""}) == "signature-missing"
    del given_[f"HTTP_WEBHOOK_{missing}"]
    assert refusal(given_) == "signature-missing"


def test_any_of_several_signatures_and_secrets_will_do() -> None:
    old, now = b"o" * 32, str(int(NOW))
    ours, theirs = (signatures.sign(key, "msg_1", now, BODY) for key in (KEY, old))
    wrong = "v1," + b64encode(b"x" * 32).decode()
    for signature in (f"{wrong} {ours}", f"v1a,other {theirs} {ours}", f"{theirs} {ours}"):
        assert refusal(headers(signature)) is None
    assert refusal(headers(theirs)) == "signature-mismatch"
    assert refusal(headers(theirs), (KEY, inf), (old, NOW + 1)) is None
    assert refusal(headers(theirs), (KEY, inf), (old, NOW)) == "signature-mismatch"


@pytest.mark.parametrize("signature", ["x", "v1,", "v1", "v2,abc", ",", "v1,ü", "v1," + "a" * 5000])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    assert refusal(headers(signature)) == "signature-mismatch"


def test_an_id_is_ascii_and_not_too_long() -> None:
    for message_id in ("ü", "x" * 256):
        signed = signatures.sign(KEY, message_id, str(int(NOW)), BODY)
        assert refusal(headers(signed, message_id)) == "signature-mismatch"
