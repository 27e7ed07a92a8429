"""What can be wrong with a query: each error says where, what, and what to write instead."""

import unicodedata
from typing import ClassVar

from apps.infra.errors import Invalid

# Code points of the query that an excerpt shows on either side of the place.
_AROUND = 30


class QueryError(Invalid):
    """A query that cannot be understood, or may not be asked.

    `position` is the 0-based code point offset of the fault and `length` how many code points it
    covers, at least 1; at the end of the query it points behind the last one. `message` says
    what is wrong and `advice` what to do. `detail` is all of it in one sentence or two, with the
    position counted from 1, as X does.
    """

    code: ClassVar[str] = "invalid_query"

    def __init__(self, message: str, *, advice: str, position: int, length: int = 1) -> None:
        self.message = message
        self.advice = advice
        self.position = position
        self.length = max(length, 1)
        super().__init__(f"{message} {advice} (at position {position + 1})", field="query")

    def excerpt(self, query: str) -> str:
        """Two lines for a fixed-width font: the query around the fault, and carets below it."""
        start = max(self.position - _AROUND, 0)
        stop = min(self.position + min(self.length, _AROUND) + _AROUND, len(query))
        lead = "…" if start else ""
        shown = lead + _flat(query[start:stop]) + ("…" if stop < len(query) else "")
        before = lead + _flat(query[start : self.position])
        fault = _flat(query[self.position : self.position + min(self.length, _AROUND)])
        return f"{shown}\n{' ' * _columns(before)}{'^' * max(_columns(fault), 1)} here"


def _flat(text: str) -> str:
    """One line: whitespace and what cannot be shown become blanks, so that columns hold."""
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in text)


def _columns(text: str) -> int:
    """Width on a terminal: East Asian characters and emoji take two columns, marks none."""
    wide = sum(unicodedata.east_asian_width(char) in {"W", "F"} for char in text)
    none = sum(unicodedata.category(char) in {"Mn", "Me", "Cf"} for char in text)
    return len(text) + wide - none


class EmptyQuery(QueryError):
    """Nothing but whitespace."""


class QueryTooLong(QueryError):
    """More code points than this endpoint takes."""


class BadCharacter(QueryError):
    """A control character or half a surrogate pair."""


class UnbalancedQuote(QueryError):
    """A `"` without its partner."""


class UnbalancedParenthesis(QueryError):
    """A `(` or `)` without its partner, or a `[` that is not closed."""


class EmptyGroup(QueryError):
    """`()`, or `""`."""


class TooDeep(QueryError):
    """Groups inside groups inside groups."""


class TooManyTerms(QueryError):
    """More terms than one query may have."""


class MisplacedOr(QueryError):
    """An `OR` without something on both sides."""


class AmbiguousWord(QueryError):
    """`and`, `AND` or `or` as a bare word: an operator, or a word of the text?"""


class LonelyMinus(QueryError):
    """A `-` in front of nothing."""


class DoubleNegation(QueryError):
    """`--word`."""


class NegatedGroup(QueryError):
    """`-( … )`; only single terms are negated."""


class UnknownOperator(QueryError):
    """`name:value` with a name that is no operator."""


class OtherDialect(QueryError):
    """An operator of the web search that the API does not take."""


class MissingValue(QueryError):
    """`from:` and nothing behind it."""


class BadValue(QueryError):
    """A value that its operator cannot take."""


class NothingToSearch(QueryError):
    """A word or phrase of punctuation only: no text has it as a word."""


class OnlyNegations(QueryError):
    """A query, or one side of an OR, that only says what is not wanted."""


class NeedsCompany(QueryError):
    """Only operators that narrow something down, and nothing to narrow down."""


class MustBeNegated(QueryError):
    """`is:nullcast` is only taken as `-is:nullcast`."""
