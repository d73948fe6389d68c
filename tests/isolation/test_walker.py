"""Every route with every id of another tenant: not found, nothing shown, nothing changed.

And once more with the application's own filter taken out: PostgreSQL alone must hold.
"""

from collections.abc import Iterable

import pytest
from werkzeug.routing import Rule

from tests.isolation import owners
from tests.isolation.unfiltered import Unfiltered, filter_off, without_filter
from tests.isolation.walking import Walker
from tests.isolation.walks import WALKS
from tests.isolation.world import World
from tests.site.conftest import Site
from web.accounts.access import ELSEWHERE


def test_every_route_has_a_line_in_walks(site: Site) -> None:
    rules = site.app.url_map.iter_rules()
    # What is guarded elsewhere knows no tenant; staff's: test_staff_reads walks it as a stranger.
    routed = {rule.endpoint for rule in rules if not rule.rule.startswith(tuple(ELSEWHERE))}
    assert routed - set(WALKS) == set(), "add a line to tests/isolation/walks.py"
    assert set(WALKS) - routed == set(), "these lines are of no route"


def test_they_have_a_row_in_every_table_that_holds_something_of_a_tenant(two: World) -> None:
    owner = two.site.owner
    assert owners.unowned(owner) == set(), "say whose these are in tests/isolation/owners.py"
    counted = owners.checksums(owner, two.theirs.tenant_id, two.theirs.person_id)
    empty = {table for table, (rows, _) in counted.items() if not rows}
    assert empty == set(), "give them one in tests/isolation/world.py"


@pytest.mark.parametrize("endpoint", sorted(WALKS))
def test_another_tenants_ids_open_nothing(walker: Walker, site: Site, endpoint: str) -> None:
    found = [leak for rule in _rules(site, endpoint) for leak in walker.leaks(rule)]
    assert found == []


@pytest.mark.parametrize("endpoint", sorted(WALKS))
def test_they_open_nothing_without_the_filter_either(
    walker: Walker, site: Site, endpoint: str
) -> None:
    with filter_off(site.app):
        found = [leak for rule in _rules(site, endpoint) for leak in walker.leaks(rule)]
    assert found == []


def test_what_only_reads_holds_without_row_security_either(walker: Walker, site: Site) -> None:
    """The filter alone: lists ask for their tenant too."""
    tables = owners.of_tenants(site.owner)
    _switch_row_security(site, tables, "DISABLE")
    try:
        found = [
            leak
            for endpoint in WALKS
            for rule in _rules(site, endpoint)
            if "GET" in (rule.methods or ())
            for leak in walker.leaks(rule)
        ]
    finally:
        _switch_row_security(site, tables, "ENABLE")
    assert found == []


def test_the_filter_is_taken_out_of_look_ups(walker: Walker, site: Site) -> None:
    before = Unfiltered.taken
    with filter_off(site.app):
        walker.leaks(*_rules(site, "strategies.page"))
    assert Unfiltered.taken > before
    shown = "SELECT x FROM web.t WHERE web.t.id = %(a)s AND web.t.tenant_id = %(b)s::UUID"
    assert "tenant_id" not in without_filter(shown)


def test_the_walk_finds_a_leak_where_neither_holds(walker: Walker, site: Site) -> None:
    _switch_row_security(site, ["strategies"], "DISABLE")
    try:
        with filter_off(site.app):
            found = walker.leaks(*_rules(site, "api.change_strategy"))
    finally:
        _switch_row_security(site, ["strategies"], "ENABLE")
    assert any("of nobody's id 404" in each for each in found), found
    assert any("changed" in each for each in found), found


def _switch_row_security(site: Site, tables: Iterable[str], way: str) -> None:
    for table in tables:
        site.owner.execute(f"ALTER TABLE web.{table} {way} ROW LEVEL SECURITY".encode())


def _rules(site: Site, endpoint: str) -> list[Rule]:
    return [rule for rule in site.app.url_map.iter_rules() if rule.endpoint == endpoint]
