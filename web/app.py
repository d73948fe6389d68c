"""Put the web program together. Read top to bottom, it is the list of its parts."""

import atexit

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from protos import certificates
from web import api, assets, errors, formats, origins, pages, security
from web import config as configuration
from web.accounts import access, login
from web.accounts.invitation_views import blueprint as invitations
from web.accounts.key_views import blueprint as developers
from web.accounts.member_views import blueprint as members
from web.accounts.passkey_views import blueprint as passkeys
from web.accounts.security_views import blueprint as account_security
from web.accounts.signing_up_views import blueprint as signing_up
from web.accounts.views import blueprint as accounts
from web.addresses import Proxies
from web.alarms.views import blueprint as alarms
from web.api import auth
from web.audit.views import blueprint as activity
from web.boots import Boot
from web.changes.views import blueprint as changes
from web.config import Config
from web.connections.paper_views import blueprint as paper_accounts
from web.connections.views import blueprint as connections
from web.db import db
from web.execution_client import ExecutionClient
from web.mail.views import blueprint as inbox
from web.pages.contact import blueprint as contact
from web.queue import Bell
from web.signals.builder_views import blueprint as builder
from web.signals.intake import Door
from web.signals.service import Intake
from web.signals.views import blueprint as signals
from web.simulation_client import SimulationClient
from web.strategies.views import blueprint as strategies
from web.strategies.webhook_views import blueprint as webhooks
from web.subscriptions.views import blueprint as subscriptions
from web.switches import views as switches
from web.trades.tester import blueprint as tester
from web.trades.views import blueprint as trades

MAX_FORM_BYTES = 256 * 1024

csrf = CSRFProtect()


def create(config: Config | None = None) -> Flask:
    """The Flask application, with intake ready and its boot announced."""
    app = create_site(config)
    _start_intake(app, app.extensions["fillwire.config"])
    return app


def create_site(config: Config | None = None) -> Flask:
    """The Flask application for programs that serve nobody: no intake, no boot."""
    config = config or configuration.read()
    # Browser files have hashed names of their own (web.assets).
    app = Flask(__name__, static_folder=None)
    secure = config.web_url.startswith("https://")
    app.config.update(
        WEB_URL=config.web_url,
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="__Host-fillwire_form" if secure else "fillwire_form",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=secure,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        SQLALCHEMY_DATABASE_URI=_dialect(config.web_database_url),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 8,
            "pool_timeout": 2,
            "pool_pre_ping": True,
            # What failed goes to the log; what people typed does not.
            "hide_parameters": True,
            "connect_args": {
                "connect_timeout": 2,
                "application_name": "fillwire-site",
                "options": "-c statement_timeout=10s -c lock_timeout=5s",
            },
        },
    )
    app.extensions["fillwire.config"] = config
    execution = ExecutionClient(config.execution_target, certificates.at(config.certificates))
    app.extensions["fillwire.execution"] = execution
    app.extensions["fillwire.simulation"] = SimulationClient(execution)
    app.extensions["fillwire.bell"] = Bell(config.redis_url)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    security.install(app, live_url=config.live_url, secure=secure)
    origins.install(app, config.web_url)
    csrf.init_app(app)
    login.install(app)
    access.install(app)
    formats.install(app)
    assets.install(app)
    errors.install(app)
    switches.install(app)
    for blueprint in (
        accounts,
        signing_up,
        account_security,
        passkeys,
        members,
        invitations,
        developers,
        strategies,
        webhooks,
        builder,
        signals,
        subscriptions,
        trades,
        tester,
        alarms,
        activity,
        connections,
        paper_accounts,
        changes,
        inbox,
        switches.blueprint,
    ):
        app.register_blueprint(blueprint)
    pages.install(app)
    app.register_blueprint(contact)
    csrf.exempt(api.blueprint)
    app.register_blueprint(api.blueprint)
    access.check(app)
    auth.check(app)
    return app


def _start_intake(app: Flask, config: Config) -> None:
    boot = Boot(config.web_database_url, "web")
    intake = Intake(config, app.extensions["fillwire.bell"], boot)
    app.extensions["fillwire.intake"] = intake
    app.wsgi_app = Door(app.wsgi_app, intake, config.web_url)  # type: ignore[method-assign]
    if config.trusted_proxies:
        proxies = Proxies(app.wsgi_app, config.trusted_proxies)
        app.wsgi_app = proxies  # type: ignore[method-assign]
    boot.start()
    atexit.register(intake.close)


def _dialect(url: str) -> str:
    """The URL with the driver that SQLAlchemy shall use."""
    _, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}"
