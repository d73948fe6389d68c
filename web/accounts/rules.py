"""Roles of a workspace, and what each may do. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What a route may need. `PUBLIC` and `ACCOUNT` are no role's: they need nobody, and anybody
    who is signed in."""

    PUBLIC = "public"
    ACCOUNT = "account"
    LOOK = "look"
    APPROVE = "approve"
    TRADE = "trade"
    CONFIGURE = "configure"
    CONNECT = "connect"
    PUBLISH = "publish"
    MEMBERS = "members"
    OWNER = "owner"


# As pages and refusals say them: to …
WORDS: Mapping[Permission, str] = {
    Permission.PUBLIC: "come in",
    Permission.ACCOUNT: "look after one's own account",
    Permission.LOOK: "see the workspace",
    Permission.APPROVE: "approve and reject what waits, and acknowledge alarms",
    Permission.TRADE: "send signals, close, halt, and set up subscriptions",
    Permission.CONFIGURE: "set up strategies, their defaults and their webhooks",
    Permission.CONNECT: "connect brokers and set their limits",
    Permission.PUBLISH: "write what others read about strategies",
    Permission.MEMBERS: "invite members, give roles and make API keys",
    Permission.OWNER: "make and remove owners",
}

_EVERYTHING = frozenset(Permission)
ROLES: Mapping[str, frozenset[Permission]] = {
    role: frozenset({Permission.PUBLIC, Permission.ACCOUNT, Permission.LOOK}) | more
    for role, more in {
        "owner": _EVERYTHING,
        "admin": _EVERYTHING - {Permission.OWNER},
        "trader": frozenset({Permission.APPROVE, Permission.TRADE}),
        "approver": frozenset({Permission.APPROVE}),
        "publisher": frozenset({Permission.PUBLISH}),
        "viewer": frozenset(),
    }.items()
}

# What an API key may have: everything but one's own account, other people and keys.
SCOPES = (
    Permission.LOOK,
    Permission.APPROVE,
    Permission.TRADE,
    Permission.CONFIGURE,
    Permission.CONNECT,
    Permission.PUBLISH,
)
KEY_ROLES = tuple(role for role in ROLES if role != "owner")
# Whoever has one of these moves money.
MOVES_MONEY = (Permission.TRADE, Permission.APPROVE)


def may(role: str, permission: str) -> bool:
    """Whether a role has a permission; a role that is not known has none."""
    return Permission(permission) in ROLES.get(role, frozenset())


def roles_with(permission: Permission) -> list[str]:
    """The roles that have it, the mightiest first."""
    return [role for role, given in ROLES.items() if permission in given]


def told(role: str) -> list[str]:
    """What it may do beyond looking, in words."""
    return [
        words
        for each, words in WORDS.items()
        if may(role, each) and each not in (Permission.PUBLIC, Permission.ACCOUNT, Permission.LOOK)
    ]


def in_words(roles: list[str]) -> str:
    """`owners, admins and traders`."""
    *most, last = (f"{role}s" for role in roles)
    return f"{', '.join(most)} and {last}" if most else last
