"""Ask every route as ourselves with ids of another tenant, and list what came through."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.routing import BuildError, Rule, UUIDConverter
from werkzeug.test import TestResponse

from tests.isolation import owners, walks
from tests.isolation.far_side import FarSide
from tests.isolation.walks import Walk
from tests.isolation.world import WORD, World, show
from tests.site.conftest import csrf
from web.accounts import passwords
from web.accounts.login import COOKIE
from web.formats import ShownId

# Of everything that answers hold, what differs between two that say the same.
_OURS_ALONE = re.compile(
    r'req_[0-9a-f]+|nonce="[^"]+"|name="csrf_token" value="[^"]+"|content="Im[^"]+"'
)
FORM_COOKIE = "fillwire_form"
KINDS = ("strategy", "connection", "subscription", "signal", "trade", "alarm")
HEADERS = ("Idempotency-Key", "Last-Event-ID", "X-Tenant-Id", "X-Request-Id", "Referer")


@dataclass(frozen=True)
class Position:
    """Where a route takes an id, and of what kind."""

    place: str
    name: str
    kind: str
    many: bool = False


@dataclass
class Asked:
    """A request, before it is sent. One with JSON, if only with none, is of the API."""

    method: str
    path: str
    query: dict[str, Any]
    form: dict[str, Any]
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    # A body as it is and its type, instead of the form or the JSON.
    raw: tuple[bytes, str] | None = None


@dataclass(frozen=True)
class Answer:
    """What came back, without what is different each time."""

    status: int
    body: str
    location: str


class Walker:
    """We, signed in and with a key, and the far side that must not hear of them."""

    def __init__(self, world: World, far: FarSide) -> None:
        self._world = world
        self._site = world.site
        self._far = far
        self._urls = world.site.app.url_map.bind("localhost")
        browser = world.site.client()
        self._form_token = csrf(browser, "/sign-in")
        kept = browser.get_cookie(FORM_COOKIE)
        assert kept is not None
        self._form_session = kept.value
        spaces = world.theirs.space
        self._marks = [WORD, spaces.email, *(getattr(spaces, f"{kind}_id").hex for kind in KINDS)]
        self._marks += [world.theirs.tenant_id.hex, world.theirs.person_id.hex]

    def leaks(self, rule: Rule) -> list[str]:
        """What another tenant's ids got out of a route, or did to their owner."""
        found: list[str] = []
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for walk in walks.of(rule.endpoint):
                said = f"{method} {rule.rule} {dict(walk.given)}"
                found += [f"{said}: {each}" for each in self._walk(rule, method, walk)]
        return found

    def _walk(self, rule: Rule, method: str, walk: Walk) -> Iterator[str]:
        positions = list(positions_of(rule, walk))
        theirs = {each: self._world.id(each.kind, "theirs") for each in positions}
        ghosts = {each: self._world.id(each.kind, "ghost") for each in positions}
        before, heard = self._theirs_now(), len(self._far.asked)
        asks = [[each] for each in positions] + ([positions] if len(positions) > 1 else [])
        for foreign in asks:
            name = " and ".join(f"{each.place} {each.name}" for each in foreign)
            ours = {each: self._world.id(each.kind, "ours") for each in positions}
            got = self._ask(rule, method, walk, ours | {each: theirs[each] for each in foreign})
            as_ghost = ours | {each: ghosts[each] for each in foreign}
            expected = self._ask(rule, method, walk, as_ghost)
            if got != expected:
                yield f"{name}: {_said(got)}, of nobody's id {_said(expected)}"
            elif got.status != 404 and not all(each.name in walk.narrows for each in foreign):
                yield f"{name}: {_said(got)} instead of 404"
        yield from self._ours(rule, method, walk, positions)
        told = "\n".join(self._far.asked[heard:])
        yield from (f"execution was asked of {m}" for m in self._marks if m in told)
        after = self._theirs_now()
        yield from (
            f"{table} of theirs changed" for table in after if after[table] != before[table]
        )

    def _ours(
        self, rule: Rule, method: str, walk: Walk, positions: list[Position]
    ) -> Iterator[str]:
        """Our own ids work, and what is smuggled beside them shows nothing of theirs."""
        ours = {each: self._world.id(each.kind, "ours") for each in positions}
        got = self._ask(rule, method, walk, ours)
        if got.status in (404, 500) and not walk.unproven:
            yield f"our own: {_said(got)}"
        yield from self._marks_in(got, "our own")
        again = {each: self._world.id(each.kind, "ours") for each in positions}
        smuggled = self._ask(rule, method, walk, again, smuggle=True)
        yield from self._marks_in(smuggled, "with theirs beside")

    def _marks_in(self, answer: Answer, which: str) -> Iterator[str]:
        text = (answer.body + answer.location).replace("-", "")
        yield from (f"{which}: shows {mark}" for mark in self._marks if mark in text)

    def _theirs_now(self) -> dict[str, tuple[int, str]]:
        theirs = self._world.theirs
        return owners.checksums(self._site.owner, theirs.tenant_id, theirs.person_id)

    def _ask(
        self,
        rule: Rule,
        method: str,
        walk: Walk,
        values: Mapping[Position, UUID],
        *,
        smuggle: bool = False,
    ) -> Answer:
        asked = self.request(rule, method, walk, values)
        extra = self._smuggled() if smuggle else {}
        asked.query = extra | asked.query
        asked.headers = dict.fromkeys(HEADERS if smuggle else (), extra.get("strategy_id", ""))
        asked.form |= extra
        response = self.send(asked)
        # What was sent may come back, in a link or a field.
        sent: list[UUID | str] = [*values.values(), *extra.values()]
        location = response.headers.get("Location", "")
        return Answer(response.status_code, _plain(response.text, sent), _plain(location, sent))

    def request(
        self, rule: Rule, method: str, walk: Walk, values: Mapping[Position, UUID]
    ) -> Asked:
        """What a walk sends with these ids."""
        by_place: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "form": {}, "json": {}}
        for position, value in values.items():
            shown: Any = value if position.place == "path" else show(position.kind, value)
            by_place[position.place][position.name] = [shown] if position.many else shown
        given = dict(walk.given)
        words = {name: given.pop(name) for name in list(given) if name in rule.arguments}
        try:
            path = self._urls.build(rule.endpoint, words | by_place["path"], method)
        except BuildError as error:
            raise AssertionError(f"{rule.endpoint}: its line lacks words of the path") from error
        query = by_place["query"] | (given if method == "GET" else {})
        api = rule.endpoint.startswith("api.")
        sent = given | by_place["json" if api else "form"]
        return Asked(method, path, query, form={} if api else sent, json=sent if api else None)

    def send(self, asked: Asked) -> TestResponse:
        """Send it: to the API with our key, elsewhere signed in."""
        more: dict[str, Any] = {"query_string": asked.query, "headers": dict(asked.headers)}
        client = self._site.client() if asked.json is not None else self._signed_in()
        if asked.json is not None:
            more["headers"].setdefault("Authorization", f"Bearer {self._world.ours.space.key}")
        if asked.raw is not None:
            more["data"], more["content_type"] = asked.raw
            more["headers"]["X-CSRFToken"] = self._form_token
        elif asked.json is not None and asked.method != "GET":
            more["json"] = asked.json
        elif asked.method != "GET":
            more["data"] = asked.form | {"csrf_token": self._form_token}
        return client.open(asked.path, method=asked.method, **more)

    def _smuggled(self) -> dict[str, str]:
        """Theirs, under every name that somebody might look at."""
        theirs = self._world.theirs
        found = {f"{kind}_id": theirs.space.shown(kind) for kind in KINDS if kind != "signal"}
        return found | {"tenant": str(theirs.tenant_id), "tenant_id": str(theirs.tenant_id)}

    def _signed_in(self) -> FlaskClient:
        """A fresh session of ours, without the cost of a password or of a page with a form."""
        token, now = passwords.new_token(), datetime.now(UTC)
        ours = self._world.ours
        self._site.owner.execute(
            "INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at, proved_at) "
            "VALUES (%s, %s, %s, now() + interval '1 day', %s)",
            (passwords.hash_token(token), ours.person_id, ours.tenant_id, now),
        )
        client = self._site.client()
        client.set_cookie(COOKIE, token)
        client.set_cookie(FORM_COOKIE, self._form_session)
        return client


def positions_of(rule: Rule, walk: Walk) -> Iterator[Position]:
    """Each id that a route takes. Raises KeyError for a path's id of unknown kind."""
    for name, converter in rule._converters.items():
        if isinstance(converter, ShownId):
            yield Position("path", name, walk.path.get(name, converter._kind))
        elif isinstance(converter, UUIDConverter):
            yield Position("path", name, walk.path[name])
    for place in ("query", "form", "json"):
        for name, kind in getattr(walk, place).items():
            yield Position(place, name, kind.strip("[]"), kind.startswith("["))


def _plain(text: str, sent: Sequence[UUID | str]) -> str:
    for each in sent:
        spelled = [each.hex, str(each)] if isinstance(each, UUID) else [each]
        for one in spelled:
            text = text.replace(one, "<id>")
    return _OURS_ALONE.sub("…", text)


def _said(answer: Answer) -> str:
    return f"{answer.status} {answer.location} {answer.body[:300]!r}"
