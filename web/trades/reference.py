"""The page of a trade's reasons, from the catalogue: `python -m web.trades.reference` writes it."""

import re
from pathlib import Path

from protos.reasons import CATALOGUE, Words

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reasons.md"
DOCS_PATH = "/docs/reasons"

_HEAD = """\
# Why a trade is where it is

Made from `protos/reasons.py` by `python -m web.trades.reference`; do not edit.

A trade that was not simply filled has a `reason`, one of these words, with a message. In the
contract the same word is written in capitals. What stands in [brackets] is a number or a name of
the trade itself.
"""
_NUMBER = re.compile(r"\{(\w+)\}")


def plain(message: str) -> str:
    """A message that belongs to no trade yet."""
    return _NUMBER.sub(lambda found: f"[{found[1].replace('_', ' ')}]", message)


def to_markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_entry(reason, CATALOGUE[reason]) for reason in sorted(CATALOGUE))])


def _entry(reason: str, words: Words) -> str:
    anchor = f'<a id="{reason}"></a>'
    return "\n".join(
        [anchor, f"## {reason}", "", plain(words.message), "", f"**Fix.** {words.fix}", ""]
    )


if __name__ == "__main__":
    PAGE.write_text(to_markdown())
