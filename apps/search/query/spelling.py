"""Words that are nearly another: a letter more, less, other, or two exchanged.

A word is filed under itself and under itself without each one of its letters; a misspelt one is
looked for without up to two. So everything at a distance of one is found, and at two many things:
not where two letters are others or missing, or two pairs are exchanged.
After SymSpell (W. Garbe, 2012), with one letter left out in the table instead of two.
"""

import zlib
from itertools import combinations

MIN_LETTERS, MAX_LETTERS = 3, 30
# From so many letters on, two may be wrong.
LONG = 6
_SIGNS = "#@"
_HALF = 1 << 31


def parts(word: str) -> tuple[str, str]:
    """The sign of a tag or name, and the rest."""
    return (word[0], word[1:]) if word[:1] in _SIGNS else ("", word)


def reach(word: str) -> int:
    """How many letters of a word may be wrong; 0 where nothing can be said."""
    letters = len(parts(word)[1])
    if not MIN_LETTERS <= letters <= MAX_LETTERS:
        return 0
    return 2 if letters >= LONG else 1


def keys(word: str, *, without: int) -> list[int]:
    """What a word is filed under, with up to so many of its letters left out.

    Returns:
        Numbers of 32 bits with a sign. Two words may share one by chance, so who looks by them
        compares what it finds.
    """
    sign, letters = parts(word)
    kept = {letters}
    for left_out in range(1, min(without, len(letters) - 1) + 1):
        kept.update(map("".join, combinations(letters, len(letters) - left_out)))
    return sorted(zlib.crc32((sign + one).encode()) - _HALF for one in kept)


def distance(one: str, other: str) -> int:
    """Letters to add, drop, replace or exchange with their neighbour, each place once."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one):
        row = [i + 1]
        for j, b in enumerate(other):
            best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a != b))
            if i and j and a == other[j - 1] and one[i - 1] == b:
                best = min(best, before[j - 1] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
