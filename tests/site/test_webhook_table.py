"""Every way to knock at a webhook, over HTTP: path, secret, method, address, signature, content."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count, product
from typing import Any

import msgspec
import pytest

from tests.site.conftest import Site
from tests.site.serving import serving
from web.signals import signatures
from web.signals.refusals import CATALOGUE
from web.strategies.allowed import PUBLISHED, Senders

CONTENTS = {
    b'{"ticker":"AAPL","action":"buy","quantity":1,"price":"228.40"}': None,
    b"": "empty-json",
    b'{"ticker":"AAPL",}': "malformed-json",
    b'{"ticker":"AAPL","action":"hold"}': "invalid-action",
}
GOOD = next(iter(CONTENTS))
OWN = "198.51.100.9"
LISTED = ("198.51.100.0/24", "2001:db8::/32")
UNREADABLE = "invalid-ip-address-format"


@dataclass(frozen=True)
class Case:
    """One request, and the code with which it is refused; None for what is taken."""

    path: str
    expected: str | None
    method: str = "POST"
    body: bytes = GOOD
    forwarded: str | None = OWN
    proxies: int = 1
    # How it is signed, if it is: what is wrong with it, by name.
    signed: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Hooks:
    """Webhooks as the cases need them; paths, and the secrets to sign with."""

    plain: str
    former: str
    ended: str
    limited: Mapping[Senders, str]
    signing: str
    signing_limited: str
    # Path: newest, former and ended secret.
    secrets: Mapping[str, tuple[str, str, str]]


def make(site: Site, **allowed: Any) -> tuple[str, str]:
    """A strategy whose webhook takes messages from these; its id and path."""
    _, made = site.api(site.ours, "POST", "/strategies", name="Table", asset_class="stocks")
    if allowed:
        site.api(site.ours, "PATCH", f"/strategies/{made['id']}/webhook", **allowed)
    return str(made["id"]), path_of(made["webhook_url"])


def path_of(url: str) -> str:
    return url.removeprefix("http://localhost")


def change(site: Site, strategy_id: str, verb: str) -> dict[str, Any]:
    status, found = site.api(site.ours, "POST", f"/strategies/{strategy_id}/webhook/{verb}")
    assert status == 200
    return dict(found)


def sign(site: Site, strategy_id: str) -> tuple[str, str, str]:
    ended = change(site, strategy_id, "signing")["signing_secret"]
    change(site, strategy_id, "signing")
    former = change(site, strategy_id, "signing/end-overlap")["signing_secret"]
    return change(site, strategy_id, "signing")["signing_secret"], former, ended


def prepare(site: Site) -> Hooks:
    rotated, ended = make(site)
    change(site, rotated, "rotate")
    former = path_of(change(site, rotated, "end-overlap")["url"])
    plain = path_of(change(site, rotated, "rotate")["url"])
    limited = {each: make(site, senders=each)[1] for each in PUBLISHED}
    listed = {"senders": "addresses", "addresses": list(LISTED)}
    limited[Senders.ADDRESSES] = make(site, **listed)[1]
    (signing_id, signing), (both_id, both) = make(site), make(site, **listed)
    secrets = {signing: sign(site, signing_id), both: sign(site, both_id)}
    site.owner.execute("UPDATE web.strategy_webhooks SET per_minute = 9999, per_hour = 9999")
    return Hooks(plain, former, ended, limited, signing, both, secrets)


def doors(hooks: Hooks) -> Iterator[Case]:
    """Path and secret, method, content."""
    base = hooks.plain.rpartition("/")[0]
    paths = {
        hooks.plain: None,
        hooks.former: None,
        hooks.ended: "invalid-password",
        f"{base}/wrong": "invalid-password",
        f"{base}/": "invalid-password",
        f"{hooks.plain}/": "invalid-password",
        "/trading/webhook/6f1c1d0e-0000-4000-8000-000000000000/x": "not-found",
        "/trading/webhook/none/x": "not-found",
    }
    for (path, known), method, (body, read) in product(
        paths.items(), ("POST", "GET", "PUT", "DELETE"), CONTENTS.items()
    ):
        expected = known or ("post-required" if method != "POST" else read)
        yield Case(path, expected, method, body)


def addresses(hooks: Hooks) -> Iterator[Case]:
    """Who sends, and what the headers say of it."""
    senders = {
        **dict.fromkeys(PUBLISHED[Senders.TRADINGVIEW], Senders.TRADINGVIEW),
        **dict.fromkeys(PUBLISHED[Senders.TRENDSPIDER], Senders.TRENDSPIDER),
        OWN: Senders.ADDRESSES,
        "2001:db8::7": Senders.ADDRESSES,
        "203.0.113.1": None,
        "2001:db9::7": None,
    }
    codes = {
        Senders.TRADINGVIEW: "not-trading-view",
        Senders.TRENDSPIDER: "not-trend-spider",
        Senders.ADDRESSES: "invalid-ip-address",
    }
    for (allowed, path), (address, whose) in product(hooks.limited.items(), senders.items()):
        expected = None if whose is allowed else codes[allowed]
        friend = PUBLISHED.get(allowed, (OWN,))[0]
        mapped = f"::ffff:{address}" if "." in address else f"[{address}]:443"
        for forwarded in (address, f"{friend}, {address}", mapped):
            yield Case(path, expected, forwarded=forwarded)
        # Without a proxy of ours the header is only what the sender wrote.
        yield Case(path, codes[allowed], forwarded=address, proxies=0)
    for path, unreadable in product(
        hooks.limited.values(), (None, "", "unknown", f"{OWN},", f"{OWN} {OWN}", "203.0.113.999")
    ):
        yield Case(path, UNREADABLE, forwarded=unreadable)


SIGNED = {
    "right": None,
    "former": None,
    "several": None,
    "late": None,
    "early": None,
    "none": "signature-missing",
    "no id": "signature-missing",
    "no time": "signature-missing",
    "no signature": "signature-missing",
    "too late": "signature-expired",
    "too early": "signature-expired",
    "no number": "signature-expired",
    "ended": "signature-mismatch",
    "stranger": "signature-mismatch",
    "other body": "signature-mismatch",
    "other id": "signature-mismatch",
    "other time": "signature-mismatch",
    "other version": "signature-mismatch",
    "nonsense": "signature-mismatch",
}


def signed(hooks: Hooks) -> Iterator[Case]:
    """Signatures, and who else has one."""
    for (name, known), (body, read), key in product(
        SIGNED.items(), list(CONTENTS.items())[:2], (None, "key")
    ):
        yield Case(hooks.signing, known or read, body=body, signed=name, key=key)
    for name, known in SIGNED.items():
        yield Case(hooks.signing_limited, known, signed=name)
        stranger = "invalid-ip-address"
        yield Case(hooks.signing_limited, stranger, signed=name, forwarded="203.0.113.1")


def headers(case: Case, hooks: Hooks, number: int) -> dict[str, str]:
    """What the request says of itself."""
    found = {} if case.forwarded is None else {"X-Forwarded-For": case.forwarded}
    if case.key:
        found["Idempotency-Key"] = f"{case.key}{number}"
    if case.signed in (None, "none"):
        return found
    newest, former, ended = hooks.secrets[case.path]
    stranger = signatures.PREFIX + "c" * 43 + "="
    chosen = {"former": former, "ended": ended, "stranger": stranger}
    key = signatures.key_of(chosen.get(str(case.signed), newest))
    late = {"late": 280, "early": -280, "too late": 320, "too early": -320}
    at, message_id = str(int(time.time()) - late.get(str(case.signed), 0)), f"msg_{number}"
    body = case.body + b" " if case.signed == "other body" else case.body
    signature = signatures.sign(key, message_id, at, body)
    match case.signed:
        case "several":
            signature = f"v1,AAAA {signature} v1a,BBBB"
        case "other id":
            message_id += "x"
        case "other time":
            at = str(int(at) - 1)
        case "other version":
            signature = signature.replace("v1,", "v2,")
        case "nonsense":
            signature = "v1,"
        case "no number":
            at = "soon"
    shown = {"id": message_id, "time": at, "signature": signature}
    shown.pop(str(case.signed).removeprefix("no "), None)
    names = {"id": "webhook-id", "time": "webhook-timestamp", "signature": "webhook-signature"}
    return found | {names[name]: value for name, value in shown.items()}


def answer(server: HTTPConnection, case: Case, shown: Mapping[str, str]) -> tuple[int, str | None]:
    try:
        server.request(case.method, case.path, case.body, dict(shown))
        response = server.getresponse()
    except ConnectionError:
        # It had waited for the other server's cases, and was hung up on before it was read.
        server.close()
        server.request(case.method, case.path, case.body, dict(shown))
        response = server.getresponse()
    said = msgspec.json.decode(response.read())
    return response.status, said.get("messageCode")


@pytest.mark.timeout(300)
def test_every_knock_has_its_answer(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    hooks = prepare(site)
    cases = [*doors(hooks), *addresses(hooks), *signed(hooks)]
    assert len(cases) >= 300
    wrong, numbers = [], count()
    with ExitStack() as stack:
        servers = {}
        for proxies in (0, 1):
            folder = tmp_path_factory.mktemp("served")
            url = stack.enter_context(
                serving(site.database, folder, FILLWIRE_TRUSTED_PROXIES=str(proxies))
            )
            connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
            servers[proxies] = stack.enter_context(closing(connection))
        for case in cases:
            found = answer(servers[case.proxies], case, headers(case, hooks, next(numbers)))
            status = CATALOGUE[case.expected].status if case.expected else 200
            if found != (status, case.expected):
                wrong.append((case, found))
    assert wrong == []
