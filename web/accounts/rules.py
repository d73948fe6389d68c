"""What the roles of a workspace may do. Pure."""

# May close what is held.
CLOSERS = frozenset({"owner", "admin", "trader"})

# May let a waiting trade go, or end it.
DECIDERS = frozenset({"owner", "admin", "trader", "approver"})
