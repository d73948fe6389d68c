"""What a tool found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """How much one tool looked at, and what it says."""

    tool: str
    looked_at: str
    high: int
    other: int = 0
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f"{self.tool}: {self.looked_at}; {self.high} high, {self.other} other"
        return "\n".join((told, *(f"  {each}" for each in self.words)))
