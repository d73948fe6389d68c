"""The operator's hand on the keys around brokers' secrets, and on the paper venue's own keys."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import grpc
import psycopg

from protos import certificates
from protos.certificates import Unusable
from protos.execution.v1 import credentials_pb2 as pb
from protos.paper.v1 import keys_pb2, keys_pb2_grpc
from protos.services import Service
from web.credentials_client import CannotRotate, VaultClient
from web.db import to_json
from web.execution_client import ExecutionDown, describe
from web.ops import people

Answer = TypeVar("Answer")

SECONDS = 5.0
LOOK_SECONDS = 0.5

_AUDIT = "INSERT INTO web.audit_events (actor, action, subject, after) VALUES (%s, %s, %s, %s)"


class Cannot(Exception):
    """It was not done, or that is not known; the message says which."""


def keys(folder: Path) -> pb.GetKeysResponse:
    """Which keys there are. Raises Cannot."""
    _, client = _reach(folder)
    try:
        return client.keys()
    except ExecutionDown as down:
        raise Cannot(f"execution did not answer: {down}") from None


def rotate_kek(folder: Path, kek_id: str, actor: str, say: Callable[[str], None]) -> None:
    """Change the key-encryption key, and stay until the former ones are retired. Raises Cannot."""
    database, client = _reach(folder)
    try:
        new = client.rotate_kek(kek_id)
        _record(database, actor, "vault:rotate_kek", {"kek": new})
        say(f"Sealing with {new} from now on. Wrapping anew what is stored:")
        _wait(client, say)
    except (ExecutionDown, CannotRotate) as problem:
        raise Cannot(str(problem)) from None


def rotate_transport_key(folder: Path, actor: str) -> str:
    """Change the key pair that web seals to; its name. Raises Cannot."""
    database, client = _reach(folder)
    try:
        new = client.rotate_transport_key()
    except (ExecutionDown, CannotRotate) as problem:
        raise Cannot(str(problem)) from None
    _record(database, actor, "vault:rotate_transport_key", {"key": new})
    return new


def issue(folder: Path, account: str, permissions: list[str]) -> keys_pb2.IssueKeyResponse:
    """A key of a paper account, made at the venue. Raises Cannot."""
    request = keys_pb2.IssueKeyRequest(account=account, permissions=permissions)
    return _venue(folder, lambda stub: stub.IssueKey(request, timeout=SECONDS))


def revoke(folder: Path, key_id: str) -> None:
    """End one. Raises Cannot."""
    request = keys_pb2.RevokeKeyRequest(key_id=key_id)
    _venue(folder, lambda stub: stub.RevokeKey(request, timeout=SECONDS))


def _wait(client: VaultClient, say: Callable[[str], None]) -> None:
    """Until every former key is retired, or what is left cannot be wrapped anew."""
    before = -1
    still = 0
    while True:
        left = [k for k in client.keys().keks if not (k.current or k.HasField("retired_time"))]
        many = sum(kek.records for kek in left)
        if not left:
            say("Done: the former keys are retired.")
            return
        still = still + 1 if many == before else 0
        if many != before:
            say(f"  {many} to go")
        if still > 40:
            names = ", ".join(kek.kek_id for kek in left)
            say(
                f"{many} cannot be opened, so {names} stays. Execution's log names their "
                "connections; it is retired once their members have replaced the keys."
            )
            return
        before = many
        time.sleep(LOOK_SECONDS)


def _reach(folder: Path) -> tuple[str, VaultClient]:
    try:
        return people.owner_url(folder), VaultClient(people.execution(folder))
    except people.CannotAdd as problem:
        raise Cannot(str(problem)) from None


def _venue(folder: Path, call: Callable[[keys_pb2_grpc.KeysStub], Answer]) -> Answer:
    running = folder / "run" / "up.json"
    listed = json.loads(running.read_text()) if running.exists() else {}
    target = os.environ.get("FILLWIRE_PAPER_TARGET") or listed.get("paper_target")
    if not target:
        raise Cannot("start the stack, or set FILLWIRE_PAPER_TARGET")
    place = os.environ.get("FILLWIRE_CERTIFICATES") or listed.get("certificates")
    shown = certificates.at(Path(place) if place else None)
    try:
        bundle = shown.current() if shown else None
        with certificates.channel(target, Service.PAPER, bundle, ()) as channel:
            return call(keys_pb2_grpc.KeysStub(channel))
    except Unusable as problem:
        raise Cannot(str(problem)) from None
    except grpc.RpcError as error:
        raise Cannot(f"the venue says {describe(error)}") from None


def _record(database: str, actor: str, action: str, after: dict[str, str]) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_AUDIT, (actor, action, "platform", to_json(after)))
