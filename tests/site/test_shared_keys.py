"""Two workspaces connect one account, each with a key of its own: what each does with it, and what
the pages and the orders of both say."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import Kit
from tests.keys_stand import Stand
from tests.site.conftest import Site, Workspace
from tests.site.test_broker_keys import account, connect, post, sealed_in, with_a_passkey
from tests.site.test_broker_keys import given as typed
from tests.site.test_broker_keys import stand as stand
from web import db
from web.execution_client import ExecutionClient
from web.projector import Projector
from web.queue import Bell

FILLED = ("FILLED", "unspecified")
REFUSED = ("REJECTED", "broker_auth")


@dataclass
class Side:
    """One workspace, its connection and its key."""

    workspace: Workspace
    page: str
    key: tuple[str, str]
    client: FlaskClient

    @property
    def connection_id(self) -> UUID:
        return ids.read("connection", self.page.split("/")[2]) or UUID(int=0)


@dataclass
class Shared:
    """One account, two sides."""

    site: Site
    stand: Stand
    kit: Kit
    name: str
    projector: Projector
    read: int = 0

    def connect(self, workspace: Workspace) -> Side:
        key = self.stand.issue(self.name)
        client = with_a_passkey(self.site, workspace)
        return Side(workspace, connect(client, key, "Shared"), key, client)

    def trade(self, side: Side) -> tuple[str, str]:
        """What becomes of an order of this side's."""
        trade = self.kit.trade(
            tenant_id=side.workspace.tenant_id.hex,
            connection_id=side.connection_id.hex,
            subscription_id=side.connection_id.hex,
            account=pb.Account(broker="paper_keys", environment="paper", account=self.name),
            allow_add=True,
        )
        return self.stand.run(self.kit.run(trade))

    def shown(self, side: Side) -> str:
        """What its list of connections says of it, once what was told of logins is there."""
        self.stand.run(self.kit.read_facts())
        new, self.read = self.kit.facts[self.read :], len(self.kit.facts)
        if told := [fact for fact in new if fact.HasField("account_login")]:
            before = self.projector._cursor()
            self.projector.apply(before, f"{before}.", told)
        page = side.client.get("/connections").text
        row = page[page.index(">Shared<") :].partition("</tr>")[0]
        return "needs login" if "Needs login" in row else "ok"

    def until_shown(self, side: Side, what: str) -> None:
        for _ in range(500):
            if self.shown(side) == what:
                return
        raise AssertionError(f"never shown: {what}")


@pytest.fixture
def shared(site: Site, stand: Stand, redis_url: str) -> Iterator[Shared]:
    pool = db.open_pool(site.database.url("worker"), size=2, name="test")
    nobody = ExecutionClient("127.0.0.1:1")
    projector = Projector(pool, nobody, Bell(redis_url), still_mine=lambda: True)
    kit = Kit(site.database, stand.venue, stand.execution, "execution-1")
    yield Shared(site, stand, kit, account(), projector)
    stand.run(kit.close_channels())
    pool.close()


def test_each_side_trades_by_its_own_key_and_is_shown_its_own_login(
    site: Site, stand: Stand, shared: Shared
) -> None:
    ours, theirs = shared.connect(site.ours), shared.connect(site.theirs)
    assert (shared.trade(ours), shared.trade(theirs)) == (FILLED, FILLED)

    assert post(ours.client, f"{ours.page}/remove").status_code == 302
    assert (shared.trade(ours), shared.trade(theirs)) == (REFUSED, FILLED)
    assert (shared.shown(ours), shared.shown(theirs)) == ("needs login", "ok")

    client = ours.client
    tested = post(client, ours.page, do="test", **typed(ours.key))
    assert post(client, ours.page, do="save", sealed=sealed_in(tested)).status_code == 302
    assert (shared.trade(ours), shared.trade(theirs)) == (FILLED, FILLED)
    assert (shared.shown(ours), shared.shown(theirs)) == ("ok", "ok")

    stand.revoke(theirs.key[0])
    shared.until_shown(theirs, "needs login")
    assert (shared.trade(ours), shared.trade(theirs)) == (FILLED, REFUSED)
    assert shared.shown(ours) == "ok"
