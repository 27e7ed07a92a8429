"""Tweets as documents of the index, and the columns that are kept of one."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NotRequired, TypedDict

from apps.media.schemas import is_photo
from apps.search.query import document as d
from apps.search.query.document import Body, Document, MediaKind
from apps.search.query.sql import tsvector_of
from apps.tweets.schemas import TweetOut

# Between the marks of one tweet; no mark holds a control character.
SEPARATOR = "\x1f"
NO_NAMES: Mapping[int, str] = MappingProxyType({})
NO_LISTS: frozenset[int] = frozenset()
NO_MEDIA: frozenset[MediaKind] = frozenset()


class Row(TypedDict):
    """One row of `search_documents`; vectors and marks as text. What is missing is null."""

    tweet_id: int
    author_id: int
    conversation_id: int
    in_reply_to_id: NotRequired[int | None]
    in_reply_to_user_id: NotRequired[int | None]
    retweet_of_id: NotRequired[int | None]
    retweet_of_user_id: NotRequired[int | None]
    quote_of_id: NotRequired[int | None]
    tokens: str
    url_tokens: str
    marks: str


def document_of(
    tweet: TweetOut,
    original: TweetOut | None = None,
    *,
    quoted: TweetOut | None = None,
    names: Mapping[int, str] = NO_NAMES,
    author_lists: frozenset[int] = NO_LISTS,
) -> Document:
    """The tweet as queries see it; a retweet has the text and language of its original.

    Args:
        original: of a retweet.
        quoted: what it quotes, where that counts: in streams.
        names: usernames by id; the index does without.
        author_lists: on which lists the author is; the index does without.
    """
    said = original or tweet
    return Document(
        id=tweet.id,
        author_id=tweet.author_id,
        author_username=names.get(tweet.author_id, ""),
        body=Body.of(said.text),
        quoted=None if quoted is None else Body.of(quoted.text),
        conversation_id=tweet.conversation_id,
        lang=said.lang,
        in_reply_to_id=tweet.in_reply_to_id,
        in_reply_to_user_id=tweet.in_reply_to_user_id,
        in_reply_to_username=names.get(tweet.in_reply_to_user_id or 0),
        retweet_of_id=tweet.retweet_of_id,
        retweet_of_user_id=tweet.retweet_of_user_id,
        retweet_of_username=names.get(tweet.retweet_of_user_id or 0),
        quote_of_id=tweet.quote_of_id,
        like_count=tweet.like_count,
        reply_count=tweet.reply_count,
        repost_count=tweet.retweet_count,
        author_lists=author_lists,
        media=_media(said.media_keys) if said.media_keys else NO_MEDIA,
    )


def _media(media_keys: Sequence[str]) -> frozenset[MediaKind]:
    return frozenset("image" if is_photo(key) else "gif" for key in media_keys)


def row_of(document: Document) -> Row:
    """What the index keeps."""
    body = document.body
    return {
        "tweet_id": document.id,
        "author_id": document.author_id,
        "conversation_id": document.conversation_id,
        "in_reply_to_id": document.in_reply_to_id,
        "in_reply_to_user_id": document.in_reply_to_user_id,
        "retweet_of_id": document.retweet_of_id,
        "retweet_of_user_id": document.retweet_of_user_id,
        "quote_of_id": document.quote_of_id,
        "tokens": tsvector_of(body.positions),
        "url_tokens": tsvector_of(body.url_positions),
        "marks": SEPARATOR.join(sorted(d.marks(document, [body]))),
    }
