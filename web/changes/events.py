"""How a change is told: its kind and id, nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar
from uuid import UUID

from protos import ids

# Of a kind to a tenant at once: live pages go by the kind, and look for themselves.
MOST_TOLD = 20

# Whom it concerns, its kind and what it is.
Change = TypeVar("Change", bound=tuple[Any, str, Any])

_KNOWN_BY = {"position": "connection", "approval": "trade"}


def shown(kind: str, object_id: UUID) -> str:
    """The id of what changed; a position is known by its connection, an approval by its trade."""
    return ids.show(_KNOWN_BY.get(kind, kind), object_id)


def few(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes, and of many of a kind to a tenant a few."""
    told: Counter[tuple[Any, str]] = Counter()
    for change in changes:
        whom = change[:2]
        told[whom] += 1
        if told[whom] <= MOST_TOLD:
            yield change
