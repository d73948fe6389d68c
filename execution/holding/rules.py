"""What each account's venue does for it: asked when the account is taken, and when it changed."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import structlog

from execution.accounts.accounts import Account
from execution.brokers.base import Adapter, BrokerError, Capabilities
from execution.domain.decisions import VenueRules
from execution.limits.limits import Limits
from execution.runtime import Runtime

log = structlog.get_logger()

Venue = tuple[str, str]
RETRY_SECONDS = 0.25


class Rules:
    """The rules and limits of accounts."""

    def __init__(self, adapters: Mapping[Venue, Adapter], limits: Limits) -> None:
        self._adapters = adapters
        self._limits = limits
        self._known: dict[VenueRules, VenueRules] = {}

    async def ask(self, batch: Sequence[Account]) -> None:
        """Learn what each account's venue does for it. Raises BrokerError."""
        by_venue: dict[Venue, list[Account]] = {}
        for account in batch:
            by_venue.setdefault((account.ref.broker, account.ref.environment), []).append(account)
        for venue, asking in by_venue.items():
            names = [account.ref.account for account in asking]
            answers = await self._adapters[venue].capabilities(names)
            for account, able in zip(asking, answers, strict=True):
                rules = _rules_of(able)
                # Most accounts have the same: one value serves them all.
                account.rules = self._known.setdefault(rules, rules)
                self._limits.count(venue, account.ref.account, able.limits)

    async def learn_again(self, batch: Sequence[Account], runtime: Runtime) -> None:
        """Rules that changed; asked for until they are known, or the account is gone."""
        try:
            await self.ask(batch)
        except BrokerError as error:
            log.warning("rules_not_asked", cause=error)
            left = [account for account in batch if not account.is_lost]
            again = partial(self.learn_again, left, runtime)
            runtime.later(RETRY_SECONDS, lambda: runtime.spawn(again()))

    async def count_former(self, taken: Sequence[Account]) -> None:
        """What was sent of late for accounts that somebody held before counts too."""
        former: dict[Venue, dict[str, UUID]] = {}
        for account in taken:
            if account.epoch > 1:
                venue = (account.ref.broker, account.ref.environment)
                former.setdefault(venue, {})[account.ref.account] = account.account_id
        for venue, held in former.items():
            await self._limits.charge(venue, held)


def _rules_of(able: Capabilities) -> VenueRules:
    return VenueRules(
        able.ord_types,
        able.quantity_step,
        smallest_quantity=able.smallest_quantity,
        times_in_force=able.times_in_force,
        has_brackets=able.has_brackets,
        keeps_hours=able.keeps_exchange_hours,
    )
