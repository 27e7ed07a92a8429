"""A tree as a condition of PostgreSQL over the columns of a search document.

The columns, `d` for the document and `t` for its row in `tweets`:

    d.tweet_id, d.author_id, d.conversation_id                                   bigint
    d.in_reply_to_id, d.in_reply_to_user_id, d.retweet_of_id,
    d.retweet_of_user_id, d.quote_of_id                                          bigint or null
    d.tokens, d.url_tokens   tsvector   `tsvector_of` the body's positions, and its links'
    d.marks                  text[]     `document.marks` of the own body
    d.longitude, d.latitude             double precision or null
    t.like_count, t.reply_count, t.retweet_count                                 integer

Counts change too often to be kept twice, so they are read from `tweets`; so is whether a tweet
is deleted or hidden, which is not the query's business. Values are parameters, all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from apps.search.query import tokens
from apps.search.query import tree as t
from apps.search.query.matching import EARTH_KM, KM, first_id_of
from apps.search.query.routing import mark_of
from apps.search.query.tokens import Positions, Sought

_NUMBER_COLUMNS = {
    "likes": "t.like_count",
    "replies": "t.reply_count",
    "reposts": "t.retweet_count",
}
_HAS_WORDS = "d.tokens @@ %s::tsquery"
_HAS_LINK = "d.url_tokens @@ %s::tsquery"
_DISTANCE = (
    f"2 * {EARTH_KM} * asin(sqrt(least(power(sin(radians(d.latitude - %s) / 2), 2)"
    " + cos(radians(%s)) * cos(radians(d.latitude))"
    " * power(sin(radians(d.longitude - %s) / 2), 2), 1.0)))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the names in a query stand for now. `accounts`: ids by username in lower case.
    `members`: account ids by list id, for lists that the viewer may see. What is missing here
    does not exist, and finds nothing."""

    accounts: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[int, Sequence[int]] = field(default_factory=dict)


def usernames_in(node: t.Node) -> frozenset[str]:
    """The usernames that `Names.accounts` must be looked up for, in lower case."""
    return frozenset(
        leaf.user for leaf in t.leaves(node) if isinstance(leaf, t.From | t.To | t.RetweetsOf)
    )


def lists_in(node: t.Node) -> frozenset[int]:
    """The lists that `Names.members` must be looked up for."""
    return frozenset(leaf.list_id for leaf in t.leaves(node) if isinstance(leaf, t.InList))


def to_sql(node: t.Node, *, names: Names) -> tuple[str, list[object]]:
    """A condition with %s for each parameter, and the parameters in their order.

    It is true for the documents that `matching.matches` accepts, and false or null for others.
    """
    params: list[object] = []
    return _Compiler(names, params).condition(node), params


def tsvector_of(positions: Positions) -> str:
    """The text of a tsvector: to be given as a parameter and cast, never through a parser."""
    return " ".join(
        f"{_quoted(lexeme)}:{','.join(map(str, places))}"
        for lexeme, places in positions.items()
        if places
    )


def _quoted(lexeme: str) -> str:
    if not lexeme.isalnum():
        lexeme = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{lexeme}'"


def _tsquery(phrase: Sought) -> str:
    """Lexemes at their distances: `'new' <1> 'york'`."""
    text, before = "", 0
    for offset, lexeme in phrase:
        text += f" <{offset - before}> {_quoted(lexeme)}" if text else _quoted(lexeme)
        before = offset
    return f"({text})"


class _Compiler:
    """Conditions as text; the parameters are appended in the order of their places."""

    def __init__(self, names: Names, params: list[object]) -> None:
        self._names = names
        self._params = params

    def condition(self, node: t.Node) -> str:
        if (words := _words(node)) is not None:
            return self._with(_HAS_WORDS, words)
        match node:
            case t.And(parts):
                return self._joined(" and ", " & ", parts)
            case t.Or(parts):
                return self._joined(" or ", " | ", parts)
            case t.Not(term):
                # Not `not`: a null (no reply at all) is no match, and so its negation is one.
                return f"({self.condition(term)}) is not true"
            case _:
                return self._leaf(node)

    def _joined(self, word: str, sign: str, parts: Sequence[t.Node]) -> str:
        """Words side by side become one tsquery: one search of the index instead of several."""
        words = [text for part in parts if (text := _words(part)) is not None]
        written = [self._with(_HAS_WORDS, sign.join(words))] if words else []
        written += [self.condition(part) for part in parts if _words(part) is None]
        return f"({word.join(written)})"

    def _with(self, text: str, *params: object) -> str:
        self._params.extend(params)
        return text

    def _leaf(self, node: t.Leaf) -> str:  # noqa: PLR0911, PLR0912 (one per kind)
        match node:
            case t.Keyword(text) | t.Phrase(text):
                return self._with(_HAS_WORDS, _tsquery(tokens.sought(text)))
            case t.Url(text):
                return self._with(_HAS_LINK, _tsquery(tokens.sought_in_url(text)))
            case t.Hashtag(tag):
                return self._mark(f"#{tokens.fold(tag)}")
            case t.Cashtag(symbol):
                return self._mark(f"${tokens.fold(symbol)}")
            case t.Mention(username):
                return self._mark(f"@{tokens.fold(username)}")
            case t.From(user):
                return self._account("d.author_id", user)
            case t.To(user):
                return self._account("d.in_reply_to_user_id", user)
            case t.RetweetsOf(user):
                return self._account("d.retweet_of_user_id", user)
            case t.InList(list_id):
                members = list(self._names.members.get(list_id, ()))
                return self._with("d.author_id = any(%s::bigint[])", members)
            case t.AtLeast(counted, count):
                return self._with(f"{_NUMBER_COLUMNS[counted]} >= %s", count)
            case t.PointRadius(longitude, latitude, radius, unit):
                place = (latitude, latitude, longitude, radius * KM[unit])
                return self._with(f"{_DISTANCE} <= %s", *place)
            case t.BoundingBox(west, south, east, north):
                return self._with(
                    "(d.longitude between %s and %s and d.latitude between %s and %s)",
                    *(west, east, south, north),
                )
            case t.Context() | t.Entity() | t.InPlace() | t.PlaceCountry():
                return self._mark(mark_of(node))
            case t.Is() | t.Has() | t.Lang():
                return self._mark(mark_of(node))
            case _:
                return self._by_id(node)

    def _by_id(
        self,
        node: t.Conversation
        | t.InReplyTo
        | t.RetweetsOfTweet
        | t.QuotesOfTweet
        | t.Since
        | t.Until,
    ) -> str:
        match node:
            case t.Since(day):
                return self._with("d.tweet_id >= %s", first_id_of(day))
            case t.Until(day):
                return self._with("d.tweet_id < %s", first_id_of(day))
            case t.Conversation(tweet_id):
                return self._with("d.conversation_id = %s", tweet_id)
            case t.InReplyTo(tweet_id):
                return self._with("d.in_reply_to_id = %s", tweet_id)
            case t.RetweetsOfTweet(tweet_id):
                return self._with("d.retweet_of_id = %s", tweet_id)
            case t.QuotesOfTweet(tweet_id):
                return self._with("d.quote_of_id = %s", tweet_id)
            case _:
                assert_never(node)

    def _mark(self, mark: str) -> str:
        return self._with("d.marks @> array[%s::text]", mark)

    def _account(self, column: str, user: str) -> str:
        """By username, by id, or by both: a username may be all digits."""
        found = {self._names.accounts[user]} if user in self._names.accounts else set()
        if user.isdigit():
            found.add(int(user))
        return self._with(f"{column} = any(%s::bigint[])", sorted(found))


def _words(node: t.Node) -> str | None:
    """A part that is only about words, as a tsquery; None for all others."""
    match node:
        case t.Keyword(text) | t.Phrase(text):
            return _tsquery(tokens.sought(text))
        case t.Not(t.Keyword() | t.Phrase() as term):
            return f"!{_tsquery(tokens.sought(term.text))}"
        case t.And(parts):
            return _all_words(parts, " & ")
        case t.Or(parts):
            return _all_words(parts, " | ")
        case _:
            return None


def _all_words(parts: Sequence[t.Node], sign: str) -> str | None:
    written = [_words(part) for part in parts]
    known = [text for text in written if text is not None]
    return f"({sign.join(known)})" if len(known) == len(written) else None
