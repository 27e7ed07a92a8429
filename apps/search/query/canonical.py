"""A tree as text again: the one way to write it, which parses to the same tree."""

from decimal import Decimal
from typing import assert_never

from apps.search.query import tree as t


def canonical(node: t.Node) -> str:
    """Single blanks, the API's names, parentheses only where they say something.

    Parses to an equal tree in the dialect that the tree came from; the web's `since:` and
    `until:` are written as they are, for the API has no word for them.
    """
    match node:
        case t.And(parts):
            return " ".join(
                f"({canonical(part)})" if isinstance(part, t.Or) else canonical(part)
                for part in parts
            )
        case t.Or(parts):
            return " OR ".join(map(canonical, parts))
        case t.Not(term):
            return f"-{_leaf(term)}"
        case _:
            return _leaf(node)


def _leaf(node: t.Leaf) -> str:  # noqa: PLR0911, PLR0912 (one line for each kind of leaf)
    match node:
        case t.Keyword(text):
            return text
        case t.Phrase(text):
            return f'"{text}"'
        case t.Hashtag(tag):
            return f"#{tag}"
        case t.Cashtag(symbol):
            return f"${symbol}"
        case t.Mention(username):
            return f"@{username}"
        case t.From(user):
            return f"from:{user}"
        case t.To(user):
            return f"to:{user}"
        case t.RetweetsOf(user):
            return f"retweets_of:{user}"
        case t.Url(text):
            return f'url:"{text}"'
        case t.Entity(name):
            return f'entity:"{name}"'
        case t.InPlace(place):
            return f'place:"{place}"'
        case t.Context(domain, entity):
            return f"context:{domain}.{entity}"
        case t.PlaceCountry(country):
            return f"place_country:{country}"
        case t.AtLeast(counted, count):
            return f"min_{counted}:{count}"
        case t.Is(kind):
            return f"is:{kind}"
        case t.Has(thing):
            return f"has:{thing}"
        case t.Lang(code):
            return f"lang:{code}"
        case _:
            return _numbers(node)


_Numbers = (
    t.Conversation | t.InReplyTo | t.RetweetsOfTweet | t.QuotesOfTweet | t.InList
    | t.Since | t.Until | t.PointRadius | t.BoundingBox
)  # fmt: skip


def _numbers(node: _Numbers) -> str:  # noqa: PLR0911 (one line for each kind of leaf)
    """Ids, days and degrees."""
    match node:
        case t.Since(day):
            return f"since:{day.isoformat()}"
        case t.Until(day):
            return f"until:{day.isoformat()}"
        case t.PointRadius(longitude, latitude, radius, unit):
            return f"point_radius:[{_plain(longitude, latitude, radius)}{unit}]"
        case t.BoundingBox(west, south, east, north):
            return f"bounding_box:[{_plain(west, south, east, north)}]"
        case t.Conversation(tweet_id):
            return f"conversation_id:{tweet_id}"
        case t.InReplyTo(tweet_id):
            return f"in_reply_to_tweet_id:{tweet_id}"
        case t.RetweetsOfTweet(tweet_id):
            return f"retweets_of_tweet_id:{tweet_id}"
        case t.QuotesOfTweet(tweet_id):
            return f"quotes_of_tweet_id:{tweet_id}"
        case t.InList(list_id):
            return f"list:{list_id}"
        case _:
            assert_never(node)


def _plain(*numbers: float) -> str:
    """Without an exponent, and exactly: repr is the shortest text that reads as the same float."""
    return " ".join(f"{Decimal(repr(number)):f}" for number in numbers)
