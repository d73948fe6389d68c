"""Whole numbers as people type them."""


def read(text: str, *, most: int) -> int | None:
    """The number, 0 to `most`; None where it is none. `int` alone raises for thousands of
    digits."""
    if not text.isdecimal() or len(text) > len(str(most)) or int(text) > most:
        return None
    return int(text)
