"""Muted words: whether a text holds a word, phrase, #tag or @handle that somebody does not want
to see.

Letter case, accents and the width of letters do not matter, nor what stands between the words of a
phrase. A word is found as a word and as a #tag, not inside another word; a #tag only as a tag, a
@handle only as a mention. Scripts that put no space between words are searched letter by letter.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from apps.graph.schemas import MutedWord
from apps.infra.folding import fold

# Thai to Khmer, kana and ideographs: no spaces between words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}\U00020000-\U0003ffff]")
_GAP = re.compile(r"[\W_]+")
MAX_PATTERNS = 2_000


def hides(text: str, words: Sequence[MutedWord]) -> bool:
    """Whether the text holds one of these words. All of them count: the caller has left out those
    that are over."""
    pattern = _pattern(tuple(word.text for word in words))
    return bool(words) and pattern.search(fold(text)) is not None


@lru_cache(maxsize=MAX_PATTERNS)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_of_word, words)))


def _of_word(word: str) -> str:
    folded = fold(word).strip()
    sign = folded[:1] if folded[:1] in {"#", "@"} else ""
    body = folded[len(sign) :].strip() or folded
    parts = [part for part in _GAP.split(body) if part]
    if parts:
        # What stands between words does not matter; signs at the ends are part of the word: C++.
        start, end = body.index(parts[0]), body.rindex(parts[-1]) + len(parts[-1])
        middle = r"[\W_]+".join(map(re.escape, parts))
        inner = f"{re.escape(body[:start])}{middle}{re.escape(body[end:])}"
    else:
        inner = re.escape(body)
    before, after = _edge(body[:1], r"(?<![\w@])"), _edge(body[-1:], r"(?!\w)")
    if sign:
        before = rf"(?<![\w]){re.escape(sign)}"
    return f"{before}{inner}{after}"


def _edge(letter: str, boundary: str) -> str:
    """What stands at the end of a word: nothing where the script or an emoji knows no boundary."""
    is_letter = letter.isalnum() or letter == "_"
    return boundary if is_letter and not _IS_UNSPACED.match(letter) else ""
