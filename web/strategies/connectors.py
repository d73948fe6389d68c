"""Make and change the connector of a strategy: name, token, and how messages are read."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import current_app
from sqlalchemy.exc import IntegrityError

from protos import ids
from web.audit import service as audit
from web.config import Config
from web.db import db
from web.strategies import formers, rules, secrets
from web.strategies import service as strategies
from web.strategies.formers import Kind, TooManyFormers
from web.strategies.models import FormerSecret, Strategy, StrategyConnector
from web.strategies.rules import BadConnector

# What may be kept of another product's token, and still not be guessed.
SHORTEST_TOKEN, LONGEST_TOKEN = 16, 200


@dataclass(frozen=True)
class Shown:
    """A connector as its owner sees it, secret included."""

    url: str
    name: str
    token: str
    instrument: str
    market: str
    mode: str
    leverage_convention: str
    leverage: Decimal
    reserve_percent: Decimal
    # When each former token stops to work.
    formers: Sequence[datetime]


def shown(strategy: Strategy) -> Shown | None:
    """What to copy into messages, if the strategy has a connector."""
    row = of(strategy)
    if row is None:
        return None
    token = secrets.unseal(_config().sealing_key, row.strategy_id, row.token_sealed)
    terms = {name: getattr(row, name) for name in rules.TERMS}
    until = [each.until for each in former_tokens(row)]
    url = f"{_config().web_url}{rules.SHARED_PATH}"
    return Shown(url, row.name, token, **terms, formers=until)


def of(strategy: Strategy) -> StrategyConnector | None:
    """The connector of one's own strategy, if it has one."""
    return db.session.get(StrategyConnector, strategy.id)


def former_tokens(row: StrategyConnector) -> list[FormerSecret]:
    """Tokens before this one that still work."""
    return formers.of(row.strategy_id, Kind.CONNECTOR)


def save(strategy: Strategy, given: Mapping[str, str], *, actor: str) -> StrategyConnector:
    """Make the connector, or change what is given of it.

    `token` brings one along; without it the first is drawn, and later ones are kept. The
    token there was works for the overlap. Raises BadConnector.
    """
    row = _locked(strategy)
    before = None if row is None else _facts(row)
    terms = rules.read_terms({**_stored(row), **_present(given)}, strategy.asset_class)
    name = _name(given.get("name") or (strategy.name if row is None else row.name))
    token = _token(given.get("token", ""))
    if row is None:
        row = StrategyConnector(strategy_id=strategy.id, tenant_id=strategy.tenant_id)
        token = token or str(uuid4())
    if token:
        _set_token(strategy, row, token)
    row.name = name
    row.instrument = terms.instrument
    row.market, row.mode = str(terms.market), str(terms.mode)
    row.leverage_convention = str(terms.convention)
    row.leverage, row.reserve_percent = terms.leverage, terms.reserve_percent
    _store(strategy, row, before, actor)
    return row


def draw_token(strategy: Strategy, *, actor: str) -> None:
    """A new token; the one there was works for the overlap.

    Raises BadConnector.
    """
    row = _locked(strategy)
    if row is None:
        return
    before = _facts(row)
    _set_token(strategy, row, str(uuid4()))
    _store(strategy, row, before, actor)


def end_overlap(strategy: Strategy, *, actor: str) -> None:
    """Only the newest token works from here on."""
    row = _locked(strategy)
    if row is None:
        return
    before = _facts(row)
    if formers.end(strategy.id, Kind.CONNECTOR):
        _store(strategy, row, before, actor)


def _locked(strategy: Strategy) -> StrategyConnector | None:
    """The connector, held: of two changes at once the second sees the first."""
    return db.session.get(StrategyConnector, strategy.id, with_for_update=True)


def _store(
    strategy: Strategy, row: StrategyConnector, before: dict[str, Any] | None, actor: str
) -> None:
    verb = "make" if before is None else "change"
    db.session.add(row)
    try:
        strategies.bump(strategy.id)
    except IntegrityError as error:
        db.session.rollback()
        fix = "Use another token, or another name."
        raise BadConnector("token", "This name and token are taken.", fix) from error
    subject = ids.show("strategy", strategy.id)
    audit.record(actor, f"connector:{verb}", subject, before=before, after=_facts(row))
    db.session.commit()


def _set_token(strategy: Strategy, row: StrategyConnector, token: str) -> None:
    digest = secrets.digest(token)
    if row.token_hash is not None and not hmac.compare_digest(row.token_hash, digest):
        try:
            formers.keep(strategy, Kind.CONNECTOR, row.token_hash)
        except TooManyFormers as error:
            message = f"{formers.MOST} former tokens still work."
            raise BadConnector("token", message, "End the overlap first.") from error
    formers.forget(strategy.id, Kind.CONNECTOR, digest)
    row.token_hash = digest
    row.token_sealed = secrets.seal(_config().sealing_key, row.strategy_id, token)


def _token(raw: str) -> str:
    """A token that was brought along, or none."""
    token = raw.strip()
    if token and not (SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN and token.isprintable()):
        message = f"A token has {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters."
        raise BadConnector("token", message, "Leave it out, and one is drawn.")
    return token


def _name(raw: str) -> str:
    trimmed = raw.strip()
    if not (1 <= len(trimmed) <= 100 and trimmed.isprintable()):
        raise BadConnector("name", "A name has 1 to 100 characters.", "Give it a name.")
    return trimmed


def _present(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in rules.TERMS if given.get(name)}


def _stored(row: StrategyConnector | None) -> dict[str, str]:
    return {} if row is None else {name: str(getattr(row, name)) for name in rules.TERMS}


def _facts(row: StrategyConnector) -> dict[str, Any]:
    """What the audit remembers: of the token only that it is another."""
    former = [each.secret_hash.hex()[:8] for each in former_tokens(row)]
    return {
        **_stored(row),
        "name": row.name,
        "token_hash": row.token_hash.hex()[:8],
        "former_tokens": former,
    }


def _config() -> Config:
    config: Config = current_app.extensions["fillwire.config"]
    return config
