"""Fillwire web: knows who trades what."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from web.config import Config


def create_app(config: "Config | None" = None) -> "Flask":
    """The web program: intake, pages and API."""
    from web import app

    return app.create(config)
