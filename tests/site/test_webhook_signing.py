"""A webhook that takes signed messages only, and the code with which to sign."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from tests.site.conftest import Site, csrf
from tests.site.serving import serving
from web.signals import signatures

GOOD = b'{"ticker":"AAPL","action":"buy","quantity":1,"price":"228.40"}'


@pytest.fixture
def strategy_id(site: Site) -> str:
    _, made = site.api(site.ours, "POST", "/strategies", name="Fresh", asset_class="stocks")
    return str(made["id"])


def change(site: Site, strategy_id: str, verb: str = "", method: str = "POST") -> dict[str, Any]:
    path = f"/strategies/{strategy_id}/webhook/signing{verb}"
    status, found = site.api(site.ours, method, path)
    assert status == 200
    return dict(found)


def signed(secret: str, body: bytes = GOOD, message_id: str = "msg_1") -> dict[str, str]:
    now = str(int(time.time()))
    signature = signatures.sign(signatures.key_of(secret), message_id, now, body)
    return {"webhook-id": message_id, "webhook-timestamp": now, "webhook-signature": signature}


def post(
    site: Site, webhook: dict[str, Any], headers: dict[str, str], body: bytes = GOOD
) -> tuple[int, Any]:
    url = webhook["url"].removeprefix("http://localhost")
    answer = site.client().post(url, data=body, headers=headers)
    return answer.status_code, answer.json


def test_only_signed_messages_are_taken_until_none_are_asked_for(
    site: Site, strategy_id: str
) -> None:
    webhook = change(site, strategy_id)
    assert webhook["signing_secret"].startswith("whsec_")
    status, said = post(site, webhook, {})
    assert (status, said["messageCode"]) == (401, "signature-missing")
    assert said["logId"].startswith("ref_")
    assert post(site, webhook, signed(webhook["signing_secret"]))[0] == 200
    other = signed(signatures.PREFIX + "b" * 43 + "=")
    assert post(site, webhook, other)[1]["messageCode"] == "signature-mismatch"
    ended = change(site, strategy_id, method="DELETE")
    assert ended["signing_secret"] is None
    assert post(site, webhook, {})[0] == 200


def test_a_replay_is_the_earlier_signal_under_whatever_other_key(
    site: Site, strategy_id: str
) -> None:
    webhook = change(site, strategy_id)
    headers = signed(webhook["signing_secret"])
    _, first = post(site, webhook, headers)
    for key in ({}, {"Idempotency-Key": "another"}):
        status, again = post(site, webhook, headers | key)
        assert (status, again["id"], again["duplicate"]) == (200, first["id"], True)
    _, second = post(site, webhook, signed(webhook["signing_secret"], message_id="msg_2"))
    assert second["id"] != first["id"]
    reused = signed(webhook["signing_secret"], GOOD + b" ")
    status, said = post(site, webhook, reused, GOOD + b" ")
    assert (status, said["messageCode"]) == (409, "idempotency-mismatch")


def test_signing_that_others_do_not_know_of_yet_is_found_when_storing(
    site: Site, strategy_id: str
) -> None:
    webhook = change(site, strategy_id, method="DELETE")
    assert post(site, webhook, {})[0] == 200
    webhook = change(site, strategy_id)
    assert post(site, webhook, {})[1]["messageCode"] == "signature-missing"


def test_a_former_signing_secret_works_until_the_overlap_ends(site: Site, strategy_id: str) -> None:
    old = change(site, strategy_id)
    new = change(site, strategy_id)
    assert len(new["former_signing_secrets"]) == 1
    for number, secret in enumerate((old["signing_secret"], new["signing_secret"])):
        assert post(site, new, signed(secret, message_id=f"a{number}"))[0] == 200
    change(site, strategy_id, "/end-overlap")
    refused = post(site, new, signed(old["signing_secret"], message_id="b"))
    assert refused[1]["messageCode"] == "signature-mismatch"
    assert post(site, new, signed(new["signing_secret"], message_id="c"))[0] == 200


def test_our_own_test_button_needs_no_signature(site: Site, strategy_id: str) -> None:
    change(site, strategy_id)
    client, here = site.signed_in(site.ours), f"/strategies/{strategy_id}"
    form = {"csrf_token": csrf(client, here), "action": "buy"}
    sent = client.post(f"{here}/test-signal", data=form, follow_redirects=True)
    assert "Stored as sig_" in sent.text


def test_the_page_makes_replaces_and_ends_signing(site: Site, strategy_id: str) -> None:
    client, path = site.signed_in(site.ours), f"/strategies/{strategy_id}/webhook"
    token = {"csrf_token": csrf(client, path)}

    def do(verb: str) -> str:
        form = token | {"do": verb}
        return client.post(f"{path}/signing", data=form, follow_redirects=True).text

    assert (
        "whsec_" in do("sign") and "signing secret works for another" not in client.get(path).text
    )
    assert "A former signing secret works for another" in do("sign")
    assert "A former signing secret" not in do("end-overlap")
    assert "Take signed messages only" in do("stop")
    assert client.post(f"{path}/signing", data=token).status_code == 400


def test_the_message_builder_signs_where_the_sender_can(site: Site, strategy_id: str) -> None:
    client, path = site.signed_in(site.ours), f"/strategies/{strategy_id}/messages"
    assert "It could sign" in client.get(f"{path}?sender=python").text
    change(site, strategy_id)
    assert "hmac.digest" in client.get(f"{path}?sender=python").text
    assert "takes signed messages only" in client.get(f"{path}?sender=tradingview-strategy").text


@pytest.fixture(scope="module")
def served(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site on a port, for programs of their own."""
    with serving(site.database, tmp_path_factory.mktemp("served")) as url:
        yield url


@pytest.mark.parametrize(("label", "program"), [("Python", sys.executable), ("curl", "bash")])
def test_the_code_on_the_page_runs_as_it_stands(
    site: Site, strategy_id: str, served: str, label: str, program: str
) -> None:
    if label == "curl" and not all(map(shutil.which, ("bash", "curl", "openssl", "od"))):
        pytest.skip("curl or openssl is not here")
    webhook = change(site, strategy_id)
    page = site.signed_in(site.ours).get(f"/strategies/{strategy_id}/webhook").text
    code = page.partition(f"Sign with {label}<")[2].partition('<pre class="code">')[2]
    code = unescape(code.partition("</pre>")[0]).replace("http://localhost", served)
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": webhook["signing_secret"]}
    ran = subprocess.run(
        [program, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert '"success":true' in ran.stdout, ran
