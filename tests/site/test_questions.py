"""`fillwire explain` and `fillwire replay`, against a site that listens."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from tests.site.conftest import Site
from web import cli

MESSAGE = '{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(site: Site, url: str, *arguments: str, typed: str = "") -> Result:
    verb, *rest = arguments
    known = [verb, "--url", url, "--key", site.ours.key, *rest]
    return CliRunner().invoke(cli.main, known, input=typed)


def test_a_message_is_explained(site: Site, url: str, tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(MESSAGE)
    strategy = site.ours.shown("strategy")
    result = ask(site, url, "explain", "--strategy", strategy, str(file))
    assert result.exit_code == 0, result.output
    assert "buy AAPL, read at" in result.output
    assert f"Paper (paper) {site.ours.shown('subscription')}" in result.output
    assert "PENDING" in result.output
    assert "5 [signal]" in result.output
    assert "does not answer" in result.output
    whole = ask(site, url, "explain", "--strategy", strategy, "--json", "-", typed=MESSAGE)
    assert json.loads(whole.output)["object"] == "explanation"


def test_a_refusal_is_told_with_its_cure(site: Site, url: str) -> None:
    strategy = site.ours.shown("strategy")
    result = ask(site, url, "explain", "--strategy", strategy, "-", typed='{"ticker":"AAPL"}')
    assert result.exit_code == 1
    assert result.output.startswith("Refused: ")


def test_what_the_api_says_no_to_is_said(site: Site, url: str) -> None:
    result = ask(site, url, "replay", site.ours.shown("trade"))
    assert result.exit_code == 1
    assert "This decision was not recorded" in result.output
    assert "There is nothing here" in ask(site, url, "replay", site.theirs.shown("trade")).output
    assert "no answer" in ask(site, "http://127.0.0.1:9", "replay", "trd_1").output
