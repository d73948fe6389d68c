"""A paper account's page: what is shown, asked, and told when execution is away."""

from collections.abc import Iterator
from concurrent import futures
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import grpc
import pytest

from protos import ids
from protos.execution.v1 import simulation_pb2 as pb
from protos.execution.v1 import simulation_pb2_grpc
from tests.site.conftest import Site, csrf
from web.connections import gameday
from web.connections.gameday import BadDay
from web.execution_client import ExecutionClient
from web.simulation_client import SimulationClient

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
DROP = pb.MISDEED_KIND_DROP


class Execution(simulation_pb2_grpc.SimulationServicer):
    """The far side of the contract: it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.account = pb.GetPaperAccountResponse(currency="USD", cash="99000", equity="100000")
        self.misdeeds: list[pb.Misdeed] = []

    def GetPaperAccount(self, request: Any, context: Any) -> pb.GetPaperAccountResponse:
        return self.account

    def SetTradingModel(self, request: Any, context: Any) -> pb.SetTradingModelResponse:
        if request.model.leverage == "0.5":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "leverage is 1 to 100")
        self.asked.append(request)
        return pb.SetTradingModelResponse(model=request.model)

    def SetFeed(self, request: Any, context: Any) -> pb.SetFeedResponse:
        if request.feed_account and request.feed_account == self.account.feed_account:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "feed_account is another")
        if request.recording == b"nonsense":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "recording: the first line is")
        self.asked.append(request)
        return pb.SetFeedResponse()

    def SetGameDay(self, request: Any, context: Any) -> pb.SetGameDayResponse:
        self.asked.append(request)
        return pb.SetGameDayResponse()

    def ResetAccount(self, request: Any, context: Any) -> pb.ResetAccountResponse:
        self.asked.append(request)
        return pb.ResetAccountResponse()

    def ListMisdeeds(self, request: Any, context: Any) -> pb.ListMisdeedsResponse:
        return pb.ListMisdeedsResponse(misdeeds=self.misdeeds)


@pytest.fixture
def execution(site: Site) -> Iterator[Execution]:
    servicer = Execution()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    simulation_pb2_grpc.add_SimulationServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    before = site.app.extensions["fillwire.simulation"]
    site.app.extensions["fillwire.simulation"] = SimulationClient(
        ExecutionClient(f"127.0.0.1:{port}")
    )
    yield servicer
    site.app.extensions["fillwire.simulation"] = before
    server.stop(None)


def here(site: Site) -> str:
    return f"/connections/{site.ours.shown('connection')}"


def post(site: Site, what: str, **form: str) -> tuple[int, str]:
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    answer = client.post(
        f"{here(site)}/{what}", data={"csrf_token": token, **form}, follow_redirects=True
    )
    return answer.status_code, answer.text


def test_the_page_says_so_when_execution_is_away(site: Site) -> None:
    answer = site.signed_in(site.ours).get(here(site))
    assert answer.status_code == 200
    assert "Execution does not answer" in answer.text


def test_nothing_is_changed_when_execution_is_away(site: Site) -> None:
    status, page = post(site, "game-day", length="1h", drop="5")
    assert (status, "Nothing was changed" in page or "does not answer" in page) == (503, True)


def test_the_page_shows_money_and_says_what_a_game_day_does(
    site: Site, execution: Execution
) -> None:
    page = site.signed_in(site.ours).get(here(site)).text
    assert "99,000.00 USD" in page
    assert "not limited" in page
    assert "Signals to this connection suffer while it lasts." in page
    assert all(kind.label in page for kind in gameday.KINDS)


def test_a_game_day_is_begun_and_ended_and_both_are_audited(
    site: Site, execution: Execution
) -> None:
    status, page = post(site, "game-day", length="15m", seed="42", drop="5", reject="0")
    assert (status, "The game day has begun" in page) == (200, True)
    [asked] = execution.asked
    day = asked.game_day
    assert [(fault.kind, fault.percent) for fault in day.faults] == [(DROP, 5)]
    assert day.seed == 42
    assert day.until_time.ToDatetime() - day.from_time.ToDatetime() == timedelta(minutes=15)

    execution.account.game_day.CopyFrom(day)
    page = site.signed_in(site.ours).get(here(site)).text
    assert "A game day is on until" in page
    assert "Lost orders 5 %" in page

    assert post(site, "game-day/end")[0] == 200
    assert execution.asked[-1].game_day == pb.GameDay()
    rows = site.owner.execute(
        "SELECT action FROM web.audit_events WHERE subject = %s ORDER BY id",
        (site.ours.shown("connection"),),
    ).fetchall()
    assert [row["action"] if isinstance(row, dict) else row[0] for row in rows][-2:] == [
        "connection:game_day_begin",
        "connection:game_day_end",
    ]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"length": "1h"}, "Nothing would go wrong"),
        ({"length": "1y", "drop": "5"}, "Choose how long it lasts"),
        ({"length": "1h", "drop": "101"}, "from 0 to 100"),
        ({"length": "1h", "drop": "many"}, "from 0 to 100"),
        ({"length": "1h", "drop": "5", "seed": "luck"}, "Seed: type a whole number"),
        ({"length": "1h", "drop": "5", "seed": str(2**31)}, "Seed: type a whole number"),
    ],
)
def test_a_game_day_that_cannot_be_is_refused_with_its_cure(
    site: Site, execution: Execution, form: dict[str, str], words: str
) -> None:
    status, page = post(site, "game-day", **form)
    assert (status, words in page, execution.asked) == (400, True, [])


def test_how_the_account_trades_is_set_and_what_cannot_be_is_said(
    site: Site, execution: Execution
) -> None:
    form = {"fill_parts": "3", "fee_bps": "2.5", "leverage": "4", "slippage_bps": ""}
    assert post(site, "model", **form, keeps_hours="exchange")[0] == 200
    [asked] = execution.asked
    model = asked.model
    assert (model.fill_parts, model.fee_bps, model.leverage) == (3, "2.5", "4")
    assert model.keeps_hours and not model.no_stops
    execution.account.model.no_stops = True
    assert '<option value="watched" selected>' in site.signed_in(site.ours).get(here(site)).text
    assert post(site, "model", **form, stops="watched")[0] == 200
    assert execution.asked[-1].model.no_stops
    assert post(site, "model", **form, keeps_hours="")[0] == 200
    assert not execution.asked[-1].model.keeps_hours
    status, page = post(site, "model", leverage="0.5")
    assert (status, "leverage is 1 to 100" in page) == (400, True)
    status, page = post(site, "model", fill_parts="some")
    assert (status, "fill parts is a whole number" in page) == (400, True)


def test_a_recording_is_given_and_what_is_none_is_said(site: Site, execution: Execution) -> None:
    def give(content: bytes, feed: str = "recorded") -> tuple[int, str]:
        client = site.signed_in(site.ours)
        form = {
            "csrf_token": csrf(client, "/connections"),
            "feed": feed,
            "recording": (BytesIO(content), "quotes.csv"),
        }
        answer = client.post(f"{here(site)}/feed", data=form, follow_redirects=True)
        return answer.status_code, answer.text

    status, page = give(b"time,instrument,bid,ask")
    assert (status, "A recording is replayed from now on." in page) == (200, True)
    [asked] = execution.asked
    assert (asked.feed, asked.recording) == (pb.FEED_KIND_RECORDED, b"time,instrument,bid,ask")
    status, page = give(b"nonsense")
    assert (status, "recording: the first line is" in page) == (400, True)
    assert give(b"", feed="crystal ball")[0] == 400
    assert give(b"", feed="signal")[0] == 200
    assert execution.asked[-1].feed == pb.FEED_KIND_SIGNAL


def test_another_connection_of_the_workspace_is_followed_and_nobody_else_s(
    site: Site, execution: Execution
) -> None:
    page = site.signed_in(site.ours).get(here(site)).text
    assert "what another connection is quoted" not in page
    client = site.signed_in(site.ours)
    client.post("/connections", data={"csrf_token": csrf(client, "/connections"), "name": "Second"})
    row = site.owner.execute(
        "SELECT c.id, a.account FROM web.connections AS c JOIN web.broker_accounts AS a "
        "ON a.id = c.broker_account_id WHERE c.name = 'Second'"
    ).fetchone()
    assert row is not None
    second, account = row.values() if isinstance(row, dict) else row
    assert "what another connection is quoted" in client.get(here(site)).text
    assert post(site, "feed", feed="account", followed=ids.show("connection", second))[0] == 200
    [asked] = execution.asked
    assert (asked.feed, asked.feed_account) == (pb.FEED_KIND_ACCOUNT, account)
    execution.account.feed_account = account
    status, page = post(site, "feed", feed="account", followed=ids.show("connection", second))
    assert (status, "Choose one that does not." in page) == (400, True)
    for other in (site.theirs.shown("connection"), "", "con_x"):
        assert post(site, "feed", feed="account", followed=other)[0] == 404
    assert len(execution.asked) == 1


def test_a_reset_is_asked_for_twice_and_says_what_goes(site: Site, execution: Execution) -> None:
    execution.account.positions = 2
    status, page = post(site, "reset")
    assert (status, execution.asked) == (409, [])
    assert "2 positions will be gone without a trade" in page
    assert "from 99,000.00 to 100,000 USD" in page
    status, page = post(site, "reset", do="confirmed")
    assert (status, "was reset: no orders, no positions" in page) == (200, True)
    [asked] = execution.asked
    assert asked.account


def test_what_moved_without_a_trade_is_shown(site: Site, execution: Execution) -> None:
    site.owner.execute(
        "INSERT INTO web.position_changes (id, connection_id, tenant_id, instrument, cause, "
        "change_qty, price, cash, text, at) VALUES (%s, %s, %s, 'ESZ2026', 'expiry', -2, 5100, "
        "250, 'expired on 2026-12-18, settled in cash', %s)",
        (uuid4(), site.ours.connection_id, site.ours.tenant_id, AT),
    )
    page = site.signed_in(site.ours).get(here(site)).text
    assert "Moved without a trade" in page
    assert "settled in cash at 5,100" in page
    assert "−2" in page and "+250.00" in page


def test_the_report_leads_from_a_misdeed_to_the_trade_that_it_hit(
    site: Site, execution: Execution
) -> None:
    row = site.owner.execute(
        "SELECT cl_ord_id FROM web.orders WHERE trade_id = %s", (site.ours.trade_id,)
    ).fetchone()
    assert row is not None
    cl_ord_id = row["cl_ord_id"] if isinstance(row, dict) else row[0]
    for name in (cl_ord_id, "of-no-signal"):
        misdeed = pb.Misdeed(kind=DROP, cl_ord_id=name)
        misdeed.time.FromDatetime(AT)
        execution.misdeeds.append(misdeed)
    page = site.signed_in(site.ours).get(here(site)).text
    assert "2 orders hit: <b>1 filled</b>, 0 not over yet, 1 ended otherwise." in page
    assert f"/trades/{site.ours.shown('trade')}" in page
    assert "proven absent, and sent it again with its id" in page
    assert "The order is of no signal." in page


@pytest.mark.parametrize("kind", gameday.KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_words_for_every_state_of_an_order(kind: gameday.Kind) -> None:
    states = ("PENDING_NEW", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED")
    assert all(gameday.answer(kind, state) for state in states)


def test_every_misdeed_of_the_contract_has_a_kind() -> None:
    assert set(gameday.BY_NUMBER) == set(pb.MisdeedKind.values()) - {0}
    with pytest.raises(BadDay):
        gameday.read("1h", {}, AT, "1")
