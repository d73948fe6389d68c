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


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a hundredth of all that were much."""
    gc.freeze()
    monkeypatch.setattr(memory, "_FEW", 0)
    monkeypatch.setattr(memory, "_SHORT", 100)


def test_what_refers_to_itself_is_freed() -> None:
    seen = weakref.ref(Loop())
    assert seen() is not None
    memory.tidy()
    assert seen() is None


def test_what_was_in_use_at_one_look_is_freed_at_the_next() -> None:
    call = Loop()
    seen = weakref.ref(call)
    memory.tidy()
    del call
    assert seen() is not None
    memory.tidy()
    assert seen() is None


def test_what_stays_is_not_looked_through_for_ever() -> None:
    frozen, kept = gc.get_freeze_count(), []
    for _ in range(4):
        kept += [Loop() for _ in range(40)]
        memory.tidy()
    assert len(gc.get_objects()) <= 100 and gc.get_freeze_count() - frozen >= 80


def test_what_a_burst_made_is_not_looked_through_and_freed_all_the_same() -> None:
    looped, burst = weakref.ref(Loop()), [{"n": [n]} for n in range(100)]
    memory.tidy()
    assert looped() is not None and gc.get_freeze_count() > 200
    before = gc.get_freeze_count()
    burst.clear()
    assert gc.get_freeze_count() <= before - 200
