"""What the owner of an account sets: its options, its quotes and its fault plan."""

import asyncio
from collections.abc import Mapping
from functools import partial

from execution.paper import answers, costs, feeds, jobs, misdeeds, moves
from execution.paper.book import Account
from execution.paper.costs import Model
from execution.paper.feeds import Feed
from execution.paper.following import Following
from execution.paper.jobs import Batch
from execution.paper.matching import Refused
from execution.paper.sessions import Said
from protos.paper.v1 import paper_pb2 as pb


def change(
    accounts: Mapping[str, Account],
    request: pb.ConfigureAccountRequest,
    answer: asyncio.Future[pb.ConfigureAccountResponse],
    batch: Batch,
) -> None:
    """Set all that is asked for, or refuse all of it."""
    account = accounts[request.account]
    try:
        model, plan = costs.read(request.options), misdeeds.read(request)
        feed = _feed(accounts, account, model, request.recording, batch)
    except Refused as refused:
        batch.answers.append(partial(jobs.fail, answer, refused))
        return
    if request.HasField("options"):
        account.visibility_seconds = request.options.visibility_horizon_seconds
        account.refuses_repeats = request.options.refuses_repeats
        account.model = costs.PLAIN if model == costs.PLAIN else model
        account.feed = feed
        _set_rules(account, request.options, batch)
    if request.set_faults:
        account.plan = plan
    account.is_stored = False
    batch.changes.accounts[account.name] = account
    response = pb.ConfigureAccountResponse(options=answers.options(account))
    batch.answers.append(partial(jobs.resolve, answer, response))


def _set_rules(account: Account, options: pb.Options, batch: Batch) -> None:
    """Hours, orders and limit. Its client is told: it holds back what would be refused."""
    before = _rules(account)
    account.exchange_hours = options.exchange_hours
    account.no_brackets = options.no_brackets
    account.no_stops = options.no_stops
    account.counter.most = options.requests_per_minute
    if before != _rules(account):
        first = len(batch.changes.reports)
        moves.tell_rules(account, batch.moment, batch.changes)
        batch.said.append(Said(account.name, batch.changes.reports[first:]))


def _rules(account: Account) -> tuple[object, ...]:
    most = account.counter.most
    return account.exchange_hours, account.no_brackets, account.no_stops, most


def _feed(
    accounts: Mapping[str, Account], account: Account, model: Model, content: bytes, batch: Batch
) -> Feed | None:
    """The feed that is asked for. Raises Refused."""
    match model.feed:
        case "signal":
            return feeds.Signals()
        case "recorded" if content:
            recording = feeds.read(content, batch.moment.at)
            batch.changes.recordings.append((account.name, batch.moment.at, content))
            return recording
        case "recorded":
            if not isinstance(account.feed, feeds.Recording):
                raise Refused("recording: there is none")
            return account.feed
        case "account":
            other = accounts.get(model.followed)
            if other is None or other is account or isinstance(other.feed, Following):
                raise Refused("feed_account is another that follows none itself")
            return Following(accounts, model.followed)
        case _:
            return None
