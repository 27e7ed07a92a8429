"""Does a document fit a tree? The meaning of the language, which the SQL must agree with."""

import math
from datetime import UTC, date, datetime
from typing import assert_never

from apps.infra import ids
from apps.search.query import document as d
from apps.search.query import tokens
from apps.search.query import tree as t
from apps.search.query.document import Document

EARTH_KM = 6_371.0088
KM = {"mi": 1.609344, "km": 1.0}


def matches(node: t.Node, document: Document) -> bool:
    """Whether the document fits."""
    match node:
        case t.And(parts):
            return all(matches(part, document) for part in parts)
        case t.Or(parts):
            return any(matches(part, document) for part in parts)
        case t.Not(term):
            return not _leaf(term, document)
        case _:
            return _leaf(node, document)


def _leaf(node: t.Leaf, document: Document) -> bool:
    match node:
        case t.Keyword(text) | t.Phrase(text):
            phrase = tokens.sought(text)
            return any(tokens.holds(body.positions, phrase) for body in document.bodies)
        case t.Hashtag(tag):
            return any(tokens.fold(tag) in body.hashtags for body in document.bodies)
        case t.Cashtag(symbol):
            return any(tokens.fold(symbol) in body.cashtags for body in document.bodies)
        case t.Mention(username):
            return any(tokens.fold(username) in body.mentions for body in document.bodies)
        case t.Url(text):
            phrase = tokens.sought_in_url(text)
            return any(tokens.holds(body.url_positions, phrase) for body in document.bodies)
        case _:
            return _about(node, document)


_About = (
    t.From | t.To | t.RetweetsOf | t.Conversation | t.InReplyTo | t.RetweetsOfTweet
    | t.QuotesOfTweet | t.InList | t.Context | t.Entity | t.InPlace | t.PlaceCountry
    | t.PointRadius | t.BoundingBox | t.AtLeast | t.Is | t.Has | t.Lang | t.Since | t.Until
)  # fmt: skip


def _about(node: _About, document: Document) -> bool:  # noqa: PLR0911, PLR0912 (one per kind)
    """Everything but the text."""
    match node:
        case t.From(user):
            return is_account(user, document.author_id, document.author_username)
        case t.To(user):
            return is_account(user, document.in_reply_to_user_id, document.in_reply_to_username)
        case t.RetweetsOf(user):
            return is_account(user, document.retweet_of_user_id, document.retweet_of_username)
        case t.Conversation(tweet_id):
            return document.conversation_id == tweet_id
        case t.InReplyTo(tweet_id):
            return document.in_reply_to_id == tweet_id
        case t.RetweetsOfTweet(tweet_id):
            return document.retweet_of_id == tweet_id
        case t.QuotesOfTweet(tweet_id):
            return document.quote_of_id == tweet_id
        case t.InList(list_id):
            return list_id in document.author_lists
        case t.AtLeast(counted, count):
            return _counts(document)[counted] >= count
        case t.Is(kind):
            return kind in d.kinds(document)
        case t.Has(thing):
            return thing in d.things(document)
        case t.Lang(code):
            return document.lang.lower() == code
        case t.Since(day):
            return document.id >= first_id_of(day)
        case t.Until(day):
            return document.id < first_id_of(day)
        case _:
            return _meaning(node, document)


_Meaning = t.Context | t.Entity | t.InPlace | t.PlaceCountry | t.PointRadius | t.BoundingBox


def _meaning(node: _Meaning, document: Document) -> bool:
    """Annotations and places."""
    place = document.place
    match node:
        case t.Context(domain, entity):
            pairs = (context.partition(".") for context in document.contexts)
            return any(domain in {"*", one} and entity in {"*", other} for one, _, other in pairs)
        case t.Entity(name):
            return tokens.fold(name) in map(tokens.fold, document.entities)
        case t.InPlace(text):
            names = () if place is None else (place.id, place.full_name)
            return tokens.fold(text) in map(tokens.fold, names)
        case t.PlaceCountry(country):
            return place is not None and place.country.upper() == country
        case t.PointRadius(longitude, latitude, radius, unit):
            return (
                document.point is not None
                and _km((longitude, latitude), document.point) <= radius * KM[unit]
            )
        case t.BoundingBox(west, south, east, north):
            return document.point is not None and (
                west <= document.point[0] <= east and south <= document.point[1] <= north
            )
        case _:
            assert_never(node)


def is_account(user: str, account_id: int | None, username: str | None) -> bool:
    """Whether `user` of a query names this account: by username, or by id in digits."""
    if account_id is None:
        return False
    return user == (username or "").lower() or user == str(account_id)


def first_id_of(day: date) -> int:
    """The lowest id of a day (UTC)."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return ids.at_ms(int(start.timestamp()) * 1_000)


def _counts(document: Document) -> dict[t.Counted, int]:
    return {
        "likes": document.like_count,
        "replies": document.reply_count,
        "reposts": document.repost_count,
    }


def _km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance by the haversine formula; degrees, longitude first."""
    (x1, y1), (x2, y2) = one, other
    half_x, half_y = math.radians(x2 - x1) / 2, math.radians(y2 - y1) / 2
    across = math.cos(math.radians(y1)) * math.cos(math.radians(y2)) * math.sin(half_x) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(math.sin(half_y) ** 2 + across, 1.0)))
