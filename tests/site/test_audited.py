"""Every route that writes leaves an event: who, what, from what to what, from where."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from protos import ids
from tests.keys_stand import Stand
from tests.site import test_broker_keys as broker_keys
from tests.site.conftest import PASSWORD, Site, Workspace, add_alarm, add_trade, csrf
from tests.site.test_broker_keys import stand
from tests.site.test_connector import TERMS
from tests.site.test_paper_account import Execution, execution
from tests.site.test_people_audited import DEEDS
from tests.site.test_staff_audited import COMINGS
from tests.site.test_staff_audited import DEEDS as STAFF
from tests.site.trail import transactions
from web.audit.declared import exemption

__all__ = ["execution", "stand"]

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Drive:
    """One use of a route, and what the trail shall say of it."""

    path: Callable[[Site], str]
    action: str
    given: Callable[[Site], dict[str, Any]] = lambda site: {}


def at(path: str) -> Callable[[Site], str]:
    """A path of our workspace's own objects."""
    kinds = ("strategy", "subscription", "connection", "trade")
    return lambda site: path.format(**{kind: site.ours.shown(kind) for kind in kinds})


def give(**given: Any) -> Callable[[Site], dict[str, Any]]:
    """These fields."""
    return lambda site: given


def waiting(site: Site) -> str:
    """A trade that waits for a person."""
    trade = add_trade(site.owner, site.ours, uuid4(), state="QUEUED")
    site.owner.execute(
        "UPDATE web.trades SET state = 'WAITING_APPROVAL', "
        "approval_expires_at = now() + interval '1 day' WHERE id = %s",
        (trade,),
    )
    return ids.show("trade", trade)


def doubtful(site: Site) -> str:
    """A trade whose order nobody can prove anything of."""
    state = {"state": "NEEDS_ATTENTION", "reason": "not_provable"}
    return ids.show("trade", add_trade(site.owner, site.ours, uuid4(), **state))


def alarm(site: Site) -> str:
    """An open alarm."""
    return ids.show("alarm", add_alarm(site.owner, site.ours))


def pair(site: Site) -> dict[str, Any]:
    """A strategy and a connection that are not joined yet."""
    _, strategy = site.api(site.ours, "POST", "/strategies", name="Joined")
    return {"strategy_id": strategy["id"], "connection_id": site.ours.shown("connection")}


def held(site: Site) -> dict[str, Any]:
    """What closes a position."""
    return {
        "connection_id": site.ours.shown("connection"),
        "instrument": "AAPL",
        "key": uuid4().hex,
    }


def fresh_strategy(path: str) -> Callable[[Site], str]:
    """A path of a strategy without subscriptions."""
    return lambda site: path.format(strategy=pair(site)["strategy_id"])


KEYED: list[str] = []


def keyed(site: Site) -> str:
    """The keys of a connection that has some."""
    KEYED.append(broker_keys.account())
    return broker_keys.connect(broker_keys.ours(site), _issue(site))


def fresh_keys(site: Site) -> dict[str, Any]:
    """Of a new account."""
    KEYED.append(broker_keys.account())
    return {**broker_keys.given(_issue(site)), "do": "save", "name": "Keyed"}


def other_keys(site: Site) -> dict[str, Any]:
    """Of the account that was connected last."""
    return {**broker_keys.given(_issue(site)), "do": "save"}


def _issue(site: Site) -> tuple[str, str]:
    stand: Stand = site.app.extensions["tests.stand"]
    return stand.issue(KEYED[-1])


CONNECTION, STRATEGY = "/connections/{connection}", "/strategies/{strategy}"
SUBSCRIPTION = "/subscriptions/{subscription}"
QUANTITY = {"quantity.source": "own", "quantity.value": "4"}
DRIVES = {
    "activity.mail_checkpoints": Drive(
        at("/activity/checkpoint-mail"), "checkpoints:mail", give(on="1")
    ),
    "accounts.open_session": Drive(at("/sign-in"), "session:open"),
    "accounts.close_session": Drive(at("/sign-out"), "session:close"),
    "strategies.create": Drive(
        at("/strategies/new"), "strategy:create", give(name="Fresh", asset_class="stocks")
    ),
    "strategies.switch": Drive(at(f"{STRATEGY}/enabled"), "strategy:change", give(enabled="0")),
    "strategies.save_connector": Drive(
        fresh_strategy(f"{STRATEGY}/connector"),
        "connector:make",
        give(name="C", **TERMS),
    ),
    "strategies.new_token": Drive(at(f"{STRATEGY}/connector/token"), "connector:change"),
    "strategies.end_token_overlap": Drive(
        at(f"{STRATEGY}/connector/token/end-overlap"), "connector:change"
    ),
    "webhooks.allow": Drive(
        at(f"{STRATEGY}/webhook"), "webhook:change", give(senders="trendspider")
    ),
    "webhooks.merge_repeats": Drive(
        at(f"{STRATEGY}/webhook/repeats"), "webhook:change", give(dedupe_seconds="30")
    ),
    "webhooks.rotate": Drive(at(f"{STRATEGY}/webhook/rotate"), "webhook:rotate"),
    "webhooks.end_overlap": Drive(at(f"{STRATEGY}/webhook/end-overlap"), "webhook:end-overlap"),
    "webhooks.sign": Drive(at(f"{STRATEGY}/webhook/signing"), "webhook:sign", give(do="sign")),
    "api.sign_webhook": Drive(at(f"{STRATEGY}/webhook/signing"), "webhook:sign"),
    "api.stop_signing_webhook": Drive(at(f"{STRATEGY}/webhook/signing"), "webhook:stop-signing"),
    "api.end_signing_overlap": Drive(
        at(f"{STRATEGY}/webhook/signing/end-overlap"), "webhook:end-signing-overlap"
    ),
    "api.change_webhook": Drive(
        at(f"{STRATEGY}/webhook"), "webhook:change", give(senders="trendspider")
    ),
    "api.rotate_webhook": Drive(at(f"{STRATEGY}/webhook/rotate"), "webhook:rotate"),
    "api.end_webhook_overlap": Drive(at(f"{STRATEGY}/webhook/end-overlap"), "webhook:end-overlap"),
    "api.draw_connector_token": Drive(at(f"{STRATEGY}/connector/token"), "connector:change"),
    "api.end_connector_overlap": Drive(
        at(f"{STRATEGY}/connector/token/end-overlap"), "connector:change"
    ),
    "strategies.subscribe": Drive(
        fresh_strategy(f"{STRATEGY}/subscribe"),
        "subscription:create",
        lambda site: {"connection_id": site.ours.shown("connection")},
    ),
    "subscriptions.save": Drive(at(SUBSCRIPTION), "subscription:change", give(**QUANTITY)),
    "subscriptions.switch": Drive(
        at(f"{SUBSCRIPTION}/enabled"), "subscription:change", give(enabled="0")
    ),
    "subscriptions.save_defaults": Drive(
        at(f"{STRATEGY}/settings"), "strategy:change", give(**QUANTITY, do="confirmed")
    ),
    "trades.close": Drive(at("/positions/close"), "position:ask_close", held),
    "trades.decide_many": Drive(
        at("/approvals"), "trade:reject", lambda s: {"verb": "reject", "trade_id": waiting(s)}
    ),
    "trades.decide": Drive(lambda site: f"/trades/{waiting(site)}/reject", "trade:reject"),
    "alarms.acknowledge": Drive(
        lambda site: f"/alarms/{alarm(site)}/acknowledge", "alarm:acknowledge"
    ),
    "connections.create": Drive(at("/connections"), "connection:create", give(name="New")),
    "keys.connect": Drive(at(broker_keys.NEW), "connection:create", fresh_keys),
    "keys.replace": Drive(keyed, "connection:keys_replace", other_keys),
    "keys.remove": Drive(lambda site: f"{keyed(site)}/remove", "connection:keys_remove"),
    "paper.begin_game_day": Drive(
        at(f"{CONNECTION}/game-day"), "connection:game_day_begin", give(length="15m", drop="5")
    ),
    "paper.end_game_day": Drive(at(f"{CONNECTION}/game-day/end"), "connection:game_day_end"),
    "paper.set_model": Drive(at(f"{CONNECTION}/model"), "connection:trading_model"),
    "paper.set_feed": Drive(at(f"{CONNECTION}/feed"), "connection:feed", give(feed="signal")),
    "paper.reset": Drive(at(f"{CONNECTION}/reset"), "connection:reset", give(do="confirmed")),
    "switches.halt_tenant": Drive(at("/halt/tenant/stop_all"), "switch:ask"),
    "switches.halt_strategy": Drive(at(f"/halt{STRATEGY}/stop_all"), "switch:ask"),
    "switches.halt_connection": Drive(at(f"/halt{CONNECTION}/stop_all"), "switch:ask"),
    "switches.limit": Drive(at("/halt/limits/{connection}"), "limits:ask"),
    "api.create_strategy": Drive(at("/strategies"), "strategy:create", give(name="By key")),
    "api.change_strategy": Drive(at(STRATEGY), "strategy:change", lambda s: {"name": uuid4().hex}),
    "api.save_connector": Drive(
        fresh_strategy(f"{STRATEGY}/connector"), "connector:make", give(**TERMS)
    ),
    "api.create_connection": Drive(at("/connections"), "connection:create", give(name="By key")),
    "api.create_subscription": Drive(at("/subscriptions"), "subscription:create", pair),
    "api.change_subscription": Drive(
        at(SUBSCRIPTION), "subscription:change", give(settings={"quantity": "3"})
    ),
    "api.approve_trade": Drive(
        lambda site: f"/trades/{waiting(site)}/approve", "trade:approve", give(accept_drift=True)
    ),
    "api.reject_trade": Drive(lambda site: f"/trades/{waiting(site)}/reject", "trade:reject"),
    "api.cancel_trade": Drive(lambda site: f"/trades/{waiting(site)}/cancel", "trade:cancel"),
    "api.close_position": Drive(at("/positions/close"), "position:ask_close", held),
    "api.check_trade": Drive(lambda site: f"/trades/{doubtful(site)}/check", "trade:check"),
    "api.declare_trade": Drive(
        lambda site: f"/trades/{doubtful(site)}/declare",
        "trade:declare_absent",
        give(order="absent"),
    ),
    "api.acknowledge_alarm": Drive(
        lambda site: f"/alarms/{alarm(site)}/acknowledge", "alarm:acknowledge"
    ),
    "api.change_subscription_settings": Drive(
        at(f"{SUBSCRIPTION}/settings"),
        "subscription:change",
        give(settings={"quantity": "7"}),
    ),
    "api.change_strategy_settings": Drive(
        at(f"{STRATEGY}/settings"), "strategy:change", give(settings={"quantity": "7"})
    ),
    "api.set_switch": Drive(
        at("/switches"), "switch:ask", give(scope="tenant", mode="stop_all", why="drill")
    ),
    "api.set_limits": Drive(
        at("/limits"), "limits:ask", lambda s: {"connection_id": s.ours.shown("connection")}
    ),
}
# Changes begin from the other side of what they say.
BEFORE: dict[str, tuple[str, dict[str, Any]]] = {
    "strategies.switch": ("/strategies/{strategy}", {"enabled": True}),
    "subscriptions.switch": ("/subscriptions/{subscription}", {"enabled": True}),
    "subscriptions.save": ("/subscriptions/{subscription}", {"settings": {"quantity": "9"}}),
    "subscriptions.save_defaults": ("/strategies/{strategy}", {"settings": {"quantity": "9"}}),
    "api.change_subscription": ("/subscriptions/{subscription}", {"settings": {"quantity": None}}),
    "api.change_subscription_settings": (
        "/subscriptions/{subscription}",
        {"settings": {"quantity": None}},
    ),
    "api.change_strategy_settings": (
        "/strategies/{strategy}",
        {"settings": {"quantity": None}, "enabled": True},
    ),
}


def writing(site: Site) -> dict[str, Callable[..., Any]]:
    """Every endpoint that a request may change something through."""
    rules = site.app.url_map.iter_rules()
    found = {rule.endpoint for rule in rules if WRITES & (rule.methods or set())}
    return {name: site.app.view_functions[name] for name in found}


def test_every_route_that_writes_is_driven_here_or_says_why_it_leaves_no_event(site: Site) -> None:
    views = writing(site)
    exempt = {name for name, view in views.items() if exemption(view)}
    assert set(views) - exempt == set(DRIVES) | set(DEEDS) | set(STAFF) | set(COMINGS)


def request(site: Site, endpoint: str) -> Callable[[str, dict[str, Any]], int]:
    """A way to ask: as a person with a browser, or with a key."""
    if endpoint.startswith("api."):
        methods = {"change": "PATCH", "stop": "DELETE"}
        method = methods.get(endpoint.removeprefix("api.").partition("_")[0], "POST")
        return lambda path, given: site.api(site.ours, method, path, **given)[0]
    signs_in = endpoint == "accounts.open_session"
    # Only brokers' keys ask for more than a password.
    site.owner.execute("DELETE FROM web.passkeys")
    if endpoint.startswith("keys."):
        client = broker_keys.ours(site)
    else:
        client = site.client() if signs_in else site.signed_in(site.ours)
    form = {"csrf_token": csrf(client, "/sign-in" if signs_in else "/connections")}
    if signs_in:
        form |= {"email": site.ours.email, "password": PASSWORD}
    return lambda path, given: client.post(path, data=form | given).status_code


def events(site: Site, of: Workspace, after: int) -> list[dict[str, Any]]:
    """What the trail says since then."""
    names = ("actor", "action", "subject", "before", "after", "origin")
    rows = site.owner.execute(
        f"SELECT {', '.join(names)} FROM web.audit_events WHERE tenant_id = %s AND id > %s "
        "ORDER BY id",
        (of.tenant_id, after),
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def newest(site: Site) -> int:
    row = site.owner.execute("SELECT coalesce(max(id), 0) FROM web.audit_events").fetchone()
    assert row is not None
    return int(row[0])


def prepare(site: Site, endpoint: str) -> None:
    """What must be there first: a connector, a former secret, other senders."""

    def call(method: str, path: str, **body: Any) -> None:
        assert site.api(site.ours, method, at(STRATEGY + path)(site), **body)[0] < 300

    call("PATCH", "", enabled=True)
    mine = at(SUBSCRIPTION)(site)
    assert site.api(site.ours, "PATCH", mine, enabled=True, accept_foreign=True)[0] == 200
    if "token" in endpoint or "connector" in endpoint:
        call("POST", "/connector", **TERMS)
        call("POST", "/connector/token/end-overlap")
        if "overlap" in endpoint:
            call("POST", "/connector/token")
    elif "sign" in endpoint:
        call("DELETE", "/webhook/signing")
        for _ in range(2 if "overlap" in endpoint else "stop" in endpoint):
            call("POST", "/webhook/signing")
    elif "webhook" in endpoint:
        call("PATCH", "/webhook", senders="anyone")
        call("POST", "/webhook/end-overlap")
        if "overlap" in endpoint:
            call("POST", "/webhook/rotate")


@pytest.mark.parametrize("endpoint", sorted(DRIVES))
def test_what_writes_leaves_an_event_in_the_same_transaction(
    site: Site, execution: Execution, stand: Stand, endpoint: str
) -> None:
    drive = DRIVES[endpoint]
    prepare(site, endpoint)
    if endpoint in BEFORE:
        path, body = BEFORE[endpoint]
        assert site.api(site.ours, "PATCH", at(path)(site), **body)[0] == 200
    path, given = drive.path(site), drive.given(site)
    ask = request(site, endpoint)
    before = newest(site)
    with transactions(site) as done:
        status = ask(path, given)
    found = events(site, site.ours, before)
    assert drive.action in [each["action"] for each in found], (status, found)
    by = "key:key_" if endpoint.startswith("api.") else "person:per_"
    for each in found:
        assert each["actor"].startswith(by)
        assert re.fullmatch(r"[a-z]{3}_\w+", each["subject"])
        assert each["origin"]["request"].startswith("req_")
        assert each["origin"]["ip"].keys() == {"of", "sealed"}
        if by == "person:per_":
            assert each["subject"].startswith("ses_") or "session" in each["origin"]
    for statements in done:
        assert any("web.audit_events" in each for each in statements), statements


def test_a_change_says_from_what_to_what(site: Site) -> None:
    before = newest(site)
    site.api(site.ours, "PATCH", at(STRATEGY)(site), name="Renamed")
    [changed] = events(site, site.ours, before)
    # What was typed is sealed for the workspace.
    whose = f"tenant:{site.ours.shown('tenant')}"
    assert changed["after"]["name"]["of"] == changed["before"]["name"]["of"] == whose
    assert changed["after"]["name"] != changed["before"]["name"]
    assert changed["before"].keys() == changed["after"].keys()


def test_what_fails_leaves_no_event(site: Site) -> None:
    before = newest(site)
    assert site.api(site.ours, "POST", "/strategies", name="", asset_class="stocks")[0] == 400
    assert events(site, site.ours, before) == []
