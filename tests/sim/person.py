"""Somebody who looks at the venue for orders that nobody can prove anything of, and declares
what never came there absent; in every other run at a venue that proves nothing."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

from protos.execution.v1 import execution_pb2 as pb
from tests.sim.instance import Instance
from tests.sim.record import Record
from tests.sim.venue import Venue

# How likely it is that a doubt is looked after at a look.
_LIKELY = 0.3


class Person:
    """What it says follows from the seed, and takes nothing from what else does."""

    def __init__(self, seed: int, venue: Venue) -> None:
        self._dice, self._venue = Random(f"{seed}/person"), venue
        self._is_there = not venue.habits.refuses_repeats and self._dice.random() < 0.5

    def look(self, record: Record, instances: Sequence[Instance]) -> bool:
        """Say what is known of some doubt by now; True while there is one to look after. What
        is on its way for long, or held by who stands still, may come after it was said."""
        if not (self._is_there and record.comes_in_time and all(i.is_awake for i in instances)):
            return False
        absent = [trade.id for trade in record.trades if self._never_came(record, trade.id)]
        for trade_id in absent:
            if instances and self._dice.random() < _LIKELY:
                word = pb.DOUBT_WORD_ABSENT
                request = pb.ResolveDoubtRequest(trade_id=trade_id.hex, word=word)
                self._dice.choice(instances).declare(request)
        return bool(absent)

    def _never_came(self, record: Record, trade_id: UUID) -> bool:
        told, guarded = record.last_outcome(trade_id), record.last_protection(trade_id)
        doubted = guarded.numbers.get("doubted", "").split() if guarded is not None else []
        if told.state == pb.TRADE_STATE_NEEDS_ATTENTION:
            doubted += told.numbers.get("doubted", "").split()
        if not doubted:
            return False
        account = self._venue.account(record.trade[trade_id].to.account)
        return not any(name.partition(".")[0] in account.orders for name in doubted)
