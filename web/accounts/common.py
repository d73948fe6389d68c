"""Which passwords everybody's list begins with. Pure.

Lists of leaked passwords are mostly a few habits: a common word or two, a year, digits, a walk
over the keyboard, the same again. So the words and the habits are kept, not their millions of
products: whatever is put together of three such parts at most is refused.
"""

from pathlib import Path

# Each counts as one part. Written down from common knowledge of what people choose: words
# about passwords, greetings, love, family names and first names, months, seasons, days,
# sports, animals, colours, cars, bands, heroes, places, and words of this trade.
WORDS = frozenset(Path(__file__).with_name("common_words.txt").read_text().split())
_MOST_PARTS = 3
_LEET = str.maketrans("013457@$!|", "oieastasil")
_WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujm",
    "!@#$%^&*()",
    "147258369",
    "789456123",
)
_LINES = tuple(line for walk in _WALKS for line in (walk + walk, (walk + walk)[::-1]))


def is_common(password: str, *about: str) -> bool:
    """Whether a list of common passwords, or whoever knows these facts, gets there soon."""
    text = password.casefold()
    own = frozenset(part for fact in about for part in _parts_of(fact))
    return any(
        _is_repeated(each) or _parts(each, own) <= _MOST_PARTS
        for each in {text, "".join(filter(str.isalnum, text))}
    )


def _parts_of(fact: str) -> list[str]:
    """`ann.miller@example.com` is ann, miller, example."""
    cleaned = "".join(each if each.isalnum() else " " for each in fact.casefold())
    return [part for part in cleaned.split() if len(part) > 2]


def _is_repeated(text: str) -> bool:
    """The same few characters over and over."""
    found = (text + text).find(text, 1)
    return 0 < found <= 4 < len(text)


def _parts(text: str, own: frozenset[str]) -> int:
    """The fewest common parts that give the text; one more than allowed when none do."""
    never = _MOST_PARTS + 1
    best = [0] + [never] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(end):
            if best[start] < best[end] - 1 and _is_part(text[start:end], own):
                best[end] = best[start] + 1
    return best[len(text)]


def _is_part(text: str, own: frozenset[str]) -> bool:
    plain = text.translate(_LEET)
    if len(text) > 1 and (text in WORDS or plain in WORDS or text in own):
        return True
    if text.isdigit() or not any(each.isalnum() for each in text):
        # A few digits, a year, a date; a few signs.
        return len(text) <= 4 or len(set(text)) == 1 or _is_walk(text) or _is_date(text)
    return len(text) > 2 and (len(set(text)) == 1 or _is_walk(text))


def _is_date(text: str) -> bool:
    return len(text) in (6, 8) and text.isdigit()


def _is_walk(text: str) -> bool:
    return len(text) > 2 and any(text in line for line in _LINES)
