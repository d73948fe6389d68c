"""What every action does in every cell: the data that a test runs and a docs page shows.

One row a line: action, sentiment, quantity of the signal, settings, then what happens when
flat, when long 5 and when short 5. A word alone is the reason why nothing, or no more, is
sent. `python -m tests.truth_table > docs/truth_table.md` makes the page anew.
"""

# ruff: noqa: E501 - one row a line, however long.
from dataclasses import dataclass

POSITIONS = {"flat": "0", "long 5": "5", "short 5": "-5"}

TABLE = """
buy | - | 3 | - | enter long 3 | already_in_position | close short 3
buy | - | 8 | - | enter long 8 | already_in_position | close short 5, swap_off
buy | - | - | - | enter long 1 | already_in_position | close short 5
buy | bullish | 3 | - | enter long 3 | already_in_position | close short 3
buy | bullish | 8 | - | enter long 8 | already_in_position | close short 5, swap_off
buy | bullish | - | - | enter long 1 | already_in_position | close short 5
buy | bearish | 3 | - | no_position | sentiment_mismatch | close short 3
buy | bearish | 8 | - | no_position | sentiment_mismatch | close short 5
buy | bearish | - | - | sentiment_mismatch | sentiment_mismatch | sentiment_mismatch
buy | flat | 3 | - | no_position | close long 5 | close short 5
buy | flat | 8 | - | no_position | close long 5 | close short 5
buy | flat | - | - | no_position | close long 5 | close short 5
sell | - | 3 | - | enter short 3 | close long 3 | already_in_position
sell | - | 8 | - | enter short 8 | close long 5, swap_off | already_in_position
sell | - | - | - | enter short 1 | close long 5 | already_in_position
sell | bullish | 3 | - | no_position | close long 3 | sentiment_mismatch
sell | bullish | 8 | - | no_position | close long 5 | sentiment_mismatch
sell | bullish | - | - | sentiment_mismatch | sentiment_mismatch | sentiment_mismatch
sell | bearish | 3 | - | enter short 3 | close long 3 | already_in_position
sell | bearish | 8 | - | enter short 8 | close long 5, swap_off | already_in_position
sell | bearish | - | - | enter short 1 | close long 5 | already_in_position
sell | flat | 3 | - | no_position | close long 5 | close short 5
sell | flat | 8 | - | no_position | close long 5 | close short 5
sell | flat | - | - | no_position | close long 5 | close short 5
exit | - | 3 | - | no_position | close long 3 | close short 3
exit | - | 8 | - | no_position | close long 5 | close short 5
exit | - | - | - | no_position | close long 5 | close short 5
add | - | 3 | - | no_position | enter long 3 | enter short 3
add | - | 8 | - | no_position | enter long 8 | enter short 8
add | - | - | - | no_position | enter long 1 | enter short 1
reverse | - | 3 | - | no_position | close long 5, enter short 3 | close short 5, enter long 3
reverse | - | 8 | - | no_position | close long 5, enter short 8 | close short 5, enter long 8
reverse | - | - | - | no_position | close long 5, enter short 5 | close short 5, enter long 5
breakeven | - | 3 | - | no_position | stop for long 5 | stop for short 5
breakeven | - | 8 | - | no_position | stop for long 5 | stop for short 5
breakeven | - | - | - | no_position | stop for long 5 | stop for short 5
cancel | - | 3 | - | nothing_to_cancel | nothing_to_cancel | nothing_to_cancel
cancel | - | 8 | - | nothing_to_cancel | nothing_to_cancel | nothing_to_cancel
cancel | - | - | - | nothing_to_cancel | nothing_to_cancel | nothing_to_cancel
buy | - | 3 | swap | enter long 3 | already_in_position | close short 3
buy | - | 5 | swap | enter long 5 | already_in_position | close short 5, enter long 5
buy | - | 8 | swap | enter long 8 | already_in_position | close short 5, enter long 8
buy | - | - | swap | enter long 1 | already_in_position | close short 5, enter long 1
buy | bullish | 3 | swap | enter long 3 | already_in_position | close short 3
buy | bullish | 5 | swap | enter long 5 | already_in_position | close short 5, enter long 5
buy | bullish | 8 | swap | enter long 8 | already_in_position | close short 5, enter long 8
buy | bullish | - | swap | enter long 1 | already_in_position | close short 5, enter long 1
buy | bearish | 3 | swap | no_position | sentiment_mismatch | close short 3
buy | bearish | 5 | swap | no_position | sentiment_mismatch | close short 5
buy | bearish | 8 | swap | no_position | sentiment_mismatch | close short 5
buy | bearish | - | swap | sentiment_mismatch | sentiment_mismatch | sentiment_mismatch
buy | flat | 3 | swap | no_position | close long 5 | close short 5
buy | flat | 5 | swap | no_position | close long 5 | close short 5
buy | flat | 8 | swap | no_position | close long 5 | close short 5
buy | flat | - | swap | no_position | close long 5 | close short 5
sell | - | 3 | swap | enter short 3 | close long 3 | already_in_position
sell | - | 5 | swap | enter short 5 | close long 5, enter short 5 | already_in_position
sell | - | 8 | swap | enter short 8 | close long 5, enter short 8 | already_in_position
sell | - | - | swap | enter short 1 | close long 5, enter short 1 | already_in_position
sell | bullish | 3 | swap | no_position | close long 3 | sentiment_mismatch
sell | bullish | 5 | swap | no_position | close long 5 | sentiment_mismatch
sell | bullish | 8 | swap | no_position | close long 5 | sentiment_mismatch
sell | bullish | - | swap | sentiment_mismatch | sentiment_mismatch | sentiment_mismatch
sell | bearish | 3 | swap | enter short 3 | close long 3 | already_in_position
sell | bearish | 5 | swap | enter short 5 | close long 5, enter short 5 | already_in_position
sell | bearish | 8 | swap | enter short 8 | close long 5, enter short 8 | already_in_position
sell | bearish | - | swap | enter short 1 | close long 5, enter short 1 | already_in_position
sell | flat | 3 | swap | no_position | close long 5 | close short 5
sell | flat | 5 | swap | no_position | close long 5 | close short 5
sell | flat | 8 | swap | no_position | close long 5 | close short 5
sell | flat | - | swap | no_position | close long 5 | close short 5
exit | - | 3 | swap | no_position | close long 3 | close short 3
exit | - | 5 | swap | no_position | close long 5 | close short 5
exit | - | 8 | swap | no_position | close long 5 | close short 5
exit | - | - | swap | no_position | close long 5 | close short 5
add | - | 3 | swap | no_position | enter long 3 | enter short 3
reverse | - | 3 | swap | no_position | close long 5, enter short 3 | close short 5, enter long 3
reverse | - | 5 | swap | no_position | close long 5, enter short 5 | close short 5, enter long 5
reverse | - | 8 | swap | no_position | close long 5, enter short 8 | close short 5, enter long 8
reverse | - | - | swap | no_position | close long 5, enter short 5 | close short 5, enter long 5
breakeven | - | 3 | swap | no_position | stop for long 5 | stop for short 5
cancel | - | 3 | swap | nothing_to_cancel | nothing_to_cancel | nothing_to_cancel
buy | - | 8 | add | enter long 8 | enter long 8 | close short 5, swap_off
buy | bullish | 8 | add | enter long 8 | enter long 8 | close short 5, swap_off
buy | bearish | 8 | add | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | add | no_position | close long 5 | close short 5
sell | - | 8 | add | enter short 8 | close long 5, swap_off | enter short 8
sell | bullish | 8 | add | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | add | enter short 8 | close long 5, swap_off | enter short 8
sell | flat | 8 | add | no_position | close long 5 | close short 5
exit | - | 8 | add | no_position | close long 5 | close short 5
reverse | - | 8 | add | no_position | close long 5, enter short 8 | close short 5, enter long 8
buy | - | 8 | bullish only | enter long 8 | already_in_position | close short 5, enter long 8
buy | bullish | 8 | bullish only | enter long 8 | already_in_position | close short 5, enter long 8
buy | bearish | 8 | bullish only | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | bullish only | no_position | close long 5 | close short 5
sell | - | 8 | bullish only | side_not_allowed | close long 5 | already_in_position
sell | bullish | 8 | bullish only | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | bullish only | side_not_allowed | close long 5 | already_in_position
sell | flat | 8 | bullish only | no_position | close long 5 | close short 5
exit | - | 8 | bullish only | no_position | close long 5 | close short 5
reverse | - | 8 | bullish only | no_position | close long 5, enter short 8 | close short 5, enter long 8
buy | - | 8 | bearish only | side_not_allowed | already_in_position | close short 5
buy | bullish | 8 | bearish only | side_not_allowed | already_in_position | close short 5
buy | bearish | 8 | bearish only | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | bearish only | no_position | close long 5 | close short 5
sell | - | 8 | bearish only | enter short 8 | close long 5, enter short 8 | already_in_position
sell | bullish | 8 | bearish only | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | bearish only | enter short 8 | close long 5, enter short 8 | already_in_position
sell | flat | 8 | bearish only | no_position | close long 5 | close short 5
exit | - | 8 | bearish only | no_position | close long 5 | close short 5
reverse | - | 8 | bearish only | no_position | close long 5, enter short 8 | close short 5, enter long 8
buy | - | 8 | no sides | side_not_allowed | already_in_position | close short 5
buy | bullish | 8 | no sides | side_not_allowed | already_in_position | close short 5
buy | bearish | 8 | no sides | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | no sides | no_position | close long 5 | close short 5
sell | - | 8 | no sides | side_not_allowed | close long 5 | already_in_position
sell | bullish | 8 | no sides | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | no sides | side_not_allowed | close long 5 | already_in_position
sell | flat | 8 | no sides | no_position | close long 5 | close short 5
exit | - | 8 | no sides | no_position | close long 5 | close short 5
reverse | - | 8 | no sides | no_position | close long 5, enter short 8 | close short 5, enter long 8
buy | - | 8 | bullish only, isolated | enter long 8 | already_in_position | side_isolated
buy | bullish | 8 | bullish only, isolated | enter long 8 | already_in_position | side_isolated
buy | bearish | 8 | bullish only, isolated | no_position | sentiment_mismatch | side_isolated
buy | flat | 8 | bullish only, isolated | no_position | close long 5 | side_isolated
sell | - | 8 | bullish only, isolated | side_not_allowed | close long 5 | already_in_position
sell | bullish | 8 | bullish only, isolated | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | bullish only, isolated | side_not_allowed | close long 5 | already_in_position
sell | flat | 8 | bullish only, isolated | no_position | close long 5 | side_isolated
exit | - | 8 | bullish only, isolated | no_position | close long 5 | side_isolated
reverse | - | 8 | bullish only, isolated | no_position | side_isolated | side_isolated
buy | - | 8 | bearish only, isolated | side_not_allowed | already_in_position | close short 5
buy | bullish | 8 | bearish only, isolated | side_not_allowed | already_in_position | close short 5
buy | bearish | 8 | bearish only, isolated | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | bearish only, isolated | no_position | side_isolated | close short 5
sell | - | 8 | bearish only, isolated | enter short 8 | side_isolated | already_in_position
sell | bullish | 8 | bearish only, isolated | no_position | side_isolated | sentiment_mismatch
sell | bearish | 8 | bearish only, isolated | enter short 8 | side_isolated | already_in_position
sell | flat | 8 | bearish only, isolated | no_position | side_isolated | close short 5
exit | - | 8 | bearish only, isolated | no_position | side_isolated | close short 5
reverse | - | 8 | bearish only, isolated | no_position | side_isolated | side_isolated
buy | - | 8 | both, isolated | enter long 8 | already_in_position | close short 5, enter long 8
buy | bullish | 8 | both, isolated | enter long 8 | already_in_position | close short 5, enter long 8
buy | bearish | 8 | both, isolated | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | both, isolated | no_position | close long 5 | close short 5
sell | - | 8 | both, isolated | enter short 8 | close long 5, enter short 8 | already_in_position
sell | bullish | 8 | both, isolated | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | both, isolated | enter short 8 | close long 5, enter short 8 | already_in_position
sell | flat | 8 | both, isolated | no_position | close long 5 | close short 5
exit | - | 8 | both, isolated | no_position | close long 5 | close short 5
reverse | - | 8 | both, isolated | no_position | close long 5, enter short 8 | close short 5, enter long 8
buy | - | 3 | swap, subtract | enter long 3 | already_in_position | close short 3, subtracted_flat
buy | - | 5 | swap, subtract | enter long 5 | already_in_position | close short 5, subtracted_flat
buy | - | 8 | swap, subtract | enter long 8 | already_in_position | close short 5, enter long 3
buy | - | - | swap, subtract | enter long 1 | already_in_position | close short 5, enter long 1
sell | - | 3 | swap, subtract | enter short 3 | close long 3, subtracted_flat | already_in_position
sell | - | 5 | swap, subtract | enter short 5 | close long 5, subtracted_flat | already_in_position
sell | - | 8 | swap, subtract | enter short 8 | close long 5, enter short 3 | already_in_position
sell | - | - | swap, subtract | enter short 1 | close long 5, enter short 1 | already_in_position
buy | - | 3 | swap, subtract, parity | enter long 3 | already_in_position | close short 3, subtracted_flat
buy | - | 5 | swap, subtract, parity | enter long 5 | already_in_position | close short 5, enter long 5
buy | - | 8 | swap, subtract, parity | enter long 8 | already_in_position | close short 5, enter long 3
buy | - | - | swap, subtract, parity | enter long 1 | already_in_position | close short 5, enter long 1
sell | - | 3 | swap, subtract, parity | enter short 3 | close long 3, subtracted_flat | already_in_position
sell | - | 5 | swap, subtract, parity | enter short 5 | close long 5, enter short 5 | already_in_position
sell | - | 8 | swap, subtract, parity | enter short 8 | close long 5, enter short 3 | already_in_position
sell | - | - | swap, subtract, parity | enter short 1 | close long 5, enter short 1 | already_in_position
buy | - | 3 | subtract | enter long 3 | already_in_position | close short 3
buy | - | 5 | subtract | enter long 5 | already_in_position | close short 5
buy | - | 8 | subtract | enter long 8 | already_in_position | close short 5, swap_off
buy | - | - | subtract | enter long 1 | already_in_position | close short 5
sell | - | 3 | subtract | enter short 3 | close long 3 | already_in_position
sell | - | 5 | subtract | enter short 5 | close long 5 | already_in_position
sell | - | 8 | subtract | enter short 8 | close long 5, swap_off | already_in_position
sell | - | - | subtract | enter short 1 | close long 5 | already_in_position
buy | - | 8 | crypto, swap | enter long 8 | already_in_position | close short 5, enter long 8
buy | bullish | 8 | crypto, swap | enter long 8 | already_in_position | close short 5, enter long 8
buy | bearish | 8 | crypto, swap | no_position | sentiment_mismatch | close short 5
buy | flat | 8 | crypto, swap | no_position | close long 5 | close short 5
sell | - | 8 | crypto, swap | short_not_allowed | close long 5, short_not_allowed | already_in_position
sell | bullish | 8 | crypto, swap | no_position | close long 5 | sentiment_mismatch
sell | bearish | 8 | crypto, swap | short_not_allowed | close long 5, short_not_allowed | already_in_position
sell | flat | 8 | crypto, swap | no_position | close long 5 | close short 5
exit | - | 8 | crypto, swap | no_position | close long 5 | close short 5
reverse | - | 8 | crypto, swap | no_position | close long 5, short_not_allowed | close short 5, enter long 8
buy | - | 8 | ignore exits | enter long 8 | already_in_position | exits_ignored
buy | bullish | 8 | ignore exits | enter long 8 | already_in_position | exits_ignored
buy | bearish | 8 | ignore exits | no_position | sentiment_mismatch | exits_ignored
buy | flat | 8 | ignore exits | no_position | exits_ignored | exits_ignored
sell | - | 8 | ignore exits | enter short 8 | exits_ignored | already_in_position
sell | bullish | 8 | ignore exits | no_position | exits_ignored | sentiment_mismatch
sell | bearish | 8 | ignore exits | enter short 8 | exits_ignored | already_in_position
sell | flat | 8 | ignore exits | no_position | exits_ignored | exits_ignored
exit | - | 8 | ignore exits | no_position | exits_ignored | exits_ignored
reverse | - | 8 | ignore exits | no_position | exits_ignored | exits_ignored
buy | - | 8 | ignore exits, swap | enter long 8 | already_in_position | exits_ignored
buy | bullish | 8 | ignore exits, swap | enter long 8 | already_in_position | exits_ignored
buy | bearish | 8 | ignore exits, swap | no_position | sentiment_mismatch | exits_ignored
buy | flat | 8 | ignore exits, swap | no_position | exits_ignored | exits_ignored
sell | - | 8 | ignore exits, swap | enter short 8 | exits_ignored | already_in_position
sell | bullish | 8 | ignore exits, swap | no_position | exits_ignored | sentiment_mismatch
sell | bearish | 8 | ignore exits, swap | enter short 8 | exits_ignored | already_in_position
sell | flat | 8 | ignore exits, swap | no_position | exits_ignored | exits_ignored
exit | - | 8 | ignore exits, swap | no_position | exits_ignored | exits_ignored
reverse | - | 8 | ignore exits, swap | no_position | exits_ignored | exits_ignored
"""

_INTRO = """# What each action does

The cell is chosen by the side of the *exposure*: the position and this subscription's own
entries that still work. Quantities are compared with the position. A word alone is the reason
why nothing, or no more, is sent. The price is 100; a long was bought at 90, a short sold at 110.

This page is generated from `tests/truth_table.py`, and every cell of it is a test.
"""


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    action: str
    sentiment: str
    quantity: str
    settings: str
    position: str
    expected: str

    def __str__(self) -> str:
        words = (self.action, self.sentiment, self.quantity, self.settings, self.position)
        return " / ".join(words)


def rows() -> list[list[str]]:
    """The lines of the table, split."""
    lines = TABLE.strip().splitlines()
    return [[column.strip() for column in line.split("|")] for line in lines]


def cells() -> list[Cell]:
    """Every cell."""
    return [
        Cell(row[0], row[1], row[2], row[3], position, expected)
        for row in rows()
        for position, expected in zip(POSITIONS, row[4:], strict=True)
    ]


def render() -> str:
    """The docs page."""
    page = [_INTRO]
    settings = ""
    for row in rows():
        if row[3] != settings:
            settings = row[3]
            title = "Default settings" if settings == "-" else f"With: {settings}"
            page.append(f"\n## {title}\n")
            page.append("| action | sentiment | quantity | flat | long 5 | short 5 |")
            page.append("|---|---|---|---|---|---|")
        told = [*row[:3], *(_shown(cell) for cell in row[4:])]
        page.append(f"| {' | '.join(told)} |")
    return "\n".join(page) + "\n"


def _shown(cell: str) -> str:
    """Reasons in code font, as everywhere in the docs."""
    parts = cell.split(", ")
    return ", ".join(f"`{part}`" if " " not in part else part for part in parts)


if __name__ == "__main__":
    print(render(), end="")
