"""What of a text may trend: its hashtags, and phrases of two and three words.

A term's key is folded (`#prayforboston`, `big wave`): case and accents do not matter. Phrases are
of words in Latin letters, and neither begin nor end with a common one ("of", "und").
"""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from apps.infra.folding import fold
from apps.trends.text.languages import is_common
from apps.tweets.text.entities import extract_entities

# Of one text, the first ones: whoever writes more wants to be found, not to say something.
MAX_TAGS = 5
MAX_PHRASES = 8
MAX_WORDS = 3
MAX_KEY = 60
MIN_WORD, MAX_WORD = 3, 24
MAX_TEXT = 1_000

_NOT_WORDS = re.compile(r"https?://\S+|[@#＠＃]\w+")
# Words with one space between: a phrase does not reach over a full stop.
_LETTERS = r"[A-Za-z\u00c0-\u024f]+(?:['’-][A-Za-z\u00c0-\u024f]+)*"
_RUN = re.compile(f"{_LETTERS}(?: {_LETTERS})+")
_MEANT = re.compile(r"[^\W\d_]+")
_PASSED_ON = re.compile(r"\s*(?:RT|MT)\s+@\w+:?\s*")


class Term(NamedTuple):
    """Something that may trend: by what it is counted, and how it was written."""

    key: str
    name: str


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else fold(text)


def terms_of(text: str) -> list[Term]:
    """The terms of a text, each once; tags first."""
    found = {term.key: term for term in [*_tags(text), *_phrases(text[:MAX_TEXT])]}
    return list(found.values())


def _tags(text: str) -> list[Term]:
    if "#" not in text and "＃" not in text:
        return []
    tags = extract_entities(text, bare_urls=False).hashtags
    named = {"#" + _folded(one.tag): "#" + one.tag for one in tags if len(one.tag) < MAX_KEY}
    return [Term(key, name) for key, name in list(named.items())[:MAX_TAGS]]


def _phrases(text: str) -> list[Term]:
    phrases: list[Term] = []
    # What is taken out leaves a mark, so that no phrase reaches over it.
    for run in _RUN.findall(_NOT_WORDS.sub("|", text)):
        words = run.split(" ")
        for first, last in _ends(len(words)):
            whole = " ".join(words[first : last + 1])
            if _is_meant(words[first]) and _is_meant(words[last]) and len(whole) <= MAX_KEY:
                phrases.append(Term(_folded(whole), whole))
                if len(phrases) >= MAX_PHRASES:
                    return phrases
    return phrases


def _ends(count: int) -> Iterator[tuple[int, int]]:
    """First and last word of each phrase of a run."""
    for first in range(count - 1):
        for last in range(first + 1, min(first + MAX_WORDS, count)):
            yield first, last


def _is_meant(word: str) -> bool:
    return MIN_WORD <= len(word) <= MAX_WORD and not is_common(word.lower())


def is_passed_on(text: str) -> bool:
    """Whether a text says of itself that it is somebody else's: `RT @name: …`."""
    return _PASSED_ON.match(text) is not None


def fingerprint(text: str) -> bytes:
    """The same 8 bytes for texts of the same words, whatever their order, addresses, names,
    numbers, signs and case."""
    bare = _NOT_WORDS.sub(" ", _PASSED_ON.sub("", text, count=1))
    tags = sorted({key for key, _ in _tags(text)})
    words = sorted(set(_MEANT.findall(_folded(bare))))
    return hashlib.blake2b(" ".join([*tags, *words]).encode(), digest_size=8).digest()
