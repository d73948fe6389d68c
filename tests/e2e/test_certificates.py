"""`fillwire up --mutual-tls`: the same road, and nobody in plain text on it."""

import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.e2e.lane import Lane
from tests.e2e.stack import ROOT, Options, Stack

STACK = Options(mutual_tls=True)


def test_an_alert_is_filled_with_certificates_all_the_way(lane: Lane) -> None:
    trade = lane.trade(lane.send("buy", quantity=5))
    assert (trade["state"], trade["reason"]) == ("FILLED", None)
    # What web asks execution for: what would happen, what did, and what is switched off.
    asked = {"message": {"ticker": lane.ticker, "action": "exit"}}
    strategy = lane.stack.ready["demo"]["strategy_id"]
    lane.stack.api("POST", f"/strategies/{strategy}/explain", json=asked).raise_for_status()
    lane.stack.get(f"/trades/{trade['id']}/replay")
    lane.stack.get("/limits")


@pytest.mark.parametrize("name", ["grpc_target", "paper_target"])
def test_nobody_is_answered_in_plain_text(stack: Stack, name: str) -> None:
    with grpc.insecure_channel(stack.ready[name]) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        with pytest.raises(grpc.RpcError) as refused:
            check(health_pb2.HealthCheckRequest(), timeout=10)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_an_operator_halts_and_nobody_was_refused(stack: Stack) -> None:
    for mode in ("stop-entries", "off"):
        command = ["halt", mode, "--why", "a test", "--data-dir", str(stack.data_dir)]
        done = subprocess.run(
            [sys.executable, "-m", "web.cli", *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    # The tests of this stack come in any order: whoever is next trades.
    stack.until(lambda: stack.get("/switches")["data"] == [], 10, "switches off")
    logs = [path.read_text() for path in (stack.data_dir / "log").glob("*.log")]
    assert len(logs) > 5
    assert [text for text in logs if "call_refused" in text] == []
