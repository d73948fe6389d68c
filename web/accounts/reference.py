"""The page of roles, drawn from what stands beside the routes.

`python -m web.accounts.reference docs/roles.md` makes it anew; a test keeps it so.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from web.accounts import access
from web.accounts.access import Declared, Shown
from web.accounts.rules import KEY_ROLES, ROLES, SCOPES, WORDS, Permission, may

_HEAD = """# Roles, and who may do what

Drawn by `python -m web.accounts.reference docs/roles.md` from what stands beside each route; do
not edit.

A member of a workspace has one role there, and may have others elsewhere. A change holds with
the next request of a running session. Where a role is not enough the answer is 403 with the code
`not_allowed`, what is needed and which roles have it. A route that declares nothing keeps the
site from starting.

An API key has a role as well, of: {keys}.
It never has more than whoever made it has now, and only its scopes where it has some, of:
{scopes}. A test key touches paper only, whatever its role.

Whoever knows a webhook URL can send that strategy signals. It is shown to those who may trade.
"""


def draw(app: Flask) -> str:
    """The whole page."""
    lines = [_HEAD.format(keys=", ".join(KEY_ROLES), scopes=", ".join(SCOPES))]
    lines += ["## What each permission allows", "", *_permissions(), ""]
    for title, is_api in (("Pages", False), ("API", True)):
        lines += [f"## {title}", "", "| route | needs | more |", "|---|---|---|"]
        lines += sorted(_routes(app, is_api=is_api))
        lines += [""]
    return "\n".join(lines)


def _permissions() -> Iterator[str]:
    yield f"| permission | to | {' | '.join(ROLES)} |"
    yield f"|---|---|{'---|' * len(ROLES)}"
    for permission in Permission:
        has = " | ".join("yes" if may(role, permission) else "" for role in ROLES)
        yield f"| `{permission}` | {WORDS[permission]} | {has} |"


def _routes(app: Flask, *, is_api: bool) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        said = access.declared(app.view_functions[rule.endpoint])
        if said is None or rule.endpoint.startswith("api.") != is_api:
            continue
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        shown = rule.rule.replace("|", "&#124;")
        yield f"| `{shown}` {methods} | {said.permission} | {_more(said)} |"


def _more(said: Declared) -> str:
    return "; ".join(
        f"{'shows' if isinstance(each, Shown) else 'field'} `{each.name}`: {each.permission}"
        for each in said.fields
    )


if __name__ == "__main__":
    from web.app import create_site

    Path(sys.argv[1]).write_text(draw(create_site()))
