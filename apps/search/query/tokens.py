"""What a word is: the same rule for tweets, queries, the matcher and the index.

**Folding** makes `Café`, `CAFE` and `cafe` one: compatibility decomposition (NFKD), case folding,
without accents, points, tatweel and soft hyphens, composed again. Marks that make another letter
stay: Indic and Thai vowel signs, the voicing of kana.

**Units** are counted from 0, one position each: a word (letters, digits, marks, `_`); an emoji
with all that joins it; a link; and in scripts written without spaces (Chinese, Japanese, Thai,
Lao, Khmer, Burmese; Korean too, whose particles stick to the word) each character. There, every
two neighbours are also one lexeme at the position of the first, and a query of two characters or
more asks for these pairs only: exact substrings, and no postings of single common characters.

A hashtag, mention or cashtag is one lexeme with its sign at the position of its first unit, and
its text counts as words besides: `tokyo` finds `#Tokyo`, `#tokyo` does not find `Tokyo`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, pairwise
from types import MappingProxyType

# Limits of PostgreSQL's tsvector, kept everywhere so that matcher and index agree: positions end
# at 16,383, one lexeme keeps at most 255 of them and 2,046 bytes.
MAX_UNITS = 16_000
MAX_POSITIONS = 255
MAX_LEXEME = 255
# Longer texts are not kept in memory: a few thousand of them would be many.
_CACHED = 64

_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ـ": None})
# Marks that only decorate: Latin, Greek and Cyrillic accents, Hebrew points, Arabic signs.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u00ad\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]+"
)
_SPACELESS = (
    "\u0e00-\u0e4e\u0e80-\u0ecd\u0edc-\u0eff\u1000-\u103f\u1050-\u109f\u1100-\u11ff\u1780-\u17d3"
    "\u3005-\u3007\u3031-\u3035\u3040-\u30ff\u3100-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_EMOJI_ONE = (
    "[©®\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa"
    "\U0001f400-\U0001faff]"
)
_TONES = "\U0001f3fb-\U0001f3ff"
_EMOJI = (
    "[0-9#*]\ufe0f?\u20e3"
    "|[\U0001f1e6-\U0001f1ff]{1,2}"
    f"|[{_TONES}]"
    f"|{_EMOJI_ONE}[\ufe0f{_TONES}]{{0,2}}[\U000e0020-\U000e007f]{{0,8}}"
    f"(?:\u200d{_EMOJI_ONE}[\ufe0f{_TONES}]{{0,2}}){{0,8}}"
)
_TONE = re.compile(f"[{_TONES}]")
CASHTAG = "[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?"
USERNAME = "[A-Za-z0-9_]{1,20}"
# What a hashtag may have inside besides letters, marks and digits: as twitter-text.
_TAG_SIGNS = (
    "\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003"
    "\u0f0b\u0f0c\u00b7"
)
# A link right behind a text without spaces, as is usual in Japanese.
_GLUED = re.compile("(?<=[^\0-\x7f＃＠])(?=https?://)", re.IGNORECASE)
_SCHEME = re.compile("^https?://", re.IGNORECASE)
_ASCII_WORD = re.compile("[a-z0-9_]+")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Unit:
    """One position of a text.

    `lexemes` are what the text is found by here. `wanted` is what a phrase of a query asks for
    here, empty where the units around say it already.
    """

    lexemes: tuple[str, ...]
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text as units, and the tags, names and links in it: folded, without their signs."""

    units: tuple[Unit, ...]
    hashtags: frozenset[str]
    cashtags: frozenset[str]
    mentions: frozenset[str]
    urls: tuple[str, ...]


# Places rise.
Positions = Mapping[str, Sequence[int]]
NOWHERE: Positions = MappingProxyType({})
# What a phrase asks for: lexemes at offsets from its first one; the offsets rise.
Sought = tuple[tuple[int, str], ...]


def fold(text: str) -> str:
    """`text` without case, accents and compatibility forms. Folding twice changes nothing."""
    if text.isascii():
        return text.lower()
    return _fold_short(text) if len(text) <= _CACHED else _fold(text)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_STROKES)
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))
    return unicodedata.normalize("NFC", plain)


_fold_short = lru_cache(maxsize=8_192)(_fold)


@cache
def _marks() -> str:
    """All combining marks as ranges of a character class; `re` has no name for them."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x1F000):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def word_class() -> str:
    """What may be inside a word, as the inside of a character class."""
    return rf"\w{_marks()}\u200c\u200d"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A unit of raw text; a word of folded text; a piece of a word in one way of writing."""
    # A soft hyphen and a word joiner are seen at the end of a line, if at all.
    word = rf"\w[{word_class()}\u00ad\u2060]*"
    text = re.compile(
        rf"(?P<url>https?://[^\s<>\"]+)|(?P<emoji>{_EMOJI})"
        rf"|(?<![\w&])(?:[#＃](?P<tag>[{word_class()}{_TAG_SIGNS}]+)"
        rf"|[$＄](?P<cash>{CASHTAG})(?![{word_class()}])"
        # As twitter-text: a name may stand in a text without spaces, a tag may not.
        rf")|(?<![A-Za-z0-9_&])[@＠](?P<name>{USERNAME})(?![A-Za-z0-9_À-ɏ])|(?P<word>{word})",
        re.IGNORECASE,
    )
    piece = re.compile(rf"[{_SPACELESS}][{_SPACELESS}{_marks()}]*|[^{_SPACELESS}]+")
    return text, re.compile(word), piece


@cache
def _ascii_pattern() -> re.Pattern[str]:
    """A unit of raw text in ASCII, the same as of any text, without what such a text cannot hold:
    tries fewer ways at each place."""
    return re.compile(
        r"(?P<url>https?://[^\s<>\"]+)|(?P<emoji>(?!))|(?P<word>\w+)"
        rf"|(?<![\w&])(?:#(?P<tag>\w+)|\$(?P<cash>{CASHTAG})(?!\w)|@(?P<name>{USERNAME})(?!\w))",
        re.IGNORECASE,
    )


@cache
def _cluster() -> re.Pattern[str]:
    return re.compile(rf".[{_marks()}]*", re.DOTALL)


def read(text: str) -> Reading:
    """Take a text apart. Linear in its length; at most `MAX_UNITS` units."""
    units: list[Unit] = []
    marked: dict[str, set[str]] = {"#": set(), "$": set(), "@": set()}
    urls: list[str] = []
    pattern = _ascii_pattern() if text.isascii() else _patterns()[0]
    if pattern is not _ascii_pattern() and "://" in text:
        text = _GLUED.sub(" ", text)
    for found in pattern.finditer(text):
        if len(units) >= MAX_UNITS:
            break
        if (url := found["url"]) is not None:
            urls.append(url)
            lexeme = ("/" + "/".join(_words(url)))[:MAX_LEXEME]
            units.append(Unit((lexeme,), lexeme))
        elif (emoji := found["emoji"]) is not None:
            units.append(_emoji_unit(emoji))
        else:
            units += _read_word(found, marked)
    return Reading(
        units=tuple(units[:MAX_UNITS]),
        hashtags=frozenset(marked["#"]),
        cashtags=frozenset(marked["$"]),
        mentions=frozenset(marked["@"]),
        urls=tuple(urls),
    )


def raw_places(text: str) -> Iterator[tuple[int, int]]:
    """Where in a text each word, emoji, link, tag and name stands, half-open, before folding."""
    glued = [found.start() for found in _GLUED.finditer(text)]
    for first, behind in pairwise([0, *glued, len(text)]):
        for found in _patterns()[0].finditer(text[first:behind]):
            yield first + found.start(), first + found.end()


def plain_words(text: str) -> list[str] | None:
    """The lexemes of a text that holds nothing but ASCII words, one at each position.

    Most texts are so, and `read` would say the same for ten times the work. None: it must.
    """
    if (
        not text.isascii()
        or "#" in text
        or "@" in text
        or "$" in text
        or "://" in text
        or len(text) > MAX_UNITS
    ):
        return None
    words = _ASCII_WORD.findall(text.lower())
    return words if len(text) <= MAX_LEXEME else [word[:MAX_LEXEME] for word in words]


def _read_word(found: re.Match[str], marked: dict[str, set[str]]) -> list[Unit]:
    """A word, or a tag or name, which is noted in `marked` under its sign."""
    sign = {"tag": "#", "cash": "$", "name": "@"}.get(found.lastgroup or "", "")
    word = found[found.lastgroup or "word"]
    units = list(islice(_word_units(word), MAX_UNITS))
    if not units or not sign or (sign == "#" and not is_tag(word)):
        return units
    name = fold(word)
    marked[sign].add(name)
    return _signed(units, (sign + name)[:MAX_LEXEME])


def _signed(units: list[Unit], lexeme: str) -> list[Unit]:
    """A phrase with the sign asks for the whole tag once; the text is found with and without."""
    first, *rest = units
    return [
        Unit((*first.lexemes, lexeme), lexeme),
        *(Unit(unit.lexemes, "") for unit in rest),
    ]


def _emoji_unit(emoji: str) -> Unit:
    """With its skin tones, and for whoever looks for any of them, without."""
    exact = emoji.replace("\ufe0f", "")
    plain = _TONE.sub("", exact)
    return Unit((exact,) if plain in {exact, ""} else (exact, plain), exact)


def _words(text: str) -> list[str]:
    return _patterns()[1].findall(fold(text))


@lru_cache(maxsize=8_192)
def _ascii_unit(word: str) -> Unit:
    return Unit((word,), word)


def _word_units(word: str) -> Iterator[Unit]:
    if len(word) <= _CACHED and word.isascii() and _ASCII_WORD.fullmatch(lower := word.lower()):
        yield _ascii_unit(lower)
        return
    _, words, pieces = _patterns()
    for plain in words.findall(fold(word)):
        for piece in pieces.findall(plain):
            if piece[0] >= "\u0e00" and is_spaceless(piece[0]):
                yield from _character_units(_cluster().findall(piece))
            else:
                yield Unit((piece[:MAX_LEXEME],), piece[:MAX_LEXEME])


def is_tag(text: str) -> bool:
    """Whether a text may follow a # as a hashtag: one letter at least."""
    return _tag().fullmatch(text) is not None and _LETTER.search(text) is not None


@cache
def _tag() -> re.Pattern[str]:
    return re.compile(f"[{word_class()}{_TAG_SIGNS}]+")


def is_keycap(text: str) -> bool:
    """Whether a text begins with a key such as #️⃣, which is an emoji and no hashtag."""
    return re.match("[0-9#*]\ufe0f?\u20e3", text) is not None


@cache
def _spaceless() -> re.Pattern[str]:
    return re.compile(f"[{_SPACELESS}]")


def is_spaceless(char: str) -> bool:
    """Whether texts in the script of `char` are found character by character."""
    return _spaceless().match(char) is not None


def _character_units(clusters: list[str]) -> Iterator[Unit]:
    last = len(clusters) - 1
    for number, cluster in enumerate(clusters):
        one = cluster[:MAX_LEXEME]
        if number == last:
            yield Unit((one,), "" if last else one)
        else:
            pair = (cluster + clusters[number + 1])[:MAX_LEXEME]
            yield Unit((one, pair), pair)


def positions_of(units: Iterable[Iterable[str]], *, first: int) -> dict[str, list[int]]:
    """Lexeme -> where it stands, counted from `first`; at most the first `MAX_POSITIONS`.

    Args:
        units: the lexemes at each position.
    """
    places: dict[str, list[int]] = {}
    for position, lexemes in enumerate(units, first):
        for lexeme in lexemes:
            held = places.get(lexeme)
            if held is None:
                places[lexeme] = [position]
            elif len(held) < MAX_POSITIONS and held[-1] != position:
                held.append(position)
    return places


def url_units(url: str) -> tuple[Unit, ...]:
    """A link in pieces, without `http://` or `https://`."""
    bare = _SCHEME.sub("", url)
    return tuple(unit for word in _words(bare) for unit in _word_units(word))


def url_positions(urls: tuple[str, ...]) -> Positions:
    """All links of a text as one, counted from 1.

    A free position between two keeps phrases inside one link.
    """
    if not urls:
        return NOWHERE
    units: list[tuple[str, ...]] = []
    for url in urls:
        units.extend(unit.lexemes for unit in url_units(url))
        units.append(())
    return MappingProxyType(positions_of(units[:MAX_UNITS], first=1))


def sought(text: str) -> Sought:
    """What a keyword or phrase asks for; empty when there is no word in it."""
    return _sought_short(text) if len(text) <= _CACHED else _asked(read(text).units)


def sought_in_url(text: str) -> Sought:
    """What `url:` asks for; empty when there is no word in it."""
    return _asked(url_units(text))


def _asked(units: tuple[Unit, ...]) -> Sought:
    asked = [(number, unit.wanted) for number, unit in enumerate(units) if unit.wanted]
    return tuple((number - asked[0][0], lexeme) for number, lexeme in asked)


@lru_cache(maxsize=8_192)
def _sought_short(text: str) -> Sought:
    return _asked(read(text).units)


def holds(positions: Positions, phrase: Sought) -> bool:
    """Whether the lexemes stand there at their distances."""
    if not phrase or any(lexeme not in positions for _, lexeme in phrase):
        return False
    rare_offset, rarest = min(phrase, key=lambda asked: len(positions[asked[1]]))
    return any(
        all(place - rare_offset + offset in positions[lexeme] for offset, lexeme in phrase)
        for place in positions[rarest]
    )
