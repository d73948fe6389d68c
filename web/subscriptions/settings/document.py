"""docs/settings.md, drawn from the table.

Run `python -m web.subscriptions.settings.document > docs/settings.md` after changing it.
"""

import sys
from collections.abc import Iterator
from itertools import groupby

from web.subscriptions.settings.kinds import Scope, Setting, limits, to_text
from web.subscriptions.settings.table import SETTINGS

_HEAD = """\
# Settings

Drawn from the table in code; do not edit it here.

A strategy holds values that its subscriptions inherit. A subscription gives each setting a
source: `strategy` (inherit, live), `own` (my value) or `signal` (the signal decides, else my
value, else the strategy's). A setting without a source takes `signal` where a signal can say
it, `strategy` elsewhere. Order of decision: platform default, strategy, own value, signal; then
locks, risk limits, the plan and the broker, which bind entries only and only lower.

A value comes with where it came from: `default`, `strategy`, `yours`, `signal`, `locked` or
`capped:` and by what. What belongs together (a size and what it means, a target and its unit,
a stop with unit and type) is decided as one. What a signal says in vain is noted as `ignored`.

Where the platform has no value, `"none"` is explicitly nothing: no stop, whatever the strategy
says. Numbers are strings in JSON. A setting marked *not yet* can be stored, but nothing obeys
it: while it is set, trades close and do not open (retrying excepted).

`GET` and `PATCH /api/v1/subscriptions/<id>/settings` and `/api/v1/strategies/<id>/settings` read
and change them, with `ETag` and `If-Match`; `GET /api/v1/settings/schema` is their JSON Schema.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_groups()])


def _groups() -> Iterator[str]:
    for group, rows in groupby(SETTINGS, key=lambda setting: setting.group):
        yield f"## {group}\n"
        yield "| setting | what it does | values | default | from the signal | |"
        yield "|---|---|---|---|---|---|"
        for setting in rows:
            yield f"| {' | '.join(_cells(setting))} |"
        yield ""


def _cells(setting: Setting) -> tuple[str, ...]:
    default = to_text(setting.default) or setting.empty
    fields = dict.fromkeys(path for _, path in setting.signal_fields)
    return (
        f"`{setting.name}`",
        f"**{setting.label}.** {setting.help}",
        limits(setting),
        default,
        ", ".join(f"`{path}`" for path in fields),
        "; ".join(_notes(setting)),
    )


def _notes(setting: Setting) -> Iterator[str]:
    if not setting.obeyed:
        yield "*not yet*"
    if setting.scope is not Scope.BOTH:
        yield f"of a {setting.scope} only"
    if setting.part_of:
        yield f"with `{setting.part_of}`"
    if setting.depends_on:
        yield f"needs `{setting.depends_on[0]}`"
    if setting.lockable:
        yield "can be locked"
    if setting.asset_classes:
        yield ", ".join(setting.asset_classes)


if __name__ == "__main__":
    sys.stdout.write(render())
