"""What the roles of a workspace may do. Pure."""

# May let a waiting trade go, or end it.
DECIDERS = frozenset({"owner", "admin", "trader", "approver"})
