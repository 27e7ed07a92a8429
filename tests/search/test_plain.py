"""The short way of a plain tweet gives the row that the long one gives."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.infra.stores import postgres
from apps.search.documents import document_of, row_of
from apps.search.plain import plain_row_of
from apps.tweets.schemas import TweetOut
from tests.search.strategies import texts

TWEET = TweetOut(
    id=1 << 60, author_id=7, text="", lang="EN", source="web", created_at=datetime.now(UTC),
    conversation_id=1 << 59, in_reply_to_id=None, in_reply_to_user_id=None, retweet_of_id=None,
    retweet_of_user_id=None, quote_of_id=None, quote_of_user_id=None, like_count=1,
    reply_count=2, retweet_count=3, quote_count=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def database(django_db_setup):
    with postgres.connect() as connection:
        yield connection


def as_kept(database, row):
    """The row with its vectors as PostgreSQL keeps them."""
    (vectors,) = database.execute(
        "select array[%s::tsvector::text, %s::tsvector::text]", [row["tokens"], row["url_tokens"]]
    ).fetchone()
    told = {name: value for name, value in row.items() if value is not None}
    return told | dict(zip(("tokens", "url_tokens"), vectors, strict=True))


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=1, max_codepoint=127)) | texts(), st.booleans())
@example("One two, one: two-three 4.5 a_b it's x/y C:\\path 'quoted' a & b|c !d <1> :*", False)
@example("word " * 300, True)
@example("x" * 400, False)
@example("", False)
def test_both_ways_give_the_same_row(database, text, is_reply):
    tweet = replace(TWEET, text=text)
    if is_reply:
        tweet = replace(tweet, in_reply_to_id=1 << 59, in_reply_to_user_id=8)
    short, long = plain_row_of(tweet), row_of(document_of(tweet))

    assert short is None or as_kept(database, short) == as_kept(database, long)


@pytest.mark.parametrize(
    "told",
    [
        {"text": "a #tag"}, {"text": "@name"}, {"text": "$ABC"}, {"text": "http://a.example"},
        {"text": "café"}, {"retweet_of_id": 5}, {"quote_of_id": 5}, {"media_keys": ["3_5"]},
    ],
)  # fmt: skip
def test_what_is_not_plain_goes_the_long_way(told):
    assert plain_row_of(replace(TWEET, **{"text": "words", **told})) is None
    assert plain_row_of(replace(TWEET, text="words")) is not None
