"""The relay's privacy loop on the site's database, with an execution that notes its orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from protos.execution.v1 import execution_pb2 as pb
from tests.site.conftest import Site
from web import db
from web.execution_client import ExecutionDown
from web.privacy.loop import Privacy


@dataclass
class Halts:
    """What execution was asked; away, it answers nothing."""

    is_away: bool = False
    # Workspaces that nothing is done for.
    refused: set[UUID] = field(default_factory=set)
    halted: list[tuple[UUID | None, str, str]] = field(default_factory=list)
    ended: list[tuple[UUID, UUID]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    forgotten_of: list[UUID] = field(default_factory=list)

    def set_switch(
        self, scope: str, scope_id: UUID | None, mode: str, **more: Any
    ) -> pb.SetSwitchResponse:
        if self.is_away or scope_id in self.refused:
            raise ExecutionDown("away")
        assert scope == "tenant"
        self.halted.append((scope_id, mode, more["why"]))
        return pb.SetSwitchResponse()

    def remove_credentials(self, tenant_id: UUID, connection_id: UUID) -> None:
        if self.is_away:
            raise ExecutionDown("away")
        self.ended.append((tenant_id, connection_id))

    def forget_words(self, set_by: Sequence[str], of: Sequence[UUID]) -> None:
        if self.is_away:
            raise ExecutionDown("away")
        self.forgotten += set_by
        self.forgotten_of += of


def turn(site: Site, halts: Halts | None = None, operator: str = "") -> Halts:
    """One look of the relay, a minute after the last."""
    asked = halts or Halts()
    key = site.app.extensions["fillwire.config"].sealing_key
    with db.open_pool(site.database.url("worker"), size=1, name="test") as pool:
        Privacy(pool, asked, key, operator).turn()
    return asked
