"""Who of staff may see and do what. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final

ROLES: Final = ("viewer", "support", "billing", "engineer", "owner")
ALL: Final = frozenset(ROLES)
_HANDS_ON: Final = frozenset({"support", "engineer", "owner"})
_MACHINES: Final = frozenset({"engineer", "owner"})
_MONEY: Final = frozenset({"billing", "owner"})
_OWNER: Final = frozenset({"owner"})

# Pages by the name of their view.
VIEWS: Final[Mapping[str, frozenset[str]]] = {
    "admin": ALL,
    "staff_accounts": ALL,
    "staff_signals": ALL,
    "staff_trades": ALL,
    "staff_orders": ALL,
    "staff_connections": ALL,
    "staff_queues": ALL,
    "staff_brokers": ALL,
    "staff_plans": ALL,
    "staff_flags": ALL,
    "staff_abuse": ALL,
    "staff_refusals": ALL,
    "staff_audit": ALL,
    "staff_health": ALL,
    "staff_requests": ALL,
    # Only ends a look: also for whoever may look no more.
    "staff_view_as": ALL,
    "staff_people": _MACHINES,
}

# Changes, as the audit trail names them.
ACTS: Final[Mapping[str, frozenset[str]]] = {
    "note": _HANDS_ON | _MONEY,
    "view_as": _HANDS_ON,
    "resend": _HANDS_ON,
    "suspend": _HANDS_ON,
    "ask_reset": _HANDS_ON,
    "decide": _HANDS_ON,
    "throttle": _HANDS_ON,
    "rotate": _HANDS_ON,
    "notice": _HANDS_ON,
    "alarm": _HANDS_ON,
    "refresh": _HANDS_ON,
    "halt": _MACHINES,
    "queue": _MACHINES,
    "flag": _MACHINES,
    "plan": _MONEY,
    "export": _MACHINES,
    "staff": _OWNER,
}

# So many characters tell why.
LEAST_REASON: Final = 10


def may(role: str, act: str) -> bool:
    """Whether a role may do this."""
    return role in ACTS[act]


def may_see(role: str, view: str) -> bool:
    """Whether a role may open a view."""
    return role in VIEWS.get(view, frozenset())


def reason_of(text: str) -> str | None:
    """The reason as it is kept, if it is one."""
    told = " ".join(text.split())[:500]
    return told if len(told) >= LEAST_REASON else None


def comes_from(address: str, networks: list[str]) -> bool:
    """Whether somebody bound to these networks may come from there; none: from anywhere."""
    if not networks:
        return True
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(network) for network in networks)
