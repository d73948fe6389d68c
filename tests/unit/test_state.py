"""What the data folder remembers, and who may hold it."""

import socket
from pathlib import Path

import pytest

from web.ops import children, places, state
from web.ops.children import Identity

NOBODY = Identity(uid=65534, gid=65534)


def test_the_second_start_finds_the_same_secrets(tmp_path: Path) -> None:
    first = state.load(tmp_path)
    state.save(tmp_path, first)
    assert state.load(tmp_path) == first


def test_only_the_owner_may_read_the_state(tmp_path: Path) -> None:
    state.save(tmp_path, state.load(tmp_path))
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_two_supervisors_never_share_a_folder(tmp_path: Path) -> None:
    with state.held(tmp_path), pytest.raises(state.Busy), state.held(tmp_path):
        pass
    with state.held(tmp_path):
        pass


def test_ports_are_kept_unless_somebody_took_them(tmp_path: Path) -> None:
    known = state.load(tmp_path)
    state.choose_ports(known, web_port=None)
    before = dict(known.ports)
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", before["paper"]))
        thief.listen()
        assert state.choose_ports(known, web_port=None) == ["paper"]
    changed = {name for name in before if before[name] != known.ports[name]}
    assert changed == {"paper"}


def test_a_port_that_was_asked_for_is_not_exchanged(tmp_path: Path) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        with pytest.raises(state.Busy, match="--port"):
            state.choose_ports(state.load(tmp_path), web_port=thief.getsockname()[1])


def test_no_two_programs_share_a_port(tmp_path: Path) -> None:
    known = state.load(tmp_path)
    state.choose_ports(known, web_port=None)
    wanted = known.ports["live"]
    assert state.choose_ports(known, web_port=wanted) == ["live"]
    assert known.ports["web"] == wanted
    assert len(set(known.ports.values())) == len(known.ports)


def test_an_existing_data_folder_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o750)
    state.make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_closed_parent_sends_the_data_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wanted = closed / "postgres"
    assert places.data_folder(wanted, None, unique="u") == wanted
    assert places.data_folder(wanted, NOBODY, unique="u") == places.SHARED / "u" / "postgres"
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_process_that_ended_is_not_alive() -> None:
    import subprocess

    child = subprocess.Popen(["true"])
    child.wait()
    assert not children.is_alive(child.pid)
