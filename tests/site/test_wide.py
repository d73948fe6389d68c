"""A workspace of many of everything: a page says that there is more, the next one is there, and
what is on neither is found by its name."""

import pytest

from protos import ids
from tests.site.conftest import NOW, Site, csrf

# Of each thing; a page of no list has as many.
MANY = 120
LAST = f"Wide {MANY:03}"
MORE = "there are more"

_MADE = """
CREATE TEMP TABLE wide AS
SELECT n, 'Wide ' || lpad(n::text, 3, '0') AS name, gen_random_uuid() AS account,
    gen_random_uuid() AS connection, gen_random_uuid() AS subscription,
    gen_random_uuid() AS trade, gen_random_uuid() AS strategy, gen_random_uuid() AS person,
    now() + make_interval(secs => n) AS at FROM generate_series(1, %(many)s) AS n;
INSERT INTO web.broker_accounts (id, broker, environment, account)
SELECT account, 'paper', 'paper', 'PWIDE' || n FROM wide;
INSERT INTO web.connections (id, tenant_id, broker_account_id, name, mode, created_at)
SELECT connection, %(tenant)s, account, name, 'paper', at FROM wide;
INSERT INTO web.subscriptions (id, tenant_id, strategy_tenant_id, strategy_id, connection_id,
    enabled, created_at)
SELECT subscription, %(tenant)s, %(tenant)s, %(strategy)s, connection, true, at FROM wide;
INSERT INTO web.positions (connection_id, instrument, tenant_id, quantity, avg_price, own,
    updated_at)
SELECT connection, 'AAPL', %(tenant)s, 2, 228.4,
    jsonb_build_object('sub_' || replace(subscription::text, '-', ''), '2'), now() FROM wide;
INSERT INTO web.trades
SELECT (jsonb_populate_record(t, jsonb_build_object('id', w.trade, 'connection_id', w.connection,
    'subscription_id', w.subscription, 'state', CASE w.n WHEN %(many)s THEN 'REJECTED'
        ELSE t.state END, 'reason', CASE w.n WHEN %(many)s THEN 'buying_power' END))).*
FROM wide w, web.trades t WHERE t.id = %(trade)s;
INSERT INTO web.strategies (id, tenant_id, name, asset_class, created_at)
SELECT strategy, %(tenant)s, name, 'stocks', at FROM wide;
INSERT INTO web.strategy_intake (strategy_id, tenant_id) SELECT strategy, %(tenant)s FROM wide;
INSERT INTO web.people (id, email) SELECT person, 'wide' || lpad(n::text, 3, '0') || '@b.test'
FROM wide;
INSERT INTO web.members (tenant_id, person_id, role) SELECT %(tenant)s, person, 'viewer' FROM wide;
INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version)
SELECT 'connection', connection, %(tenant)s, 'stop_all', '', 'person:x', now(), 0 FROM wide
WHERE n < %(many)s;
DROP TABLE wide;
"""


@pytest.fixture(scope="module")
def wide(site: Site) -> Site:
    """Many connections, each subscribed, halted, holding something; strategies, members."""
    ours = site.ours
    given = {
        "many": MANY,
        "tenant": ours.tenant_id,
        "strategy": ours.strategy_id,
        "trade": ours.trade_id,
    }
    with site.owner.transaction():
        for statement in _MADE.split(";\n"):
            if statement.strip():
                site.owner.execute(statement, given)
    return site


def next_of(page: str, of: str = "") -> str:
    """The query of the page after this one; empty where there is none."""
    pager = page.partition(f'aria-label="Pages{of and " of "}{of}"')[2].partition("</nav>")[0]
    links = [link.partition('"') for link in pager.split('href="')[1:]]
    onward = (query for query, _, rest in links if rest.startswith((">Next", ">Older")))
    return next(onward, "").replace("&amp;", "&").partition("#")[0]


LISTS = [
    ("/connections", "Wide 001", LAST, "q", ""),
    ("/positions", "", LAST, "q", ""),
    ("/halt", "Wide 001", LAST, "q", "connections"),
    ("/strategies", "Wide 001", LAST, "q", ""),
    ("/account/members", "wide001@", f"wide{MANY:03}@", "q", ""),
    ("/strategies/{strategy}", "Wide 001", LAST, "on", "subscriptions"),
]


@pytest.mark.parametrize(("path", "first", "last", "sought", "of"), LISTS)
def test_a_list_goes_on_and_finds_what_is_on_no_first_page(
    wide: Site, path: str, first: str, last: str, sought: str, of: str
) -> None:
    here = path.format(strategy=wide.ours.shown("strategy"))
    client = wide.signed_in(wide.ours)
    page = client.get(here).text
    assert MORE in page
    assert first in page
    if first:
        assert last not in page.partition("<main")[2].replace(f'value="{last}"', "")
    seen, onward = page, next_of(page, of)
    for _ in range(MANY // 20):
        if not onward:
            break
        seen += (page := client.get(f"{here}{onward}").text)
        onward = next_of(page, of)
    assert onward == ""
    assert last in seen
    found = client.get(f"{here}?{sought}={last.replace(' ', '+')}").text
    assert last in found
    assert not [cell for cell in (">Wide 002<", "<b>wide002@") if cell in found]
    assert "Show all" in found
    nothing = client.get(f"{here}?{sought}=nowhere").text
    assert "is found" in nothing


@pytest.mark.parametrize("path", ["/connections", "/positions", "/trades", "/switches"])
def test_lists_of_the_api_go_on(wide: Site, path: str) -> None:
    status, page = wide.api(wide.ours, "GET", path)
    assert status == 200
    seen = [str(row) for row in page["data"]]
    assert (len(seen), page["has_more"]) == (50, True)
    while page["has_more"]:
        cursor = page["next_cursor"]
        _, page = wide.api(wide.ours, "GET", f"{path}?cursor={cursor}")
        seen += [str(row) for row in page["data"]]
    assert len(seen) == len(set(seen)) >= MANY - 1


@pytest.mark.parametrize("path", ["/connections", "/positions"])
def test_the_api_finds_what_is_on_no_first_page(wide: Site, path: str) -> None:
    _, listed = wide.api(wide.ours, "GET", f"{path}?q={LAST.replace(' ', '+')}")
    assert (len(listed["data"]), listed["has_more"]) == (1, False)
    named = wide.owner.execute("SELECT id FROM web.connections WHERE name = %s", (LAST,)).fetchone()
    assert named is not None
    assert ids.show("connection", named[0]) in str(listed["data"])


def test_a_signal_of_many_trades_tells_their_outcomes_first(wide: Site) -> None:
    client, path = wide.signed_in(wide.ours), f"/signals/{wide.ours.shown('signal')}"
    page = client.get(path).text
    assert MORE in page
    assert page.count('aria-label="Trade on ') == 25
    outcomes = page.partition('id="outcomes-title"')[2].partition("</section>")[0]
    assert f'class="right num">{MANY}</td>' in outcomes
    assert "buying_power" in outcomes
    refused = client.get(f"{path}?state=REJECTED").text
    assert refused.count('aria-label="Trade on ') == 1
    assert f'aria-label="Trade on {LAST}"' in refused
    assert page.count('aria-label="Trade on ') == client.get(path + next_of(page)).text.count(
        'aria-label="Trade on '
    )


def test_the_api_tells_the_first_trades_of_a_signal_and_lists_all(wide: Site) -> None:
    signal = wide.ours.shown("signal")
    _, listed = wide.api(wide.ours, "GET", "/signals?expand=trades")
    (told,) = [row for row in listed["data"] if row["id"] == signal]
    assert (len(told["trades"]), told["trades_has_more"]) == (20, True)
    _, one = wide.api(wide.ours, "GET", f"/signals/{signal}?expand=trades")
    assert (len(one["trades"]), one["trades_has_more"]) == (MANY + 1, False)
    _, page = wide.api(wide.ours, "GET", f"/trades?signal_id={signal}&limit=100")
    _, rest = wide.api(wide.ours, "GET", f"/trades?signal_id={signal}&cursor={page['next_cursor']}")
    assert [row["id"] for row in one["trades"]] == [
        row["id"] for row in (*page["data"], *rest["data"])
    ]


def test_a_picker_offers_some_and_finds_the_others(wide: Site) -> None:
    client = wide.signed_in(wide.ours)
    form = {"csrf_token": csrf(client, "/strategies/new"), "name": "New", "asset_class": "stocks"}
    path = client.post("/strategies/new", data=form).headers["Location"]
    page = client.get(path).text
    assert page.count('<option value="con_') == 50
    assert MORE in page
    assert f">{LAST} (PAPER)" not in page
    found = client.get(f"{path}?connection={LAST.replace(' ', '+')}").text
    assert found.count('<option value="con_') == 1
    assert f">{LAST} (PAPER)</option>" in found
    assert "None is found" in client.get(f"{path}?connection=nowhere").text


def test_the_tester_tells_the_first_and_finds_the_others(wide: Site) -> None:
    client, path = wide.signed_in(wide.ours), f"/strategies/{wide.ours.shown('strategy')}/tester"
    form = {
        "csrf_token": csrf(client, path),
        "message": '{"ticker":"AAPL","action":"buy","quantity":5}',
    }
    page = client.post(path, data=form).text
    assert page.count('aria-label="On ') == 20
    assert MORE in page
    assert f"On {LAST}" not in page
    found = client.post(path, data=form | {"q": LAST}).text
    assert found.count('aria-label="On ') == 1
    assert f'aria-label="On {LAST}"' in found
    body = {"message": {"ticker": "AAPL", "action": "buy", "quantity": 5}}
    path = f"/strategies/{wide.ours.shown('strategy')}/explain"
    _, told = wide.api(wide.ours, "POST", path, **body)
    assert (len(told["subscriptions"]), told["subscriptions_has_more"]) == (20, True)


def test_a_change_that_reaches_many_names_some_and_counts_all(wide: Site) -> None:
    client = wide.signed_in(wide.ours)
    path = f"/strategies/{wide.ours.shown('strategy')}/settings"
    page = client.get(path).text
    assert f"used by {MANY}" in page or f"used by {MANY + 1}" in page
    form = {
        "csrf_token": csrf(client, path),
        "base": "{}",
        "sides.shown": "1",
        "sides.value": "bearish",
    }
    asked = client.post(path, data=form)
    assert asked.status_code == 409
    assert "this changes what 12" in asked.text
    assert "Wide 019: Sides" in asked.text
    assert "Wide 021: Sides" not in asked.text
    assert "and 10" in asked.text


def test_every_page_tells_of_some_halts_and_that_there_are_more(wide: Site) -> None:
    client = wide.signed_in(wide.ours)
    page = client.get("/signals").text
    assert page.count("a connection is halted") == 3
    assert "More is halted than is told here." in page
    page = client.get("/halt").text
    assert page.count("Turn off</button>") == 20
    assert "halted=" in next_of(page, "what is halted")
    assert client.get(f"/halt{next_of(page, 'halted')}").text.count("Turn off</button>") == 20


def test_a_halt_tells_what_no_stop_guards_wherever_it_stands(wide: Site) -> None:
    """The one without a stop among many that have one, and is on no first page."""
    ours = wide.ours
    wide.owner.execute(
        "INSERT INTO web.orders (id, tenant_id, trade_id, connection_id, cl_ord_id, leg, revision, "
        "origin, instrument, side, ord_type, time_in_force, order_qty, cum_qty, ord_status, "
        "created_at, updated_at) SELECT gen_random_uuid(), tenant_id, id, connection_id, "
        "left(replace(gen_random_uuid()::text, '-', ''), 22), 'stop', 0, 'protection', 'AAPL', "
        "'sell', 'stop', 'gtc', 5, 0, 'NEW', %s, %s FROM web.trades WHERE signal_id = %s "
        "AND state <> 'REJECTED'",
        (NOW, NOW, ours.signal_id),
    )
    client = wide.signed_in(ours)
    page = client.get("/halt/tenant/stop_all").text
    assert f'data-label="Connection">{LAST}' in page
    assert page.count('data-label="Connection">') == 1
    page = client.get("/halt/tenant/flatten").text
    assert page.count('data-label="Connection">') == 100
    assert MORE in page
    assert f'<b class="num">{MANY}</b> working orders' in page


def test_whoever_has_few_meets_neither_search_nor_pages(wide: Site) -> None:
    client = wide.signed_in(wide.theirs)
    strategy = f"/strategies/{wide.theirs.shown('strategy')}"
    signal = f"/signals/{wide.theirs.shown('signal')}"
    for path in (
        *("/connections", "/positions", "/halt", "/strategies", "/account/members", "/trades"),
        *("/orders", "/approvals", strategy, signal, f"{strategy}/tester"),
    ):
        page = client.get(path).text
        assert 'role="search"' not in page, path
        assert 'class="pager"' not in page, path
        assert MORE not in page, path
        assert "What became of its trades" not in page, path
