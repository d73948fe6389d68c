"""What each account's venue does for it: asked when the account is taken, and when it changed."""

from collections.abc import Mapping, Sequence

from execution.accounts import Account
from execution.brokers.base import Adapter, Capabilities
from execution.domain.decisions import VenueRules
from execution.limits import Limits

Venue = tuple[str, str]


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


def _rules_of(able: Capabilities) -> VenueRules:
    return VenueRules(
        able.ord_types,
        able.quantity_step,
        smallest_quantity=able.smallest_quantity,
        times_in_force=able.times_in_force,
        has_brackets=able.has_brackets,
        keeps_hours=able.keeps_exchange_hours,
    )
