"""What search promises about words, by another road: no pattern and no table of the product.

The promise is that of `apps/search/query/tokens.py`. Here a text is decomposed (NFKC, casefold),
decoration goes by the names that Unicode gives it, and what is left is taken apart character by
character, by category and script; emoji are those of Unicode's own list. Nobody would search so:
it is a scan of all texts.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

# As twitter-text: not behind a Latin letter or digit, which Japanese ones are not.
_LINK = re.compile(r'(?<![A-Za-z0-9@＠$#＃])https?://[^\s<>"]+', re.IGNORECASE)
_TAG = re.compile(r"(?<![\w&])[#＃]([^\s#＃]+)")
_NAME = re.compile(r"(?<![A-Za-z0-9_&])[@＠]([A-Za-z0-9_]{1,20})(?![A-Za-z0-9_À-ɏ])")
_SPACELESS = (
    "CJK ", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO ", "KHMER", "MYANMAR", "BOPOMOFO",
    "IDEOGRAPHIC",
)  # fmt: skip
_DECORATION = (
    "ARABIC", "HEBREW", "COMBINING", "VARIATION SELECTOR",
)  # fmt: skip
_VOICES = "\u3099\u309a"
# Of words only the line of ASCII is a part.
_WIDE_LINE = "\uff3f"
_TATWEEL, _EMOJI_STYLE, _ZERO_WIDTH_SPACE = "\u0640", "\ufe0f", "\u200b"
_TONES = range(0x1F3FB, 0x1F400)
# Between two letters they belong to what people take for one word; between two digits, too.
_INSIDE_WORD, _INSIDE_NUMBER = "'’.", ".,"


class Unit(NamedTuple):
    """One place of a text. `joined`: stands in one run with the character before."""

    kind: str
    text: str
    joined: bool = False


@cache
def plain(char: str) -> str:
    """A character without case, width and decoration; empty where it only decorates."""
    if unicodedata.category(char) == "Cf":
        return " " if char == _ZERO_WIDTH_SPACE else ""
    if char == _WIDE_LINE:
        return " "
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(map(_undecorated, parts))


def _undecorated(char: str) -> str:
    name = unicodedata.name(char, "")
    if char == _TATWEEL:
        return ""
    if unicodedata.category(char) in {"Mn", "Me"} and char not in _VOICES:
        return "" if name.startswith(_DECORATION) else char
    if name == "LATIN SMALL LETTER DOTLESS I":
        return "i"
    base, stroke, _rest = name.partition(" WITH STROKE")
    if stroke and base.startswith("LATIN SMALL LETTER") and base[-2] == " ":
        return unicodedata.lookup(base)
    return char


def folded(text: str) -> str:
    """`text` as it is compared."""
    return unicodedata.normalize("NFC", "".join(map(plain, text)))


@cache
def emoji_pattern(listed: Path) -> re.Pattern[str]:
    """Every emoji of Unicode's list, the longest first, with or without the sign for its style."""
    with gzip.open(listed, "rt", encoding="utf-8") as lines:
        codes = [line.split(";")[0].split() for line in lines if ";" in line and line[0] != "#"]
    found = {"".join(chr(int(code, 16)) for code in one) for one in codes}
    known = sorted({one.replace(_EMOJI_STYLE, "") for one in found}, key=len, reverse=True)
    style = f"{_EMOJI_STYLE}?"
    return re.compile("|".join(style.join(map(re.escape, one)) + style for one in known))


def emoji_of(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The emoji of a text as they are compared: without the sign for their style."""
    rest = _LINK.sub(" ", text)
    return [found[0].replace(_EMOJI_STYLE, "") for found in pattern.finditer(rest)]


def toneless(emoji: str) -> str:
    return "".join(char for char in emoji if ord(char) not in _TONES)


def units(text: str, pattern: re.Pattern[str]) -> list[Unit]:
    """A text, place by place: links, emoji, words, characters of scripts without spaces."""
    whole = re.compile(f"(?P<link>{_LINK.pattern})|(?P<emoji>{pattern.pattern})", re.IGNORECASE)
    found: list[Unit] = []
    place = 0
    for match in whole.finditer(text):
        found += _words(text[place : match.start()])
        place = match.end()
        if match["link"]:
            found.append(Unit("link", match[0]))
        else:
            found.append(Unit("emoji", match[0].replace(_EMOJI_STYLE, "")))
    return found + list(_words(text[place:]))


def _words(text: str) -> Iterator[Unit]:
    word, joined = "", False
    for char in [*folded(text), " "]:
        if is_spaceless(char):
            if word and not is_spaceless(word[0]):
                joined = False
            if word:
                yield Unit("word", word, joined)
            joined, word = bool(word) and is_spaceless(word[0]), char
        elif char in _VOICES and not (word and is_spaceless(word[0])):
            # Half a character wide, it is a letter: of a face, where no kana is before it.
            if word:
                yield Unit("word", word, joined)
            word, joined = "", False
        elif unicodedata.category(char)[0] == "M" and word:
            word += char
        elif is_word(char):
            if word and is_spaceless(word[0]):
                yield Unit("word", word, joined)
                word = ""
            joined = False
            word += char
        elif word:
            yield Unit("word", word, joined)
            word, joined = "", False


def is_word(char: str) -> bool:
    return char == "_" or unicodedata.category(char)[0] in "LMN"


def is_spaceless(char: str) -> bool:
    is_letter = unicodedata.category(char) in {"Lo", "Lm", "Nl"}
    return is_letter and unicodedata.name(char, "").startswith(_SPACELESS)


def fits(wanted: list[Unit], text: list[Unit]) -> bool:
    """Whether the text has these units side by side."""
    return any(
        all(map(_same, wanted, text[start : start + len(wanted)]))
        for start in range(len(text) - len(wanted) + 1)
        if wanted[0].text in text[start].text
    )


def _same(wanted: Unit, there: Unit) -> bool:
    if wanted.kind == "emoji" == there.kind:
        return wanted.text in {there.text, toneless(there.text)}
    return wanted[:2] == there[:2] and (there.joined or not wanted.joined)


def tags_of(text: str) -> set[str]:
    """Hashtags, folded, without their sign."""
    tags = set()
    for found in _TAG.finditer(_LINK.sub(" ", text)):
        tag = ""
        for char in found[1]:
            if not (is_word(char) or char in "\u200c\u200d·・"):
                break
            tag += char
        if any(unicodedata.category(char)[0] == "L" for char in tag):
            tags.add(folded(tag))
    return tags


def names_of(text: str) -> set[str]:
    """Mentioned usernames in lower case."""
    return {found[1].lower() for found in _NAME.finditer(_LINK.sub(" ", text))}


def words_of(text: str, pattern: re.Pattern[str]) -> set[str]:
    """What a reader takes for words, as they are written: runs of letters, digits and marks, with
    an apostrophe or a point between two letters; in scripts without spaces, runs of one script."""
    rest = pattern.sub(" ", _TAG.sub(" ", _NAME.sub(" ", _LINK.sub(" ", text))))
    found, word = set(), ""
    for before, char, after in zip([" ", *rest], rest + " ", [*rest[1:], " ", " "], strict=False):
        if word and _goes_on(before, char, after):
            word += char
            continue
        if word:
            found.add(word)
        word = char if is_word(char) and unicodedata.category(char)[0] != "M" else ""
    return found


def _goes_on(before: str, char: str, after: str) -> bool:
    if not is_word(char):
        inside = char in _INSIDE_WORD and before.isalpha() and after.isalpha()
        return inside or (char in _INSIDE_NUMBER and before.isdigit() and after.isdigit())
    if unicodedata.category(char)[0] == "M":
        return True
    if is_spaceless(char) or is_spaceless(before):
        return _script(char) == _script(before)
    return True


def _script(char: str) -> str:
    return unicodedata.name(char, "").split("-")[0].split()[0] if char.strip() else ""
