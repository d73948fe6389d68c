"""The audit trail through the API: what is sealed, and the newest checkpoint."""

from flask import Response

from web.accounts.access import needs
from web.accounts.rules import Permission
from web.api.auth import blueprint
from web.audit import export
from web.errors import Problem


@blueprint.get("/audit/export")
@needs(Permission.LOOK)
def export_trail() -> Response:
    """Every sealed event of this workspace, with the seals, as JSON lines."""
    return export.trail()


@blueprint.get("/audit/checkpoint")
@needs(Permission.LOOK)
def newest_checkpoint() -> Response:
    """What the export is checked against."""
    found = export.checkpoint()
    if found is None:
        raise Problem(
            404,
            "no_checkpoint",
            "There is no checkpoint yet",
            "Checkpoints are signed once a minute, after something was sealed.",
            "Ask again in a minute.",
            retryable=True,
        )
    return found
