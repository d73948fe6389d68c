"""What a trial asks of the paper venue directly: to misbehave, and what it did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc

from protos.paper.v1 import paper_pb2 as pb
from protos.paper.v1 import paper_pb2_grpc
from tests.e2e.stack import Stack

SECONDS = 10.0
# Ten in a hundred each; the second and third are drawn among those that are left.
AMBIGUOUS = (
    pb.Fault(kind=pb.FAULT_KIND_LATE_ACCEPT, percent=10, delay_ms=30_000, draws_delay=True),
    pb.Fault(kind=pb.FAULT_KIND_LOST_REPLY, percent=11),
    pb.Fault(kind=pb.FAULT_KIND_DROP, percent=13),
)


def accounts(stack: Stack) -> list[str]:
    """Every paper account."""
    with stack.database() as connection:
        return [row[0] for row in connection.execute("SELECT account FROM web.broker_accounts")]


def misbehave(stack: Stack, faults: Sequence[pb.Fault], *, seed: int) -> None:
    """From now on every account draws these faults."""
    with _venue(stack) as venue:
        for account in accounts(stack):
            request = pb.ConfigureAccountRequest(
                account=account, set_faults=True, faults=faults, fault_seed=seed
            )
            venue.ConfigureAccount(request, timeout=SECONDS)


def forget_ids(stack: Stack, *, horizon: float) -> None:
    """From now on a repeated ClOrdID is another order."""
    options = pb.Options(visibility_horizon_seconds=horizon, refuses_repeats=False)
    with _venue(stack) as venue:
        for account in accounts(stack):
            request = pb.ConfigureAccountRequest(account=account, options=options)
            venue.ConfigureAccount(request, timeout=SECONDS)


def answer_late(stack: Stack, account: str, seconds: int) -> None:
    """From now on an account's orders are taken at once and answered after so long; 0: at once."""
    late = pb.Fault(kind=pb.FAULT_KIND_DELAY, delay_ms=seconds * 1000)
    with _venue(stack) as venue:
        request = pb.ConfigureAccountRequest(
            account=account, set_faults=True, faults=[late] if seconds else []
        )
        venue.ConfigureAccount(request, timeout=SECONDS)


def limit(stack: Stack, account: str, requests_per_minute: int, *, horizon: float) -> None:
    """From now on an account takes so many requests a minute."""
    options = pb.Options(
        visibility_horizon_seconds=horizon,
        refuses_repeats=True,
        requests_per_minute=requests_per_minute,
    )
    with _venue(stack) as venue:
        request = pb.ConfigureAccountRequest(account=account, options=options)
        venue.ConfigureAccount(request, timeout=SECONDS)


def struck(stack: Stack) -> set[str]:
    """The ClOrdIDs of the orders that met a fault."""
    with _venue(stack) as venue:
        answers = [
            venue.ListMisdeeds(pb.ListMisdeedsRequest(account=account, most=1000), timeout=SECONDS)
            for account in accounts(stack)
        ]
    return {misdeed.cl_ord_id for answer in answers for misdeed in answer.misdeeds}


@contextmanager
def _venue(stack: Stack) -> Iterator[paper_pb2_grpc.VenueStub]:
    with grpc.insecure_channel(stack.ready["paper_target"]) as channel:
        yield paper_pb2_grpc.VenueStub(channel)
