"""Asks a broker for as much of an option chain as it takes to find the contract meant."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from execution.brokers.base import ChainSnapshot
from execution.domain import chains
from execution.domain.chains import Choice
from execution.domain.options import OptionContract

# Strikes on each side of the money, one look after the other.
_WIDTHS = (10, 40, 100)


class Chains(Protocol):
    """Whoever has chains: an adapter, or somebody who asks it at the right time."""

    async def chain(
        self,
        underlying: str,
        earliest: date,
        *,
        strikes: int,
        reference_price: Decimal | None = None,
    ) -> ChainSnapshot | None:
        """See Adapter."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The contract, and the chain that it was chosen from: kept with the trade."""

    contract: OptionContract
    chain: ChainSnapshot


async def find(
    broker: Chains,
    underlying: str,
    choice: Choice,
    *,
    strikes: int = 0,
    reference_price: Decimal | None = None,
) -> Chosen | None:
    """The contract that a choice means; None when the broker lists none such.

    `strikes` is how many to begin with; it never bounds what may be chosen. Raises InDoubt.
    """
    for width in (*((strikes,) if strikes else ()), *(w for w in _WIDTHS if w > strikes)):
        chain = await broker.chain(
            underlying, choice.earliest, strikes=width, reference_price=reference_price
        )
        spot = None if chain is None else chain.underlying.last
        # Brokers say zero where there is no price.
        if chain is None or spot is None or spot <= 0:
            return None
        contract = chains.pick(chain.contracts, spot, choice)
        if contract is not None:
            return Chosen(contract, chain)
    return None
