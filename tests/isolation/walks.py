"""How each route is asked: one line a route. A new route without one fails test_walker by name.

Ids in the path are found by themselves. A line names the others, as `query`, `form` or `json`
with the kind of id, what else the route must be given, and, where it is so, that it takes no id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.site.test_connector import TERMS

Ids = Mapping[str, str]


@dataclass(frozen=True)
class Walk:
    """One way to ask a route. A kind in brackets, `[trade]`, is a list of one."""

    query: Ids = field(default_factory=dict)
    form: Ids = field(default_factory=dict)
    json: Ids = field(default_factory=dict)
    # The kinds of ids in the path that its converter does not tell.
    path: Ids = field(default_factory=dict)
    # What else is sent, in the form or the JSON; words of the path among it.
    given: Mapping[str, Any] = field(default_factory=dict)
    # Ids that only narrow a list: nobody's gives an empty one, and so does another tenant's.
    narrows: frozenset[str] = frozenset()
    # Why our own id is answered 404 too; otherwise it must be found.
    unproven: str = ""


def only(*names: str, **kinds: str) -> Walk:
    """A list that these ids narrow."""
    return Walk(query=kinds, narrows=frozenset(kinds) | set(names))


HELD = {"instrument": "AAPL", "key": "walked", "quantity": ""}
QUANTITY = {"quantity.source": "own", "quantity.value": "4"}
MESSAGE = {"message": {"ticker": "AAPL", "action": "buy", "quantity": 5}}
STOP = {"mode": "stop_all"}
WAITS, DOUBTFUL = {"trade_id": "waiting"}, {"trade_id": "doubtful"}
SUBSCRIPTIONS = {"subscription_ids": "[subscription]"}
PAIR = {"strategy_id": "strategy", "connection_id": "connection"}
CLOSES = {"connection_id": "connection", "subscription_id": "subscription"}
HALTS = {"scope": "strategy", "mode": "stop_all", "why": "walked"}
UNRECORDED = "the trade has no record to replay; api.replay_trade finds it and says so"
GONE = "a link is its own token: test_people_audited uses them"

PLAIN = Walk()
WALKS: dict[str, Walk | list[Walk]] = {
    # Of nobody, or of whoever is signed in: nothing of another may show.
    "asset": Walk(given={"hashed_name": "x"}, unproven="a file"),
    "pages.home": PLAIN,
    "pages.refusals": PLAIN,
    "pages.why": PLAIN,
    "pages.healthz": PLAIN,
    "mail.inbox": Walk(unproven="closed where mail is sent; see web/mail/views.py"),
    "changes.changes": Walk(query={"after": "strategy"}, narrows=frozenset({"after"})),
    "changes.ticket": PLAIN,
    "accounts.sign_in": PLAIN,
    "accounts.open_session": PLAIN,
    "accounts.second_step": PLAIN,
    "accounts.complete": PLAIN,
    "accounts.close_session": PLAIN,
    "signing_up.sign_up": PLAIN,
    "signing_up.create": PLAIN,
    "signing_up.terms": PLAIN,
    "contact.security_txt": PLAIN,
    "signing_up.ask_again": PLAIN,
    "signing_up.forgotten": PLAIN,
    "signing_up.ask_reset": PLAIN,
    "signing_up.confirm": Walk(given={"token": "x"}, unproven=GONE),
    "signing_up.confirmed": Walk(given={"token": "x"}, unproven=GONE),
    "signing_up.reset": Walk(given={"token": "x"}, unproven=GONE),
    "signing_up.choose": Walk(given={"token": "x"}, unproven=GONE),
    "passkeys.create": PLAIN,
    "passkeys.show": PLAIN,
    "passkeys.sign_in": PLAIN,
    "passkeys.sign_up": PLAIN,
    "passkeys.begin_sign_up": PLAIN,
    # One's own account.
    "account_security.page": PLAIN,
    "privacy.page": PLAIN,
    "privacy.ask_file": PLAIN,
    "privacy.take_file": Walk(unproven="one's own, and nobody's is ready here: test_privacy"),
    "privacy.confirm": PLAIN,
    "privacy.erase": PLAIN,
    "privacy.cancel": PLAIN,
    "activity.mail_checkpoints": PLAIN,
    "account_security.add_passkey": PLAIN,
    "account_security.name_passkey": Walk(path={"passkey_id": "passkey"}, given={"name": "x"}),
    "account_security.remove_passkey": Walk(path={"passkey_id": "passkey"}),
    "account_security.password": PLAIN,
    "account_security.prove": PLAIN,
    "account_security.draw_codes": PLAIN,
    "account_security.revoke": Walk(path={"session_id": "session"}),
    "account_security.revoke_others": PLAIN,
    "account_security.begin_totp": PLAIN,
    "account_security.confirm_totp": PLAIN,
    "account_security.remove_totp": PLAIN,
    # The workspace's people and keys.
    "members.page": PLAIN,
    "members.invite": Walk(given={"email": "walked@fillwire.test", "role": "viewer"}),
    "members.withdraw": Walk(path={"invitation_id": "invitation"}),
    "members.change_role": Walk(path={"person_id": "member"}, given={"role": "trader"}),
    "members.remove": Walk(path={"person_id": "member"}),
    "members.leave": PLAIN,
    "members.rename": Walk(given={"name": "Walked"}),
    "members.create": PLAIN,
    "members.switch": Walk(form={"workspace": "tenant"}),
    "invitations.page": Walk(given={"token": "x"}, unproven=GONE),
    "invitations.accept": Walk(given={"token": "x"}, unproven=GONE),
    "invitations.sign_up": Walk(given={"token": "x"}, unproven=GONE),
    "developers.page": PLAIN,
    "developers.create": Walk(given={"name": "Walked", "mode": "test", "role": "viewer"}),
    "developers.revoke": Walk(path={"key_id": "api_key"}),
    # Lists.
    "activity.index": only(subject="strategy", actor="member"),
    "activity.checkpoint": PLAIN,
    "activity.download": PLAIN,
    "activity.verifier": PLAIN,
    "activity.recompute": PLAIN,
    "alarms.index": PLAIN,
    "alarms.banner": PLAIN,
    "alarms.count": PLAIN,
    "connections.index": PLAIN,
    "signals.index": PLAIN,
    "strategies.index": PLAIN,
    "strategies.new": PLAIN,
    "switches.index": PLAIN,
    "trades.index": PLAIN,
    "trades.orders": PLAIN,
    "trades.positions": PLAIN,
    "trades.approvals": PLAIN,
    "trades.approvals_count": PLAIN,
    # Pages of one thing, and what is done there.
    "alarms.acknowledge": PLAIN,
    "connections.create": Walk(given={"name": "Walked"}),
    "keys.choose": PLAIN,
    "keys.form": Walk(given={"broker": "paper"}),
    "keys.connect": Walk(given={"broker": "paper", "do": "test"}),
    "keys.page": PLAIN,
    "keys.replace": Walk(given={"do": "test"}),
    "keys.remove": PLAIN,
    "paper.page": PLAIN,
    "paper.set_feed": Walk(form={"followed": "connection"}, given={"feed": "account"}),
    "paper.begin_game_day": Walk(given={"length": "15m", "drop": "5"}),
    "paper.end_game_day": PLAIN,
    "paper.set_model": PLAIN,
    "paper.reset": Walk(given={"do": "confirmed"}),
    "signals.page": PLAIN,
    "strategies.create": Walk(given={"name": "Walked", "asset_class": "stocks"}),
    "strategies.page": PLAIN,
    "strategies.connector": PLAIN,
    "strategies.save_connector": Walk(given={"name": "Walked", **TERMS}),
    "strategies.new_token": PLAIN,
    "strategies.end_token_overlap": PLAIN,
    "strategies.switch": Walk(given={"enabled": "0"}),
    "strategies.subscribe": Walk(form={"connection_id": "connection"}),
    "strategies.test_signal": Walk(given={"action": "buy"}),
    "builder.page": PLAIN,
    "builder.build": PLAIN,
    "tester.page": Walk(query={"signal": "signal"}),
    "tester.ask": PLAIN,
    "webhooks.page": PLAIN,
    "webhooks.allow": Walk(given={"senders": "trendspider"}),
    "webhooks.end_overlap": PLAIN,
    "webhooks.merge_repeats": Walk(given={"dedupe_seconds": "3"}),
    "webhooks.rotate": PLAIN,
    "webhooks.sign": Walk(given={"do": "sign"}),
    "subscriptions.page": PLAIN,
    "subscriptions.save": Walk(given=QUANTITY),
    "subscriptions.switch": Walk(given={"enabled": "0"}),
    "subscriptions.preview_page": Walk(given=QUANTITY),
    "subscriptions.defaults": PLAIN,
    "subscriptions.save_defaults": Walk(given={**QUANTITY, "do": "confirmed"}),
    "switches.confirm_connection": Walk(given=STOP),
    "switches.halt_connection": Walk(given=STOP),
    "switches.confirm_strategy": Walk(given=STOP),
    "switches.halt_strategy": Walk(given=STOP),
    "switches.confirm_tenant": Walk(given=STOP),
    "switches.halt_tenant": Walk(given=STOP),
    "switches.limit": Walk(given={"max_daily_loss": "100"}),
    "trades.page": PLAIN,
    "trades.replayed": Walk(unproven=UNRECORDED),
    "trades.decide": [
        Walk(path=WAITS, given={"verb": "reject"}),
        Walk(path=WAITS, given={"verb": "approve"}),
        Walk(path=WAITS, given={"verb": "cancel"}),
        Walk(path=DOUBTFUL, given={"verb": "check"}),
        Walk(path=DOUBTFUL, given={"verb": "declare_absent"}),
        Walk(path=DOUBTFUL, given={"verb": "declare_present"}),
    ],
    "trades.decide_many": [
        Walk(form={"trade_id": "waiting"}, given={"verb": "reject"}),
        Walk(form={"trade_id": "waiting"}, given={"verb": "approve"}),
    ],
    "trades.confirm_close": Walk(query=CLOSES, given={"instrument": "AAPL"}),
    "trades.close": Walk(form=CLOSES, given=HELD),
    # The API.
    "api.list_alarms": PLAIN,
    "api.list_approvals": PLAIN,
    "api.list_attention": PLAIN,
    "api.list_connections": PLAIN,
    "api.list_limits": PLAIN,
    "api.list_orders": PLAIN,
    "api.list_positions": PLAIN,
    "api.list_signals": only(strategy_id="strategy"),
    "api.list_strategies": PLAIN,
    "api.list_subscriptions": PLAIN,
    "api.list_switches": PLAIN,
    "api.list_trades": only(signal_id="signal"),
    "api.settings_schema": PLAIN,
    "api.newest_checkpoint": PLAIN,
    "api.export_trail": PLAIN,
    "api.acknowledge_alarm": PLAIN,
    "api.create_connection": Walk(given={"name": "Walked"}),
    "api.get_connection": PLAIN,
    "api.set_limits": Walk(json={"connection_id": "connection"}),
    "api.close_position": Walk(json=CLOSES, given=HELD),
    "api.get_signal": PLAIN,
    "api.create_strategy": Walk(given={"name": "Walked"}),
    "api.get_strategy": PLAIN,
    "api.change_strategy": Walk(given={"enabled": False}),
    "api.save_connector": Walk(given=TERMS),
    "api.draw_connector_token": PLAIN,
    "api.end_connector_overlap": PLAIN,
    "api.explain_message": Walk(json=SUBSCRIPTIONS, given=MESSAGE),
    "api.get_strategy_settings": PLAIN,
    "api.change_strategy_settings": Walk(given={"settings": {"quantity": "7"}}),
    "api.read_webhook": PLAIN,
    "api.change_webhook": Walk(given={"senders": "trendspider"}),
    "api.end_webhook_overlap": PLAIN,
    "api.rotate_webhook": PLAIN,
    "api.sign_webhook": PLAIN,
    "api.stop_signing_webhook": PLAIN,
    "api.end_signing_overlap": PLAIN,
    "api.create_subscription": Walk(json=PAIR),
    "api.get_subscription": PLAIN,
    "api.change_subscription": Walk(given={"settings": {"quantity": "3"}}),
    "api.explain_signal": Walk(query={"signal": "signal"}),
    "api.get_subscription_settings": PLAIN,
    "api.change_subscription_settings": Walk(given={"settings": {"quantity": "7"}}),
    "api.set_switch": [
        Walk(json={"id": "strategy"}, given=HALTS),
        Walk(json={"id": "connection"}, given={**HALTS, "scope": "connection"}),
        Walk(
            json={"id": "tenant"},
            given={**HALTS, "scope": "tenant"},
            narrows=frozenset({"id"}),
        ),
    ],
    "api.get_trade": PLAIN,
    "api.approve_trade": Walk(path=WAITS),
    "api.reject_trade": Walk(path=WAITS),
    "api.cancel_trade": Walk(path=WAITS),
    "api.check_trade": Walk(path=DOUBTFUL),
    "api.declare_trade": Walk(path=DOUBTFUL, given={"order": "absent"}),
    "api.replay_trade": PLAIN,
}


def of(endpoint: str) -> list[Walk]:
    """The ways to ask a route. Raises KeyError where it has no line."""
    found = WALKS[endpoint]
    return found if isinstance(found, list) else [found]
