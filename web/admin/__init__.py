"""Staff's own site at /admin, with Flask-Admin: they read everything that is listed for them, as a
database role of their own, and each change asks for a reason and leaves an audit event."""
