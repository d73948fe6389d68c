"""What a tool found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """How much one tool looked at, and what it says; `unread` of it nobody has read yet.

    One that did not reach what it was to look at has said nothing: `invalid` says why.
    """

    tool: str
    looked_at: str
    high: int
    other: int = 0
    words: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    unread: int = 0

    @property
    def bad(self) -> bool:
        """Whether somebody has to look."""
        return bool(self.high or self.unread or self.invalid)

    def __str__(self) -> str:
        valid = "NOT VALID; " if self.invalid else ""
        told = f"{self.tool}: {valid}{self.looked_at}; {self.high} high, {self.other} other"
        told += f", {self.unread} unread" if self.unread else ""
        notes = (*(f"not valid: {each}" for each in self.invalid), *self.words)
        return "\n".join((told, *(f"  {each}" for each in notes)))
