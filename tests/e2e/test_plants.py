"""The checker has eyes: bugs put between the processes of a stack are found.

The quick ones; `python -m tests.plants` tries all of them.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack
from tests.plants import stack as planted

pytestmark = pytest.mark.slow
STACK = planted.OPTIONS


@pytest.fixture(scope="module")
def field(stack: Stack) -> Iterator[planted.Field]:
    """One stack in which every bug sleeps."""
    made = planted.Field(stack)
    yield made
    made.close()


@pytest.mark.parametrize("bug", planted.QUICK, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(field: planted.Field, bug: planted.Bug) -> None:
    assert field.catch(bug)
