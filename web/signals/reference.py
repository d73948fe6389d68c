"""The page of refusals, from the catalogue: `python -m web.signals.reference` writes it."""

from pathlib import Path

from web.signals.refusals import CATALOGUE, Raised, Refusal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "webhook_errors.md"

_HEAD = """\
# Why a message was refused

Made from `web/signals/refusals.py` by `python -m web.signals.reference`; do not edit.

A refusal is answered with JSON that has `messageCode`, `message`, `field`, `fix`, and `docs`, the
address of its entry here. The status is 400 unless an entry says otherwise.
`fillwire lint FILE` tells the same without sending anything.
"""


def to_markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_entry(refusal) for refusal in CATALOGUE.values())])


def _entry(refusal: Refusal) -> str:
    lines = [f'<a id="{refusal.code}"></a>', f"## {refusal.code}", "", refusal.message, ""]
    lines += [f"**Fix.** {refusal.fix}", ""]
    if refusal.fields:
        lines += ["Fields: " + ", ".join(f"`{field}`" for field in refusal.fields) + ".", ""]
    if refusal.status != 400:
        lines += [f"Status {refusal.status}.", ""]
    if refusal.raised is Raised.NEVER:
        lines += [f"Raised {refusal.raised}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(to_markdown())
