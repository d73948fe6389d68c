"""How a change is told: its kind and id, nothing else."""

from uuid import UUID

from protos import ids

_KNOWN_BY = {"position": "connection", "approval": "trade"}


def shown(kind: str, object_id: UUID) -> str:
    """The id of what changed; a position is known by its connection, an approval by its trade."""
    return ids.show(_KNOWN_BY.get(kind, kind), object_id)
