"""How long a tweet is: most scripts count 1, East Asian ones and emoji 2, an address 23."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from apps.tweets.text.characters import EMOJI, INVALID, SKIN_EMOJI
from apps.tweets.text.shapes import Url
from apps.tweets.text.urls import find_urls

_LIGHT = "\\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037"
_HEAVY = re.compile(f"[^{_LIGHT}]++")
_INVALID = re.compile(f"[{INVALID}]")
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_PICTURE = rf"(?:[{SKIN_EMOJI}]{_SKIN}\ufe0f?|[{EMOJI}]\ufe0f?)"
_FLAG = "[\U0001f1e6-\U0001f1ff]"
# Characters that are drawn as one picture. At most four are joined, as in every emoji there is:
# else a text without end would count 2.
_SEQUENCE = re.compile(
    rf"[0-9#*]\ufe0f?\u20e3|{_FLAG}{_FLAG}"
    rf"|\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{4,6}}+\U000e007f"
    rf"|{_PICTURE}(?:\u200d{_PICTURE}){{0,3}}"
)
# Without one of these there is no sequence.
_JOINS = re.compile(f"[\u20e3\ufe0f\u200d{_SKIN[1:-1]}{_FLAG[1:-1]}\U000e007f]")
# Marks on one letter; the limit of Unicode's own stream-safe format.
MAX_MARKS = 30
_ONE_PICTURE = "\U0001f600"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One generation of the rules of length."""

    limit: int = 280
    light: int = 1
    heavy: int = 2
    url: int = 23
    pictures: bool = True


V1 = Rules(limit=140, heavy=1, pictures=False)
V2 = Rules(pictures=False)
V3 = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedText:
    """What is to be known of a text before it is posted.

    Places count code points of the text as given: `end` is behind the last one. The valid range is
    what may be posted: it ends where the limit is passed or before a character that may not be.
    """

    weighted_length: int
    permillage: int
    is_valid: bool
    valid_end: int
    display_end: int
    valid_start: int = 0
    display_start: int = 0


def parse(text: str, *, rules: Rules = V3) -> ParsedText:
    """Weigh a text. Composed and decomposed letters weigh the same (NFC)."""
    normal = _composed(text)
    urls = find_urls(normal)
    weight = _weigh(normal, urls, rules)
    bad = _INVALID.search(normal)
    fits = weight <= rules.limit and bad is None
    return ParsedText(
        weighted_length=weight,
        permillage=weight * 1000 // rules.limit,
        is_valid=fits and weight > 0,
        valid_end=len(text) if fits else _valid_end(text, normal, urls, rules),
        display_end=len(text),
    )


def weighted_length(text: str, *, rules: Rules = V3) -> int:
    """The length that counts against the limit."""
    if text.isascii():
        return len(text) if "." not in text else _weigh(text, find_urls(text), rules)
    text = _composed(text)
    return _weigh(text, find_urls(text) if "." in text else [], rules)


def excess(text: str, *, rules: Rules = V3) -> int:
    """By how much the text is over the limit; 0 or less is within. Quick for what is far within."""
    # An address has a dot and at least four characters.
    if text.isascii():
        most = len(text) + text.count(".") * (rules.url - 4)
        if most <= rules.limit:
            return most - rules.limit
    return weighted_length(text, rules=rules) - rules.limit


def is_valid(text: str, *, rules: Rules = V3) -> bool:
    """Whether the text is neither empty nor too long, and holds nothing that is no character."""
    return parse(text, rules=rules).is_valid


def _composed(text: str) -> str:
    """The text in NFC; as it is when it piles marks, which no language does.

    Sorting a pile takes the square of its height: seconds for a text of 100,000 marks.
    """
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    height = 0
    for char in text:
        height = height + 1 if char > "\x7f" and unicodedata.category(char)[0] == "M" else 0
        if height > MAX_MARKS:
            return text
    return unicodedata.normalize("NFC", text)


def _weigh(text: str, urls: list[Url], rules: Rules) -> int:
    if urls:
        weight, done, pieces = len(urls) * rules.url, 0, []
        for url in urls:
            pieces.append(text[done : url.start])
            done = url.end
        pieces.append(text[done:])
        # What stood on both sides of an address must not become one picture.
        text = "\n".join(pieces)
        weight -= len(urls)
    else:
        weight = 0
    if text.isascii():
        return weight + len(text) * rules.light
    if rules.pictures and _JOINS.search(text):
        text = _SEQUENCE.sub(_ONE_PICTURE, text)
    light = len(_HEAVY.sub("", text))
    return weight + light * rules.light + (len(text) - light) * rules.heavy


def _parts(text: str, urls: list[Url], rules: Rules) -> Iterator[tuple[int, int]]:
    """Place behind, and weight, of every address, picture and single character, in order."""
    at = 0
    for start, end in [*((url.start, url.end) for url in urls), (len(text), 0)]:
        while at < start:
            picture = _SEQUENCE.match(text, at, start) if rules.pictures else None
            if picture is not None:
                at = picture.end()
                yield at, rules.heavy
            else:
                at += 1
                yield at, rules.heavy if _HEAVY.match(text, at - 1, at) else rules.light
        if end:
            at = end
            yield at, rules.url


def _valid_end(text: str, normal: str, urls: list[Url], rules: Rules) -> int:
    """The end of the valid range in `text`; looks no further than the limit."""
    weight = valid = done = 0
    for end, part in _parts(normal, urls, rules):
        weight += part
        if weight > rules.limit or _INVALID.search(normal, done, end):
            break
        valid = done = end
    if text == normal:
        return valid
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(unicodedata.normalize("NFC", text[:middle])) <= valid:
            low = middle
        else:
            high = middle - 1
    return low
