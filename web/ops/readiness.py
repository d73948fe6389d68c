"""Ask a process whether it does its work yet. Every check answers within two seconds."""

import http.client
from pathlib import Path

from protos import certificates
from protos.certificates import Certificates
from protos.services import Service

TIMEOUT_SECONDS = 2.0


def http_ok(address: str) -> bool:
    """Whether GET /healthz answers 200."""
    connection = http.client.HTTPConnection(reachable(address), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def grpc_serving(address: str, server: Service, shown: Certificates | None) -> bool:
    """Whether the standard health service says SERVING."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    bundle = shown.current() if shown else None
    with certificates.channel(reachable(address), server, bundle, ()) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=""), timeout=TIMEOUT_SECONDS
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def touched(path: Path) -> bool:
    """Whether the file is there; it is removed before each start."""
    return path.exists()


def reachable(address: str) -> str:
    """The address to dial for a bind address."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("0.0.0.0", "", "[::]") else address
