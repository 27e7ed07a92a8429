"""The newer words of X's API, "post" for "tweet": `post.fields` in, `referenced_posts` out.

The API speaks of tweets. A request that uses one of the newer words is translated on its way in,
and its answer on its way out; every other request takes no notice of this. One table, both ways.
Streams keep the older words in X's newer description, too: there only the question is translated.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from apps.infra.web import problems
from apps.infra.web.handler import Scope, Send

# What every request that speaks so has in its query: to be looked for before anything else.
MARK = "post"
FIELDS = "post.fields"
# Ours → X's newer word: members of answers, and values of `*.fields` and `expansions`.
WORDS = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
    "pinned_tweet_id": "pinned_post_id",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "tweet_count": "post_count",
    "total_tweet_count": "total_post_count",
    "retweet_count": "repost_count",
    # Under `includes`.
    "tweets": "posts",
    # Under `errors`, where a parameter is named.
    "tweet.fields": FIELDS,
}
_NEWER = {new: old for old, new in WORDS.items()}
_EXPANSIONS = {
    "referenced_posts": "referenced_tweets.id",
    "referenced_posts.id": "referenced_tweets.id",
    "referenced_posts.id.author_id": "referenced_tweets.id.author_id",
    "referenced_posts.id.attachments.media_keys": "referenced_tweets.id.attachments.media_keys",
    "attachments.media_source_post": "attachments.media_source_tweet",
}
# Where kinds of problems are named.
TYPES = "https://api.x.com/2/problems/"
# Nothing of ours fills them, and the older words have none for them.
_NEW_THINGS = frozenset(
    {
        "article_title", "confirmed_email", "matched_media_notes", "note_request_suggestions",
        "paid_partnership", "subscribes_to_you", "suggested_source_links",
        "suggested_source_links_with_counts", "username",
    }
)  # fmt: skip
_STREAM = "/stream"
# X has said `post_count` here from the beginning.
_ALWAYS_NEWER = "personalized_trend.fields"


def is_spoken(query: str) -> bool:
    """Whether a query uses a newer word."""
    return MARK in query and any(
        name == FIELDS or (_lists_words(name) and _is_newer(value)) for name, value in _pairs(query)
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _lists_words(name: str) -> bool:
    return name == "expansions" or (name.endswith(".fields") and name != _ALWAYS_NEWER)


def _is_newer(value: str) -> bool:
    return any(word in _NEWER or word in _EXPANSIONS for word in value.split(","))


def translated(query: bytes) -> bytes:
    """The same question in our words."""
    asked: dict[str, str] = {}
    for name, value in _pairs(query.decode("latin-1")):
        ours = _NEWER.get(name, name)
        if not _lists_words(name):
            asked[ours] = value
            continue
        words = [_ours(name, word) for word in value.split(",")]
        if ours in asked:
            words.insert(0, asked[ours])
        asked[ours] = ",".join(word for word in words if word)
    return urlencode(asked).encode()


def _ours(name: str, word: str) -> str:
    if name == "expansions":
        return "" if word == "username" else _EXPANSIONS.get(word, _NEWER.get(word, word))
    if word in _NEW_THINGS and not (name == "user.fields" and word == "username"):
        return ""
    return _NEWER.get(word, word)


def renamed(value: Any) -> Any:
    """An answer with the newer words; what people wrote is no member's name and stays."""
    if isinstance(value, dict):
        told = {WORDS.get(name, name): renamed(one) for name, one in value.items()}
        kind = told.get("type")
        if isinstance(kind, str) and kind.startswith(problems.TYPES):
            told["type"] = TYPES + kind.removeprefix(problems.TYPES)
        return told
    return [renamed(one) for one in value] if isinstance(value, list) else value


def spoken(scope: Scope, send: Send) -> Send:
    """Translate a request, whose scope is changed; gives what its answer is sent with."""
    scope["query_string"] = translated(scope["query_string"])
    return send if scope["path"].endswith(_STREAM) else _Renaming(send)


class _Renaming:
    """Sends an answer in the newer words, once it is complete."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body") or self._start is None:
            return
        headers = self._start["headers"]
        kinds = [value for name, value in headers if name.lower() == b"content-type"]
        if any(b"json" in kind for kind in kinds):
            self._body = orjson.dumps(renamed(orjson.loads(self._body)))
        length = (b"content-length", b"%d" % len(self._body))
        kept = [one for one in headers if one[0].lower() != length[0]]
        self._start["headers"] = [*kept, length]
        await self._send(self._start)
        await self._send({**message, "body": self._body})
