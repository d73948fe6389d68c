"""Pages: what a person can do without a line of script."""

import html
import re

import pytest
from flask.testing import FlaskClient

from protos import reasons
from tests.site.conftest import Site, csrf
from web.signals.refusals import CATALOGUE


def post(client: FlaskClient, path: str, page: str, **form: str) -> tuple[int, str]:
    answer = client.post(
        path, data={"csrf_token": csrf(client, page), **form}, follow_redirects=True
    )
    return answer.status_code, answer.text


def test_a_strategy_is_made_subscribed_and_sent_a_test_signal(site: Site) -> None:
    client = site.signed_in(site.ours)
    status, page = post(
        client, "/strategies/new", "/strategies/new", name="By hand", asset_class="stocks"
    )
    assert status == 200
    assert "http://localhost/trading/webhook/" in page
    assert "Nothing is subscribed" in page
    here = "/strategies/str_" + page.partition('class="id">str_')[2][:32]

    post(client, "/connections", "/connections", name="Second")
    connection = client.get(here).text.partition('<option value="')[2].partition('"')[0]
    status, page = post(client, f"{here}/subscribe", here, connection_id=connection)
    assert "Subscribed, and still off." in page

    status, page = post(client, f"{here}/test-signal", here, action="buy")
    assert status == 200
    assert "AAPL" in page
    assert "As it came" in page
    assert "#1" in page


def test_a_paused_subscription_says_so_and_can_be_enabled(site: Site) -> None:
    client = site.signed_in(site.theirs)
    here = f"/subscriptions/{site.theirs.shown('subscription')}"
    _, page = post(client, f"{here}/enabled", here, enabled="0")
    assert "Paused. Working orders and positions are left alone." in page
    assert "Enable on PAPER" in page
    _, page = post(client, f"{here}/enabled", here, enabled="1")
    assert "Enabled: the next signal is traded." in page


def test_settings_show_where_each_value_comes_from(site: Site) -> None:
    client = site.signed_in(site.theirs)
    here = f"/subscriptions/{site.theirs.shown('subscription')}"
    form = {
        "auto_submit.source": "own",
        "auto_submit.value": "true",
        "sides.source": "own",
        "sides.value": "bullish",
        "allow_swap.source": "strategy",
        "quantity.source": "signal",
        "quantity.value": "3",
        "allow_add.source": "strategy",
    }
    status, page = post(client, here, here, **form)
    assert (status, "Saved." in page) == (200, True)
    assert '<span class="num">3</span> <span class="chip">yours</span>' in page
    assert '<option value="bullish" selected>' in page


def test_a_wrong_setting_keeps_what_was_typed_and_says_what_to_do(site: Site) -> None:
    client = site.signed_in(site.theirs)
    here = f"/subscriptions/{site.theirs.shown('subscription')}"
    form = {
        f"{name}.source": "strategy" for name in ("auto_submit", "sides", "allow_swap", "allow_add")
    }
    status, page = post(
        client, here, here, **form, **{"quantity.source": "own", "quantity.value": "lots"}
    )
    assert status == 400
    assert "Not saved." in page
    assert 'value="lots"' in page
    assert 'aria-invalid="true"' in page


def test_a_signal_page_has_the_waterfall_as_drawing_and_as_text(site: Site) -> None:
    page = site.signed_in(site.ours).get(f"/signals/{site.ours.shown('signal')}").text
    assert "<svg viewBox" in page
    assert page.count('class="segment"') == 6
    assert "the sender gave no time" in page
    assert "automatic" in page
    assert "Fillwire 40, broker 20" in page
    assert "PAPER" in page


def test_text_of_a_sender_is_never_markup(site: Site) -> None:
    client = site.signed_in(site.ours)
    _, page = post(client, "/connections", "/connections", name="<script>alert(1)</script>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_browser_files_keep_for_ever_under_a_hashed_name(site: Site) -> None:
    client = site.client()
    page = client.get("/sign-in").text
    address = page.partition('href="/assets/css/tokens.')[2].partition('"')[0]
    answer = client.get(f"/assets/css/tokens.{address}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/assets/css/tokens.css").status_code == 404
    answer.close()


def test_every_refusal_is_explained_at_the_address_its_answer_names(site: Site) -> None:
    page = site.app.test_client().get("/docs/errors").text
    for refusal in CATALOGUE.values():
        assert refusal.docs == f"/docs/errors#{refusal.code}"
        assert f'id="{refusal.code}"' in page


@pytest.mark.rule("J.fix")
def test_every_reason_of_a_trade_is_explained_at_the_address_its_pages_link_to(site: Site) -> None:
    page = site.app.test_client().get("/docs/reasons").text
    assert all(f'id="{reason}"' in page for reason in reasons.CATALOGUE)
    client = site.signed_in(site.ours)
    site.owner.execute("UPDATE web.trades SET state = 'SKIPPED', reason = 'swap_off'")
    for here in ("trade", "signal"):
        told = client.get(f"/{here}s/{site.ours.shown(here)}").text
        assert 'href="/docs/reasons#swap_off"' in told


def test_a_refused_message_shows_its_field_and_links_to_its_explanation(site: Site) -> None:
    client = site.signed_in(site.ours)
    strategy = f"/strategies/{site.ours.shown('strategy')}"
    url = re.search(r"/trading/webhook/[0-9a-f-]{36}/[\w-]+", client.get(strategy).text)
    assert url is not None
    answer = site.app.test_client().post(url[0], data='{"ticker":"AAPL","action":"Buy"}')
    assert answer.json is not None
    assert answer.json["docs"] == "http://localhost/docs/errors#invalid-action"
    page = client.get(strategy).text
    assert 'href="/docs/errors#invalid-action"' in page
    assert "<code>action</code>" in page


def test_the_message_builder_works_both_ways_and_judges(site: Site) -> None:
    client = site.signed_in(site.ours)
    here = f"/strategies/{site.ours.shown('strategy')}/messages"
    assert "{{strategy.order.action}}" in html.unescape(client.get(here).text)

    form = {"sender": "curl", "do": "write", "f.ticker": "AAPL", "f.action": "buy"}
    _, page = post(client, here, here, **form, **{"f.takeProfit.percent": "2.5", "rest": '{"a":1}'})
    assert '"percent": 2.5' in html.unescape(page)
    assert '"a": 1' in html.unescape(page)
    assert "Accepted" in page
    assert "curl -sS" in page

    message = '{"ticker": "AAPL", "action": "hold", "mine": true}'
    _, page = post(client, here, here, sender="curl", do="read", message=message)
    assert 'value="hold"' in page
    assert "<code>mine</code>" in page
    assert "invalid-action" in page

    _, page = post(client, here, here, sender="curl", do="read", message='{"ticker": ')
    assert "malformed-json" in page
    assert '{"ticker": ' in html.unescape(page)


def test_a_trade_shows_what_its_ticker_means(site: Site) -> None:
    meant = (
        '{"ticker": "MNQ1!", "symbol": "MNQZ2026", "expires": "2026-12-18", '
        '"rolls": "2026-12-16", "warning": "MNQ1! is MNQZ2026 until it rolls."}'
    )
    here = f"/trades/{site.ours.shown('trade')}"
    client = site.signed_in(site.ours)
    assert "→" not in client.get(here).text
    site.owner.execute("UPDATE web.trades SET contract = %s", (meant,))
    page = client.get(here).text
    assert "MNQ1! → MNQZ2026" in page
    assert "expires 18 Dec 2026" in page
    assert "rolls 16 Dec 2026" in page
    assert "MNQ1! is MNQZ2026 until it rolls." in page


@pytest.mark.rule("H.gap", "A.protection")
def test_a_trade_shows_where_its_protection_stands_and_who_keeps_it(site: Site) -> None:
    here = f"/trades/{site.ours.shown('trade')}"
    client = site.signed_in(site.ours)
    assert "synthetic" not in client.get(here).text
    details = '{"held": "5", "covered": "5", "synthetic": true, "longest_gap_ms": "26"}'
    site.owner.execute(
        "UPDATE web.trades SET protection = 'PROTECTED', protection_details = %s", (details,)
    )
    site.owner.execute("UPDATE web.orders SET synthetic = true")
    page = client.get(here).text
    assert "Protected" in page
    assert "5 of 5 covered" in page
    assert "26 ms" in page
    # The protection and its order.
    assert page.count(">synthetic<") == 2


def test_a_trade_shows_when_an_order_was_sent_again(site: Site) -> None:
    here = f"/trades/{site.ours.shown('trade')}"
    client = site.signed_in(site.ours)
    assert "sent again" not in client.get(here).text
    site.owner.execute("UPDATE web.orders SET resent_at = '2026-11-20T14:30:35Z'")
    page = client.get(here).text
    site.owner.execute("UPDATE web.orders SET resent_at = NULL")
    assert "sent again" in page and 'datetime="2026-11-20T14:30:35' in page
