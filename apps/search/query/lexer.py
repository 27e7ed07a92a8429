"""A query as lexemes. One pass, no look back, linear in the length."""

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from apps.search.query import errors, operators
from apps.search.query.tree import Span


class Sort(StrEnum):
    """What a lexeme is."""

    OPEN = "("
    CLOSE = ")"
    OR = "OR"
    MINUS = "-"
    PHRASE = "phrase"
    WORD = "word"
    OPERATOR = "operator"


_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A piece of the query at `at`. `name` is set for operators; `text` is the value
    without its quotes or brackets, and `value_at` where it stands."""

    sort: Sort
    at: Span
    text: str = ""
    name: str = ""
    value_at: Span = _NOWHERE
    bracketed: bool = False


_BAD = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r'[^\s()"]+')
_NAME = re.compile(r"([A-Za-z_]+):")
_LINK = re.compile("https?://", re.IGNORECASE)
_SINGLE = {"(": Sort.OPEN, ")": Sort.CLOSE, "-": Sort.MINUS}


def lex(query: str) -> list[Lexeme]:
    """All lexemes from left to right.

    Raises:
        QueryError: a bad character, an open quote or bracket, an unknown operator, no value.
    """
    if (bad := _BAD.search(query)) is not None:
        raise errors.BadCharacter(
            _("The character U+%(bad)s cannot be part of a query.") % {"bad": f"{ord(bad[0]):04X}"},
            advice=_("Remove it."),
            position=bad.start(),
        )
    found: list[Lexeme] = []
    place = 0
    while place < len(query):
        if (space := _SPACE.match(query, place)) is not None:
            place = space.end()
            continue
        lexeme = _next(query, place)
        found.append(lexeme)
        place = lexeme.at.end
    return found


def _next(query: str, place: int) -> Lexeme:
    char = query[place]
    if char in _SINGLE:
        return Lexeme(_SINGLE[char], Span(place, 1))
    if char == '"':
        text = _quoted(query, place)
        return Lexeme(Sort.PHRASE, Span(place, len(text) + 2), text)
    if (name := _NAME.match(query, place)) is not None and not _LINK.match(query, place):
        return _operator(query, place, name[1])
    word = _WORD.match(query, place)
    text = word[0] if word else char
    return Lexeme(Sort.OR if text == "OR" else Sort.WORD, Span(place, len(text)), text)


def _operator(query: str, place: int, written: str) -> Lexeme:
    name = written.lower()
    operators.ensure_known(name, Span(place, len(written) + 1))
    start = place + len(written) + 1
    opening = query[start : start + 1]
    bracketed = False
    if opening == '"':
        value = _quoted(query, start)
        value_at, end = Span(start + 1, len(value)), start + len(value) + 2
    elif opening == "[" and operators.takes_list(name):
        value, bracketed = _bracketed(query, start), True
        value_at, end = Span(start + 1, len(value)), start + len(value) + 2
    else:
        word = _WORD.match(query, start)
        value = word[0] if word else ""
        value_at, end = Span(start, len(value)), start + len(value)
    at = Span(place, end - place)
    if not value.strip():
        raise errors.MissingValue(
            _("'%(name)s:' has no value.") % {"name": name},
            advice=_("Write it right behind the colon, as in %(name)s.")
            % {"name": operators.example(name)},
            position=place,
            length=at.length,
        )
    return Lexeme(Sort.OPERATOR, at, value, name, value_at, bracketed)


def _quoted(query: str, place: int) -> str:
    """What is between the quote at `place` and the next one."""
    end = query.find('"', place + 1)
    if end < 0:
        raise errors.UnbalancedQuote(
            _("The quotation mark that opens here is never closed."),
            advice=_('Write another " at the end of the phrase, or remove this one.'),
            position=place,
        )
    return query[place + 1 : end]


def _bracketed(query: str, place: int) -> str:
    end = query.find("]", place)
    if end < 0:
        raise errors.UnbalancedParenthesis(
            _("The bracket that opens here is never closed."),
            advice=_("Write ] behind the last number."),
            position=place,
        )
    return query[place + 1 : end]
