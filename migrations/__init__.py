"""One Alembic history for web, execution and paper."""
