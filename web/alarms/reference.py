"""The page of alarms, from the catalogue: `python -m web.alarms.reference` writes it."""

from pathlib import Path

from protos.alarms import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alarms.md"

_HEAD = """\
# Alarms

An alarm is raised where somebody must look: it is on top of every page, on the page Alarms, on
its trade's page, in `GET /api/v1/alarms`, and told to live pages as `alarm.updated`. It is
stored with what it tells of, so it is neither lost nor raised twice.

It stays open until it is over by itself (its trade, or the protection of that, has left the state
it tells of), or until a member acknowledges it, with the button or
`POST /api/v1/alarms/<id>/acknowledge`. Acknowledging says "I have looked"; it trades nothing.
`GET /api/v1/alarms?open=true` leaves out what is over or acknowledged.

Made from `protos/alarms.py` by `python -m web.alarms.reference`; do not edit. Words in braces are
the alarm's own `numbers`.

| kind | says | what to do | is over |
|---|---|---|---|
"""


def page() -> str:
    """docs/alarms.md"""
    rows = []
    for kind, words in CATALOGUE.items():
        over = f"when no more {words.lasts}" if words.lasts else "when acknowledged"
        rows.append(f"| `{kind}` | {words.message} | {words.fix} | {over} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
