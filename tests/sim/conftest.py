"""What tests of single runs stand on."""

from collections.abc import Iterator

import pytest
import structlog

from tests.sim.__main__ import quiet_logs


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the core logs of faults is no news here."""
    kept = structlog.get_config()
    quiet_logs(for_good=False)
    yield
    structlog.configure(**kept)
