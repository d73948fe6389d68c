"""Configuration of the web programs: one frozen object, read once from the environment."""

import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

VARIABLES = (
    "REDIS_URL",
    "FILLWIRE_WEB_DATABASE_URL",
    "FILLWIRE_WORKER_DATABASE_URL",
    "FILLWIRE_STAFF_DATABASE_URL",
    "FILLWIRE_EXECUTION_TARGET",
    "FILLWIRE_CERTIFICATES",
    "FILLWIRE_WEB_URL",
    "FILLWIRE_LIVE_URL",
    "FILLWIRE_WEB_BIND",
    "FILLWIRE_LIVE_BIND",
    "FILLWIRE_DATA_DIR",
    "FILLWIRE_SECRET_KEY",
    "FILLWIRE_SEALING_KEY",
    "FILLWIRE_AUDIT_KEY",
    "FILLWIRE_CHECKPOINTS",
    "FILLWIRE_CHECKPOINT_MAIL",
    "FILLWIRE_INSTANCE",
    "FILLWIRE_WEBHOOK_LIMITS",
    "FILLWIRE_TRUSTED_PROXIES",
    "FILLWIRE_PRODUCTION",
    "FILLWIRE_FAULT",
    "FILLWIRE_SMTP_URL",
    "FILLWIRE_MAIL_FROM",
    "FILLWIRE_SECURITY_CONTACT",
    "FILLWIRE_SECURITY_EXPIRES",
)

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Signs tickets, links and cookies; seals what is stored.
SIGNING, SEALING = "FILLWIRE_SECRET_KEY", "FILLWIRE_SEALING_KEY"
_DEFAULTS: Final = {
    SIGNING: "not-a-secret-set-FILLWIRE_SECRET_KEY",
    SEALING: "bm90LWEtc2VjcmV0LW5vdC1hLXNlY3JldC1ub3QtYSE=",
}


class BadConfig(Exception):
    """A variable is missing or unusable; the message names it and the cure."""


@dataclass(frozen=True)
class WebhookLimits:
    """How many signals one webhook may send."""

    per_minute: int
    per_hour: int


@dataclass(frozen=True)
class Config:
    """What a web, worker, relay or live process needs to know."""

    web_database_url: str
    worker_database_url: str
    staff_database_url: str
    redis_url: str
    execution_target: str
    # What this service shows execution; None: plain text, on the loopback only.
    certificates: Path | None
    web_url: str
    live_url: str
    web_bind: str
    live_bind: str
    data_dir: Path
    secret_key: str
    sealing_key: bytes
    # Signs checkpoints of the audit trail; only the relay has it.
    audit_key: bytes | None
    # A folder to which checkpoints are added, and which nobody reads back.
    checkpoints: Path | None
    # An address that gets the platform's checkpoint once a day.
    checkpoint_mail: str
    instance: str
    # None: each webhook's own limits hold.
    webhook_limits: WebhookLimits | None
    # Empty: mail waits, or is shown on the inbox page.
    smtp_url: str
    mail_from: str
    # Whether whoever sits at this machine may read all mail: only where nobody else comes in.
    inbox: bool
    # Whom to tell of holes, and until when that holds (web.pages.contact).
    security_contact: str
    security_expires: datetime | None
    # Proxies in front that add to X-Forwarded-For; 0: senders reach us themselves.
    trusted_proxies: int = 0

    @property
    def origins(self) -> frozenset[str]:
        """Under which names browsers have our pages: this machine has two."""
        url = urlsplit(self.web_url)
        if url.hostname not in LOOPBACK:
            return frozenset({self.web_url})
        port = f":{url.port}" if url.port else ""
        names = (url.netloc, f"127.0.0.1{port}", f"localhost{port}")
        return frozenset(f"{url.scheme}://{name}" for name in names)


def read(
    environ: dict[str, str] | None = None, *, secrets: Collection[str] = tuple(_DEFAULTS)
) -> Config:
    """The configuration in the environment; of the keys, those that the program works with: the
    others are empty, and good for nothing.

    Raises BadConfig naming the variable.
    """
    env = os.environ if environ is None else environ
    keys = {name: env.get(name, _DEFAULTS[name]) for name in secrets}
    if env.get("FILLWIRE_PRODUCTION") == "1":
        for name, value in keys.items():
            if value == _DEFAULTS[name]:
                raise BadConfig(f"{name} is the default: set a secret of your own")
    key = urlsafe_b64decode(keys.get(SEALING, ""))
    if SEALING in keys and len(key) != 32:
        raise BadConfig(f"{SEALING} must be 32 bytes in base64url")
    signing = urlsafe_b64decode(env.get("FILLWIRE_AUDIT_KEY", "")) or None
    if signing is not None and len(signing) != 32:
        raise BadConfig("FILLWIRE_AUDIT_KEY must be 32 bytes in base64url")
    checkpoints, certificates = env.get("FILLWIRE_CHECKPOINTS"), env.get("FILLWIRE_CERTIFICATES")
    smtp_url = env.get("FILLWIRE_SMTP_URL", "")
    mail_from = env.get("FILLWIRE_MAIL_FROM", "Fillwire <fillwire@localhost>")
    web_url = env.get("FILLWIRE_WEB_URL", "http://127.0.0.1:8000").rstrip("/")
    return Config(
        web_database_url=env.get("FILLWIRE_WEB_DATABASE_URL", ""),
        worker_database_url=env.get("FILLWIRE_WORKER_DATABASE_URL", ""),
        staff_database_url=env.get("FILLWIRE_STAFF_DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        execution_target=env.get("FILLWIRE_EXECUTION_TARGET", "127.0.0.1:50051"),
        certificates=Path(certificates) if certificates else None,
        web_url=web_url,
        live_url=env.get("FILLWIRE_LIVE_URL", "http://127.0.0.1:8001").rstrip("/"),
        web_bind=env.get("FILLWIRE_WEB_BIND", "127.0.0.1:8000"),
        live_bind=env.get("FILLWIRE_LIVE_BIND", "127.0.0.1:8001"),
        data_dir=Path(env.get("FILLWIRE_DATA_DIR", ".fillwire")),
        secret_key=keys.get(SIGNING, ""),
        sealing_key=key,
        audit_key=signing,
        checkpoints=Path(checkpoints) if checkpoints else None,
        checkpoint_mail=env.get("FILLWIRE_CHECKPOINT_MAIL", "").strip().lower(),
        instance=env.get("FILLWIRE_INSTANCE", ""),
        webhook_limits=_limits(env.get("FILLWIRE_WEBHOOK_LIMITS", "")),
        trusted_proxies=_proxies(env.get("FILLWIRE_TRUSTED_PROXIES", "")),
        smtp_url=smtp_url,
        mail_from=mail_from,
        security_contact=_contact(env.get("FILLWIRE_SECURITY_CONTACT", ""), mail_from),
        security_expires=_moment(env.get("FILLWIRE_SECURITY_EXPIRES", "")),
        inbox=not smtp_url
        and env.get("FILLWIRE_PRODUCTION") != "1"
        and urlsplit(web_url).hostname in LOOPBACK,
    )


def _proxies(text: str) -> int:
    if not re.fullmatch(r"\d?", text):
        raise BadConfig(f"FILLWIRE_TRUSTED_PROXIES is {text!r}: write how many there are, 0 to 9")
    return int(text or 0)


def _contact(text: str, mail_from: str) -> str:
    """A URI; without one, whoever mail comes from."""
    contact = text or f"mailto:{parseaddr(mail_from)[1]}"
    if not re.fullmatch(r"(mailto:|https://|tel:)[!-~]+", contact):
        raise BadConfig(
            f"FILLWIRE_SECURITY_CONTACT is {text!r}: write it as mailto:a@b.example or https://…"
        )
    return contact


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except ValueError:
        raise BadConfig(
            f"FILLWIRE_SECURITY_EXPIRES is {text!r}: write it as 2027-06-30T00:00:00Z"
        ) from None


def audit_key(config: Config) -> bytes:
    """What signs checkpoints of the audit trail. Raises BadConfig."""
    if config.audit_key is None:
        raise BadConfig("FILLWIRE_AUDIT_KEY is missing: set 32 random bytes in base64url")
    return config.audit_key


def _limits(text: str) -> WebhookLimits | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+)/minute,(\d+)/hour", text)
    if not match:
        raise BadConfig(f"FILLWIRE_WEBHOOK_LIMITS is {text!r}: write it as 60/minute,500/hour")
    return WebhookLimits(int(match[1]), int(match[2]))
