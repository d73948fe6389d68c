"""Places of the demo that read something, for sqlmap: a star is where it plays."""

import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A request with parameters to play with, and who asks."""

    who: str
    method: str
    path: str
    body: str = ""
    # How it is answered as it stands, before anything is played with.
    begins: int = 200
    # Wrong pairs are told to wait, but looked up all the same.
    slows: bool = False

    @property
    def stars(self) -> int:
        """How many parameters are to be tried."""
        return self.path.count("*") + self.body.count("*")

    def __str__(self) -> str:
        return f"{self.who}: {self.method} {self.path.replace('*', '')}"


def of(demo: dict[str, Any], found: dict[str, str]) -> list[Target]:
    """All of them; `found` names objects that the demo makes while it trades."""
    strategy, subscription = demo["strategy_id"], demo["subscription_id"]
    hook = re.sub(r"^https?://[^/]+", "", demo["webhook_url"])
    api, terms = "/api/v1", json.dumps({"name": "x*", "asset_class": "stocks*"})
    why = "reason=ticket+4711%2C+by+mail*&confirmed=1"
    message = {"ticker": "AAPL*", "action": "buy*", "price": "228*"}
    arsenal = {**demo["crypto_arsenal"], "action": "buy", "symbol": "AAPL"}
    arsenal = {name: arsenal[name] for name in arsenal if name != "url"}
    return [
        # Nobody.
        Target("nobody", "GET", "/sign-in?next=/x*"),
        Target("nobody", "POST", "/sign-in", "email=a@b.test*&password=x*&next=/x*", 401),
        Target("nobody", "POST", "/reset", "email=a@b.test*"),
        Target("nobody", "GET", "/reset/abc*", begins=410),
        Target("nobody", "GET", "/confirm/abc*", begins=410),
        # Somebody signed in.
        Target("person", "GET", "/signals?limit=20*"),
        Target("person", "GET", "/signals?cursor=x*", begins=400),
        Target("person", "GET", "/trades?limit=20*"),
        Target("person", "GET", "/activity?action=str*&actor=system*&subject=str*"),
        Target("person", "GET", f"/strategies/{strategy}*"),
        Target("person", "GET", f"/strategies/{strategy}/tester?signal={found['signal']}*"),
        Target("person", "GET", f"/strategies/{strategy}/messages?dialect=x*&sender=x*"),
        Target("person", "GET", f"/subscriptions/{subscription}?q=stop*&base=x*"),
        Target("person", "POST", "/connections", "name=x*", 302),
        Target("person", "POST", "/strategies/new", "name=x*&asset_class=stocks*", 302),
        Target(
            "person",
            "POST",
            f"/subscriptions/{subscription}",
            "quantity.source=own*&quantity.value=4*&base={}*",
            409,
        ),
        Target(
            "person",
            "POST",
            "/positions/close",
            f"connection_id={found['connection']}*&instrument=AAPL*&quantity=1*&key=k*",
            302,
        ),
        # A program.
        Target("key", "GET", f"{api}/signals?limit=5*&strategy_id={strategy}*"),
        Target("key", "GET", f"{api}/trades/{found['trade']}*"),
        Target("key", "GET", f"{api}/orders?limit=5*&open=true*"),
        Target("key", "POST", f"{api}/strategies", terms, 201),
        Target(
            "key",
            "POST",
            f"{api}/strategies/{strategy}/explain",
            json.dumps({"message": {"ticker": "AAPL*", "action": "buy*"}}),
        ),
        # Whoever has a webhook's address, until nobody is left who may send.
        Target("sender", "POST", hook, json.dumps(message)),
        Target(
            "sender", "POST", f"{hook.rpartition('/')[0]}/x*", json.dumps({"ticker": "AAPL"}), 400
        ),
        Target(
            "sender",
            "POST",
            "/trading-signal/webhook",
            json.dumps({name: f"{value}*" for name, value in arsenal.items()}),
            slows=True,
        ),
        Target(
            "person",
            "POST",
            f"/strategies/{strategy}/webhook",
            "senders=addresses*&addresses=192.0.2.1*",
            302,
        ),
        # Staff.
        Target("staff", "GET", "/admin/?q=AAPL*"),
        Target(
            "staff", "GET", "/admin/signals/?flt0_account_is=ten_0*&sort=0*&page=0*&window=day*"
        ),
        Target("staff", "GET", "/admin/audit/?actor=x*&action=x*&before=1*"),
        Target("staff", "GET", "/admin/plans/?plan=starter*&key=strategies*&value=5*"),
        Target(
            "staff", "POST", "/admin/flags/game_days", f"mode=off*&owner=ann*&days=3*&{why}", 302
        ),
    ]
