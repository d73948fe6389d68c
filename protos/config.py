"""What every program reads alike, and the end of one that must not start."""

from collections.abc import Mapping
from pathlib import Path

from protos.telling import Tellable


class CannotStart(Tellable):
    """This configuration is not safe; the message names the cure."""


def certificates(environment: Mapping[str, str]) -> Path | None:
    """The folder of our certificate. Raises CannotStart where plain text is not allowed."""
    folder = environment.get("FILLWIRE_CERTIFICATES", "")
    if not folder and environment.get("FILLWIRE_PRODUCTION") == "1":
        raise CannotStart(
            "FILLWIRE_PRODUCTION is 1 and FILLWIRE_CERTIFICATES is not set: calls would come in "
            "plain text. Set it to the folder of this service's certificate: `fillwire certs` "
            "makes it"
        )
    return Path(folder) if folder else None
