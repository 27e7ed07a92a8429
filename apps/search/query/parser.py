"""Text -> tree, by recursive descent.

    query = any end            any  = all ("OR" all)*
    all   = term term*         term = "-" leaf | leaf | "(" any ")"

A blank binds tighter than `OR`; `-` negates one leaf. Groups that change nothing leave no trace:
`(a b) c` is `a b c`.
"""

import re
from typing import NoReturn

from django.utils.translation import gettext as _

from apps.search.query import errors, operators, tokens
from apps.search.query.lexer import Lexeme, Sort, lex
from apps.search.query.operators import Dialect
from apps.search.query.rules import ensure_company
from apps.search.query.tree import (
    And,
    Cashtag,
    Hashtag,
    Is,
    Keyword,
    Leaf,
    Mention,
    Node,
    Not,
    Or,
    Phrase,
    Span,
    Url,
)
from apps.search.query.values import Value

RECENT_LENGTH = 512
ALL_LENGTH = 4_096
MAX_DEPTH = 32
MAX_TERMS = 256

_AMBIGUOUS = {"and", "or"}
_CASHTAG = re.compile(f"[$＄]({tokens.CASHTAG})")
_MENTION = re.compile(f"[@＠]({tokens.USERNAME})")
_LINK = re.compile("https?://", re.IGNORECASE)


def parse(query: str, *, dialect: Dialect = Dialect.API, max_length: int = RECENT_LENGTH) -> Node:
    """The tree of a query, or one error that points at the first thing wrong with it.

    Args:
        max_length: code points. X: 512 for recent search and stream rules, 4,096 for all.

    Raises:
        QueryError: never anything else, whatever the string.
    """
    if len(query) > max_length:
        raise errors.QueryTooLong(
            _("The query has %(n)s characters, the limit is %(max_length)s.")
            % {"n": len(query), "max_length": max_length},
            advice=_("Leave something out, or ask twice."),
            position=max_length,
            length=len(query) - max_length,
        )
    lexemes = lex(query)
    if not lexemes:
        raise errors.EmptyQuery(
            _("The query is empty."), advice=_("Write a word, a #tag or from:user."), position=0
        )
    tree = _Parser(lexemes, len(query), dialect).query()
    ensure_company(tree)
    return tree


class _Parser:
    """One walk over the lexemes; `_place` is the next one to read."""

    def __init__(self, lexemes: list[Lexeme], length: int, dialect: Dialect) -> None:
        self._lexemes = lexemes
        self._length = length
        self._dialect = dialect
        self._place = 0
        self._terms = 0

    def query(self) -> Node:
        tree = self._any(depth=0)
        if (extra := self._peek()) is not None:
            raise errors.UnbalancedParenthesis(
                _("This closing parenthesis has no partner."),
                advice=_("Remove it, or write ( where its group begins."),
                position=extra.at.start,
            )
        return tree

    def _peek(self) -> Lexeme | None:
        return self._lexemes[self._place] if self._place < len(self._lexemes) else None

    def _any(self, *, depth: int) -> Node:
        parts = [self._all(depth=depth)]
        while (lexeme := self._peek()) is not None and lexeme.sort is Sort.OR:
            self._place += 1
            following = self._peek()
            if following is None or following.sort in {Sort.CLOSE, Sort.OR}:
                _misplaced_or(lexeme)
            parts.append(self._all(depth=depth))
        if len(parts) == 1:
            return parts[0]
        flat = [
            inner for part in parts for inner in (part.parts if isinstance(part, Or) else [part])
        ]
        return Or(tuple(flat), at=_around(parts))

    def _all(self, *, depth: int) -> Node:
        parts: list[Node] = []
        while (lexeme := self._peek()) is not None and lexeme.sort not in {Sort.CLOSE, Sort.OR}:
            parts.append(self._term(lexeme, depth=depth))
        if not parts:
            self._nothing_here(lexeme)
        if len(parts) == 1:
            return parts[0]
        flat = [
            inner for part in parts for inner in (part.parts if isinstance(part, And) else [part])
        ]
        return And(tuple(flat), at=_around(parts))

    def _nothing_here(self, lexeme: Lexeme | None) -> NoReturn:
        """Say why a group or side has no term: an `OR` stands first, or `)` does."""
        if lexeme is not None and lexeme.sort is Sort.OR:
            _misplaced_or(lexeme)
        raise errors.UnbalancedParenthesis(
            _("This closing parenthesis has no partner."),
            advice=_("Remove it, or write ( where its group begins."),
            position=lexeme.at.start if lexeme else self._length,
        )

    def _term(self, lexeme: Lexeme, *, depth: int) -> Node:
        self._place += 1
        if lexeme.sort is Sort.OPEN:
            return self._group(lexeme, depth=depth + 1)
        if lexeme.sort is Sort.MINUS:
            return self._negated(lexeme)
        leaf = self._leaf(lexeme)
        if isinstance(leaf, Is) and leaf.kind == "nullcast":
            raise errors.MustBeNegated(
                _("'is:nullcast' can only be excluded."),
                advice=_("Write -is:nullcast."),
                position=leaf.at.start,
                length=leaf.at.length,
            )
        return leaf

    def _group(self, opening: Lexeme, *, depth: int) -> Node:
        at = opening.at.start
        if depth > MAX_DEPTH:
            raise errors.TooDeep(
                _("Groups go %(max_depth)s deep at most.") % {"max_depth": MAX_DEPTH},
                advice=_("Parentheses that only hold one term can go."),
                position=at,
            )
        first = self._peek()
        if first is not None and first.sort is Sort.CLOSE:
            raise errors.EmptyGroup(
                _("There is nothing in these parentheses."),
                advice=_("Remove them."),
                position=at,
                length=first.at.end - at,
            )
        inner = self._any(depth=depth) if first is not None else None
        closing = self._peek()
        if inner is None or closing is None:
            raise errors.UnbalancedParenthesis(
                _("The parenthesis that opens here is never closed."),
                advice=_("Write ) at the end of the group, or remove this one."),
                position=at,
            )
        self._place += 1
        return inner

    def _negated(self, minus: Lexeme) -> Not:
        start = minus.at.start
        lexeme = self._peek()
        if lexeme is None or lexeme.at.start > minus.at.end or lexeme.sort is Sort.CLOSE:
            raise errors.LonelyMinus(
                _("This minus stands alone."),
                advice=_("Write it right before what you do not want, as in -word, or remove it."),
                position=start,
            )
        span = {"position": start, "length": lexeme.at.end - start}
        if lexeme.sort is Sort.MINUS:
            raise errors.DoubleNegation(
                _("Two minus signs in a row."), advice=_("Write one, or none."), **span
            )
        if lexeme.sort is Sort.OPEN:
            raise errors.NegatedGroup(
                _("A group cannot be negated."),
                advice=_("Negate each term in it: -(cat OR dog) is -cat -dog."),
                **span,
            )
        if lexeme.sort is Sort.OR:
            _misplaced_or(lexeme)
        self._place += 1
        leaf = self._leaf(lexeme)
        return Not(leaf, at=Span(start, leaf.at.end - start))

    def _leaf(self, lexeme: Lexeme) -> Leaf:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise errors.TooManyTerms(
                _("A query has %(max_terms)s terms at most.") % {"max_terms": MAX_TERMS},
                advice=_("Leave something out, or ask twice."),
                position=lexeme.at.start,
                length=lexeme.at.length,
            )
        if lexeme.sort is Sort.OPERATOR:
            value = Value(lexeme.text, lexeme.value_at, lexeme.bracketed)
            return operators.build(lexeme.name, value, lexeme.at, self._dialect)
        if lexeme.sort is Sort.PHRASE:
            return _phrase(lexeme)
        return _word(lexeme, self._dialect)


def _around(parts: list[Node]) -> Span:
    start = parts[0].at.start
    return Span(start, parts[-1].at.end - start)


def _misplaced_or(lexeme: Lexeme) -> NoReturn:
    raise errors.MisplacedOr(
        _("OR needs something on both sides."),
        advice=_('To find the word itself, write "or".'),
        position=lexeme.at.start,
        length=lexeme.at.length,
    )


def _phrase(lexeme: Lexeme) -> Phrase:
    if not lexeme.text.strip():
        raise errors.EmptyGroup(
            _("There is nothing between these quotation marks."),
            advice=_("Remove them."),
            position=lexeme.at.start,
            length=lexeme.at.length,
        )
    _ensure_words(lexeme, tokens.sought(lexeme.text))
    return Phrase(lexeme.text, at=lexeme.at)


def _ensure_words(lexeme: Lexeme, found: tokens.Sought) -> None:
    if not found:
        raise errors.NothingToSearch(
            _("There is no letter, digit or emoji in this."),
            advice=_("Punctuation is not searched; leave it out."),
            position=lexeme.at.start,
            length=lexeme.at.length,
        )


def _word(lexeme: Lexeme, dialect: Dialect) -> Leaf:
    """A tag, name, ticker, link or keyword."""
    text, at = lexeme.text, lexeme.at
    if text[0] in "#＃" and not tokens.is_keycap(text):
        return Hashtag(_tag(lexeme), at=at)
    if text[0] in "@＠":
        if (name := _MENTION.fullmatch(text)) is None:
            _refuse_sign(lexeme, _("username"), _("A username has letters, digits and _ only."))
        return Mention(name[1], at=at)
    if text[0] in "$＄" and (symbol := _CASHTAG.fullmatch(text)) is not None:
        return Cashtag(symbol[1], at=at)
    if _LINK.match(text):
        _ensure_words(lexeme, tokens.sought_in_url(text))
        return Url(text, at=at)
    if text.lower() in _AMBIGUOUS and dialect is Dialect.API:
        _refuse_ambiguous(lexeme)
    _ensure_words(lexeme, tokens.sought(text))
    return Keyword(text, at=at)


def _tag(lexeme: Lexeme) -> str:
    tag = lexeme.text[1:]
    if not tokens.is_tag(tag) or not tokens.read(lexeme.text).hashtags:
        _refuse_sign(
            lexeme, _("hashtag"), _("A hashtag has letters, digits and _, not digits only.")
        )
    return tag


def _refuse_sign(lexeme: Lexeme, what: str, advice: str) -> NoReturn:
    raise errors.BadValue(
        _("This is not a %(what)s.") % {"what": what},
        advice=_("%(advice)s To find it as words, put quotation marks around it.")
        % {"advice": advice},
        position=lexeme.at.start,
        length=lexeme.at.length,
    )


def _refuse_ambiguous(lexeme: Lexeme) -> NoReturn:
    word = lexeme.text.lower()
    joins = "a space to logically join two clauses" if word == "and" else "OR between two clauses"
    raise errors.AmbiguousWord(
        _("Ambiguous use of %(word)s as a keyword.") % {"word": word},
        advice=_('Use %(joins)s, or "%(word)s" to find occurrences of %(word)s in text.')
        % {"joins": joins, "word": word},
        position=lexeme.at.start,
        length=lexeme.at.length,
    )
