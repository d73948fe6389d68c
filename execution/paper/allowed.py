"""Who may call which method of the venue. What is not listed, nobody may."""

from execution.guard import HEALTH, Allowed
from protos.services import Service

_VENUE = "/fillwire.paper.v1.Venue/"
_KEYS = "/fillwire.paper.v1.Keys/"
_EXECUTION = {Service.EXECUTION}
# What a real venue does by itself, and nobody can ask it for.
_ITSELF = {Service.OPERATOR}

ALLOWED: Allowed = {
    **HEALTH,
    f"{_VENUE}Session": _EXECUTION,
    f"{_VENUE}GetOrders": _EXECUTION,
    f"{_VENUE}GetAccount": _EXECUTION,
    f"{_VENUE}GetOptions": _EXECUTION,
    f"{_VENUE}GetQuotes": _EXECUTION,
    f"{_VENUE}GetChain": _EXECUTION,
    f"{_VENUE}GetPositions": _EXECUTION,
    f"{_VENUE}ConfigureAccount": _EXECUTION,
    f"{_VENUE}ResetAccount": _EXECUTION,
    f"{_VENUE}ListMisdeeds": _EXECUTION,
    f"{_VENUE}TransferPosition": _ITSELF,
    f"{_VENUE}BustFill": _ITSELF,
    f"{_KEYS}LogIn": _EXECUTION,
    # As on the pages of a broker.
    f"{_KEYS}IssueKey": _ITSELF,
    f"{_KEYS}RevokeKey": _ITSELF,
    f"{_KEYS}ListKeys": _ITSELF,
}
