"""Which passwords are refused as too common."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.accounts.common import WORDS, is_common
from web.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD, WeakPassword, check

HABITS = ("{0}{1}1", "{0}{1}123", "{0}.{1}!", "{1}_{0}99", "{0}{1}2026", "123{0}{1}")


def test_thousands_of_habits_are_refused() -> None:
    words = sorted(word for word in WORDS if len(word) > 5)[:30]
    made = {habit.format(*pair) for habit, pair in product(HABITS, product(words, words))}
    assert len(made) > 3000
    assert [each for each in made if not is_common(each)] == []


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "P@ssw0rd1234",
        "Iloveyou2026",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "abcabcabcabc",
        "111111111111",
        "123456789012",
        "AnnMiller1990",
        "fillwire2026!",
    ],
)
def test_what_everybody_tries_is_refused(password: str) -> None:
    assert is_common(password, "ann.miller@example.org")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "liberty-plank-oyster", "tr0ub4dor&3xyzzy", "lakehouse sofa mint"],
)
def test_what_nobody_tries_first_is_taken(password: str) -> None:
    check(password, "ann.miller@example.org")


@given(st.binary(min_size=12, max_size=40))
def test_what_was_drawn_at_random_is_taken(drawn: bytes) -> None:
    import hashlib

    check(hashlib.sha256(drawn).hexdigest())


@pytest.mark.parametrize("length", [0, MIN_PASSWORD - 1, MAX_PASSWORD + 1])
def test_the_length_has_bounds(length: int) -> None:
    with pytest.raises(WeakPassword):
        check(("kq7Zv-" * 60)[:length])
