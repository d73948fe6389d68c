"""How a change is told: its kind and id, nothing else."""

from uuid import UUID

from protos import ids


def shown(kind: str, object_id: UUID) -> str:
    """The id of what changed; a position is known by its connection."""
    return ids.show("connection" if kind == "position" else kind, object_id)
