"""The two tenants of the walk, on a site and a database of their own."""

from collections.abc import Iterator

import pytest

from tests.isolation import far_side, world
from tests.isolation.far_side import FarSide
from tests.isolation.walking import Walker
from tests.isolation.world import World
from tests.site.conftest import Site, cheap_passwords, site

__all__ = ["cheap_passwords", "site"]


@pytest.fixture(scope="module")
def two(site: Site) -> World:
    """Us and them, with one of every object."""
    return world.build(site)


@pytest.fixture(scope="module")
def far(site: Site) -> Iterator[FarSide]:
    """Execution, as far as the site can tell."""
    with far_side.listening(site) as listener:
        yield listener


@pytest.fixture(scope="module")
def walker(two: World, far: FarSide) -> Walker:
    """Whoever tries the doors."""
    return Walker(two, far)
