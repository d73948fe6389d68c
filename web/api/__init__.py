"""The REST API, version 1: plain JSON resources, keys, cursors, problems with a cure."""

# Reads and writes add their routes to the blueprint.
from web.api import audit as audit
from web.api import explain as explain
from web.api import problems as problems
from web.api import reads as reads
from web.api import settings as settings
from web.api import switches as switches
from web.api import webhooks as webhooks
from web.api import writes as writes
from web.api.auth import blueprint as blueprint
