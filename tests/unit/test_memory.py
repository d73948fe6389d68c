"""What only refers to itself is freed, without ever looking through very much."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from protos import memory


class Loop:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _by_hand() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_what_refers_to_itself_is_freed() -> None:
    seen = weakref.ref(Loop())
    assert seen() is not None
    memory.tidy()
    assert seen() is None


def test_what_was_looked_through_once_is_not_looked_through_again() -> None:
    kept = [Loop() for _ in range(100)]
    memory.tidy()
    assert not [each for each in gc.get_objects() if each in kept]


def test_what_a_burst_made_is_not_looked_through_and_freed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_SOME", 50)
    looped, burst = weakref.ref(Loop()), [{"n": [n]} for n in range(100)]
    memory.tidy()
    assert looped() is not None and gc.get_freeze_count() > 200
    before = gc.get_freeze_count()
    burst.clear()
    assert gc.get_freeze_count() <= before - 200
