"""The table of operators: name, example, and what makes a leaf of a value."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from apps.search.query import errors, values
from apps.search.query.tree import (
    AtLeast,
    Conversation,
    From,
    Has,
    InReplyTo,
    Is,
    Leaf,
    QuotesOfTweet,
    RetweetsOf,
    RetweetsOfTweet,
    Since,
    Span,
    To,
    Until,
)
from apps.search.query.values import Value

# Longer names are no slips of the pen; comparing them would cost time.
_LONGEST_SLIP = 32


class Dialect(StrEnum):
    """Whose habits a query follows: the API's operators, or those of the search box besides."""

    API = "api"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Operator:
    """`build` makes the leaf, with the span of the whole term. `instead` is what to say in the
    API to one that only the search box knows; empty for all others."""

    example: str
    build: Callable[[Value, Span], Leaf]
    instead: str = ""
    takes_list: bool = False


def _filter_instead(value: str) -> str:
    known = values.FILTERS.get(value.lower())
    return f"Write '{known}'." if known else "Use has: or is:, as in has:links or is:reply."


_OPERATORS: dict[str, Operator] = {
    "from": Operator("from:alice", lambda v, at: From(values.user(v), at=at)),
    "to": Operator("to:alice", lambda v, at: To(values.user(v), at=at)),
    "retweets_of": Operator("retweets_of:alice", lambda v, at: RetweetsOf(values.user(v), at=at)),
    "url": Operator('url:"https://example.com"', values.url),
    "conversation_id": Operator(
        "conversation_id:1334987486343299072", lambda v, at: Conversation(values.id_of(v), at=at)
    ),
    "in_reply_to_tweet_id": Operator(
        "in_reply_to_tweet_id:1539382664746020864",
        lambda v, at: InReplyTo(values.id_of(v), at=at),
    ),
    "retweets_of_tweet_id": Operator(
        "retweets_of_tweet_id:1539382664746020864",
        lambda v, at: RetweetsOfTweet(values.id_of(v), at=at),
    ),
    "quotes_of_tweet_id": Operator(
        "quotes_of_tweet_id:1539382664746020864",
        lambda v, at: QuotesOfTweet(values.id_of(v), at=at),
    ),
    "list": Operator("list:123", values.in_list),
    "context": Operator("context:10.799022225751871488", values.context),
    "entity": Operator('entity:"Michael Jordan"', values.entity),
    "place": Operator('place:"new york city"', values.place),
    "place_country": Operator("place_country:US", values.country),
    "point_radius": Operator(
        "point_radius:[2.355128 48.861118 16km]", values.point_radius, takes_list=True
    ),
    "bounding_box": Operator(
        "bounding_box:[-105.301758 39.964069 -105.178505 40.09455]",
        values.bounding_box,
        takes_list=True,
    ),
    "min_likes": Operator("min_likes:10", lambda v, at: AtLeast("likes", values.count(v), at=at)),
    "min_replies": Operator(
        "min_replies:10", lambda v, at: AtLeast("replies", values.count(v), at=at)
    ),
    "min_reposts": Operator(
        "min_reposts:10", lambda v, at: AtLeast("reposts", values.count(v), at=at)
    ),
    "is": Operator("is:retweet", lambda v, at: Is(values.kind(v), at=at)),
    "has": Operator("has:links", lambda v, at: Has(values.thing(v), at=at)),
    "lang": Operator("lang:en", values.lang),
    "since": Operator(
        "since:2024-12-31",
        lambda v, at: Since(values.day(v), at=at),
        "Use the parameter start_time.",
    ),
    "until": Operator(
        "until:2024-12-31",
        lambda v, at: Until(values.day(v), at=at),
        "Use the parameter end_time.",
    ),
    "filter": Operator("filter:links", values.filtered, "filter"),
    "min_faves": Operator(
        "min_faves:10",
        lambda v, at: AtLeast("likes", values.count(v), at=at),
        "Write min_likes: instead.",
    ),
    "min_retweets": Operator(
        "min_retweets:10",
        lambda v, at: AtLeast("reposts", values.count(v), at=at),
        "Write min_reposts: instead.",
    ),
}


def takes_list(name: str) -> bool:
    """Whether the value is a list in brackets."""
    return _OPERATORS[name].takes_list


def example(name: str) -> str:
    """A right use of the operator."""
    return _OPERATORS[name].example


def ensure_known(name: str, at: Span) -> None:
    """Refuse names that are no operator.

    Raises:
        UnknownOperator: with the nearest name, where one is near.
    """
    if name in _OPERATORS:
        return
    near = difflib.get_close_matches(name[:_LONGEST_SLIP], _OPERATORS, n=1)
    advice = _("Did you mean '%(name)s:'?") % {"name": near[0]} + " " if near else ""
    raise errors.UnknownOperator(
        _("'%(longest_slip)s:' is not an operator.") % {"longest_slip": name[:_LONGEST_SLIP]},
        advice=_("%(advice)sTo find it as words, put quotation marks around it.")
        % {"advice": advice},
        position=at.start,
        length=at.length,
    )


def build(name: str, value: Value, at: Span, dialect: Dialect) -> Leaf:
    """The leaf of a known operator.

    Raises:
        OtherDialect: only the search box has it. BadValue, NothingToSearch: the value is wrong.
    """
    operator = _OPERATORS[name]
    if operator.instead and dialect is Dialect.API:
        advice = _filter_instead(value.text) if name == "filter" else operator.instead
        raise errors.OtherDialect(
            _("'%(name)s:' is not an operator of the API.") % {"name": name},
            advice=advice,
            position=at.start,
            length=at.length,
        )
    return operator.build(value, at)
