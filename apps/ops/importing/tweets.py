"""Imports of tweets: what one line says in the dialects that people have, and where it goes."""

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.graph import services_import as graph_imports
from apps.infra import clock, ids
from apps.infra.stores import invalidation
from apps.ops.importing.runner import Numbered, Skip, Stored
from apps.timelines import services_import as timeline_imports
from apps.tweets import services_import as tweet_imports
from apps.tweets.services_import import TweetRow
from apps.users import services_import as user_imports

MAX_CHARS = 4_000
_MAX_ID = (1 << 63) - 1
_DAY_MS = 86_400_000
# Earlier ids were handed out in a row and say nothing of the time.
_FIRST_SNOWFLAKE = 29_700_000_000
# What Twitter escaped in texts; nothing else, so that "&copy" stays what the author typed.
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_TAG = re.compile(r"<[^>]*>")
_SURROGATE = re.compile("[\ud800-\udfff]")
_OLD_TIMES = ("%a %b %d %H:%M:%S %z %Y", "%Y-%m-%d %H:%M:%S %z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one line says; authors and people are names or ids, whichever it gives."""

    row: TweetRow
    author_id: int | None
    author_name: str | None
    in_reply_to_name: str | None


def parse(raw: bytes, *, lang: str = "und") -> Said:
    """One line of NDJSON: the corpus's own fields, X API v2, v1.1, or an export's `{"tweet": …}`.

    Raises:
        Skip: with the reason.
    """
    data = _loaded(raw)
    user = data.get("user") if isinstance(data.get("user"), dict) else {}
    tweet_id = _id(data, "id_str", "id")
    if tweet_id is None:
        raise Skip("no id")
    if ids.ms_of(tweet_id) > clock.now_ms() + _DAY_MS:
        raise Skip("the id is from the future")
    own_lang = data.get("lang")
    row = TweetRow(
        id=tweet_id,
        author_id=0,
        text=_text(data),
        created_at=_created_at(data.get("created_at"), tweet_id),
        lang=own_lang if isinstance(own_lang, str) and 0 < len(own_lang) <= 8 else lang,  # noqa: PLR2004
        source=_clean(_TAG.sub("", str(data.get("source") or ""))).strip() or "import",
        conversation_id=_id(data, "conversation_id_str", "conversation_id"),
        in_reply_to_id=_id(data, "in_reply_to_status_id_str", "in_reply_to_status_id")
        or _referenced(data, "replied_to"),
        in_reply_to_user_id=_id(data, "in_reply_to_user_id_str", "in_reply_to_user_id"),
        retweet_of_id=_inner_id(data, "retweeted", "retweeted_status")
        or _referenced(data, "retweeted"),
        quote_of_id=_id(data, "quoted_status_id_str", "quoted_status_id")
        or _referenced(data, "quoted"),
    )
    return Said(
        row=row,
        author_id=_id(data, "author_id") or _id(user or {}, "id_str", "id"),
        author_name=_name(data.get("screen_name") or (user or {}).get("screen_name")),
        in_reply_to_name=_name(data.get("in_reply_to_screen_name")),
    )


def _loaded(raw: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            # Half of a surrogate pair, as texts that were cut have: the standard parser takes it.
            data = json.loads(raw.decode())
        except (ValueError, RecursionError):
            raise Skip("not JSON") from None
    if isinstance(data, dict) and isinstance(data.get("tweet"), dict):
        data = data["tweet"]
    if not isinstance(data, dict):
        raise Skip("not a JSON object")
    return data


def _text(data: Mapping[str, Any]) -> str:
    found = data.get("full_text", data.get("text"))
    if not isinstance(found, str):
        raise Skip("no text")
    text = _clean(_ENTITY.sub(lambda match: html.unescape(match[0]), found))
    if not text.strip():
        raise Skip("the text is empty")
    if len(text) > MAX_CHARS:
        raise Skip(f"the text is longer than {MAX_CHARS:,} characters")
    return text


def _clean(text: str) -> str:
    """Without what PostgreSQL or UTF-8 cannot hold."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return _SURROGATE.sub("\ufffd", text)


def _id(data: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:  # noqa: PLR2004
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_ID:
            return value
    return None


def _inner_id(data: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        inner = data.get(key)
        if isinstance(inner, dict):
            return _id(inner, "id_str", "id")
    return None


def _referenced(data: Mapping[str, Any], kind: str) -> int | None:
    references = data.get("referenced_tweets")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and reference.get("type") == kind:
            return _id(reference, "id")
    return None


def _name(value: object) -> str | None:
    if isinstance(value, str) and user_imports.is_username(value.removeprefix("@")):
        return value.removeprefix("@")
    return None


def _created_at(value: object, tweet_id: int) -> datetime:
    if value is None and tweet_id >= _FIRST_SNOWFLAKE:
        return ids.created_at_of(tweet_id)
    if isinstance(value, str):
        moment = _moment(value)
        if moment is not None:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise Skip("no time" if value is None else "the time makes no sense")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _OLD_TIMES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 (both forms have a zone)
        except ValueError:
            continue
    return None


class TweetJob:
    """Lines of NDJSON into `tweets`, accounts made as needed.

    Args:
        author: name of the author of lines that name none; None: such lines are skipped.
        lang: language of lines that give none.
    """

    kind = "tweets"
    batch_size = 5_000
    settles_each_batch = False

    def __init__(self, *, author: str | None, lang: str = "und") -> None:
        self._author = author
        self._lang = lang

    def parse(self, raw: bytes) -> Said | None:
        """One line. Raises Skip."""
        if not raw.strip():
            return None
        said = parse(raw, lang=self._lang)
        if said.author_id is None and said.author_name is None and self._author is None:
            raise Skip("no author")
        return said

    def prepare(self, items: Numbered[Said]) -> None:
        """The months' partitions, outside the transaction: making one waits for readers."""
        tweet_imports.ensure_partitions(tweet_ids={said.row.id for _, said in items})

    def store(self, items: Numbered[Said]) -> Stored:
        """Make the authors, then the tweets."""
        result = Stored()
        people = _People(self._author, (said for _, said in items))
        result.made_users = people.made
        rows = [people.completed(said) for _, said in items]
        stored = tweet_imports.import_tweets(rows=rows)
        result.stored = len(stored)
        seen: set[int] = set()
        for (line, _), row in zip(items, rows, strict=True):
            if row.id not in stored or row.id in seen:
                result.skipped.append((line, "is there already"))
            seen.add(row.id)
        result.unsettled = {row.author_id for row in rows if row.id in stored}
        return result

    def settle(self, unsettled: Sequence[int]) -> None:
        """The followers' home timelines lack the new posts, and so do the authors' own."""
        for author_id in unsettled:
            timeline_imports.drop_homes(user_ids=[author_id])
            for followers in graph_imports.follower_ids(author_id=author_id):
                timeline_imports.drop_homes(user_ids=followers)
            # Readers in this very process and others may share a snapshot of a big author.
            invalidation.announce([("n", author_id)], hold=False)


class _People:
    """Accounts of the authors of a batch, and of those whom they answer."""

    def __init__(self, author: str | None, items: Iterable[Said]) -> None:
        now = clock.now()
        said = list(items)
        self._author = author
        by_id = {one.author_id: one.author_name or "" for one in said if one.author_id is not None}
        names = {one.author_name for one in said if one.author_name and one.author_id is None}
        if author is not None and any(
            one.author_id is None and one.author_name is None for one in said
        ):
            names.add(author)
        answered = {one.in_reply_to_name for one in said if one.in_reply_to_name}
        known = user_imports.ids_of_usernames(
            usernames={*names, *answered, *(name for name in by_id.values() if name)}
        )
        here = user_imports.existing_ids(user_ids=by_id)
        # Whoever has the name already is the same person, imported earlier without the id.
        self._ids = {
            user_id: user_id if user_id in here else known.get(name.lower(), user_id)
            for user_id, name in by_id.items()
        }
        strangers = {user_id for user_id, mine in self._ids.items() if mine == user_id} - here
        made = user_imports.ensure_users(user_ids=strangers, now=now, usernames=by_id)
        created = user_imports.ensure_usernames(usernames=names, now=now)
        self.made = len(made) + sum(1 for name in created if name not in known)
        self._names = known | created

    def completed(self, said: Said) -> TweetRow:
        """The row with its author, and with the person answered where that is known."""
        row = said.row
        if said.author_id is not None:
            author_id = self._ids[said.author_id]
        else:
            author_id = self._names[(said.author_name or self._author or "").lower()]
        answered = row.in_reply_to_user_id
        if answered is None and said.in_reply_to_name:
            answered = self._names.get(said.in_reply_to_name.lower())
        return tweet_imports.with_people(row, author_id=author_id, in_reply_to_user_id=answered)
