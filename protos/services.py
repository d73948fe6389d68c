"""Who the services are to each other: the name in the certificate of each."""

from enum import StrEnum

_PREFIX = "spiffe://fillwire/"


class Service(StrEnum):
    """Who may call, and whom."""

    WEB = "web"
    WORKER = "worker"
    RELAY = "relay"
    EXECUTION = "execution"
    PAPER = "paper"
    # People at the command line, and what watches over processes.
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"

    @property
    def uri(self) -> str:
        """What stands in its certificate."""
        return _PREFIX + self.value


SERVERS = frozenset({Service.EXECUTION, Service.PAPER})
_BY_URI = {service.uri: service for service in Service}


def named(uri: str) -> Service | None:
    """The service that this is the name of."""
    return _BY_URI.get(uri)
