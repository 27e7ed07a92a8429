"""Imports of tweets: what one line says in the dialects that people have, and where it goes."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

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
MAX_LANG = 8
_NOBODY: Mapping[str, Any] = {}
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
    data = loaded(raw)
    tweet_id = _id(data, "id_str", "id")
    if tweet_id is None:
        raise Skip("no id")
    if ids.ms_of(tweet_id) > clock.now_ms() + _DAY_MS:
        raise Skip("the id is from the future")
    text, created_at = _text(data), _created_at(data.get("created_at"), tweet_id)
    return _said(data, tweet_id=tweet_id, text=text, created_at=created_at, lang=lang)


def _said(
    data: Mapping[str, Any], *, tweet_id: int, text: str, created_at: datetime, lang: str
) -> Said:
    refers = references(data)
    row = TweetRow(
        id=tweet_id,
        author_id=0,
        text=text,
        created_at=created_at,
        lang=lang_of(data, lang),
        source=source_of(data, "import"),
        conversation_id=_id(data, "conversation_id_str", "conversation_id"),
        in_reply_to_id=refers.in_reply_to_id,
        in_reply_to_user_id=_id(data, "in_reply_to_user_id_str", "in_reply_to_user_id"),
        retweet_of_id=refers.retweet_of_id,
        quote_of_id=refers.quote_of_id,
    )
    author_id, author_name = author_of(data)
    return Said(
        row=row,
        author_id=author_id,
        author_name=author_name,
        in_reply_to_name=_name(data.get("in_reply_to_screen_name")),
    )


class References(NamedTuple):
    """Which tweets a line names, stored or not."""

    in_reply_to_id: int | None
    retweet_of_id: int | None
    quote_of_id: int | None


def references(data: Mapping[str, Any]) -> References:
    """What a line answers, passes on and quotes."""
    return References(
        in_reply_to_id=_id(data, "in_reply_to_status_id_str", "in_reply_to_status_id")
        or _referenced(data, "replied_to"),
        retweet_of_id=_inner_id(data, "retweeted", "retweeted_status")
        or _referenced(data, "retweeted"),
        quote_of_id=_id(data, "quoted_status_id_str", "quoted_status_id")
        or _referenced(data, "quoted"),
    )


def author_of(data: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Id and name of a line's author, whichever it gives."""
    user = data.get("user")
    if not isinstance(user, dict):
        user = _NOBODY
    author_id = _id(data, "author_id") or _id(user, "id_str", "id")
    return author_id, _name(data.get("screen_name") or user.get("screen_name"))


def lang_of(data: Mapping[str, Any], other: str) -> str:
    """A line's language."""
    lang = data.get("lang")
    if isinstance(lang, str) and 0 < len(lang) <= MAX_LANG and lang.isascii():
        return lang if lang.isprintable() else other
    return other


def source_of(data: Mapping[str, Any], other: str) -> str:
    """The name of the program that wrote a line's tweet, without its link."""
    source = data.get("source")
    return _clean(_TAG.sub("", str(source))).strip() or other if source else other


def unescaped(text: str) -> str:
    """A text as its author typed it."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def loaded(raw: bytes) -> dict[str, Any]:
    """The object in a line. Raises Skip."""
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
    text = _clean(unescaped(found))
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
        people = People(self._author, [said for _, said in items])
        result.made_users = people.made
        rows = [(line, people.completed(said)) for line, said in items]
        count_stored(result, rows, tweet_imports.import_tweets(rows=[row for _, row in rows]))
        return result

    def settle(self, unsettled: Sequence[int]) -> None:
        """The followers' home timelines lack the new posts, and so do the authors' own."""
        for author_id in unsettled:
            timeline_imports.drop_homes(user_ids=[author_id])
            for followers in graph_imports.follower_ids(author_id=author_id):
                timeline_imports.drop_homes(user_ids=followers)
            # Readers in this very process and others may share a snapshot of a big author.
            invalidation.announce([("n", author_id)], hold=False)


def count_stored(result: Stored, rows: Numbered[TweetRow], stored: set[int]) -> None:
    """Say what became of rows, given the ids that were new; a repeated id counts once."""
    result.stored = len(stored)
    seen: set[int] = set()
    for line, row in rows:
        if row.id not in stored or row.id in seen:
            result.skipped.append((line, "is there already"))
        seen.add(row.id)
    result.unsettled = {row.author_id for _, row in rows if row.id in stored}


class Signed(Protocol):
    """Something that says who wrote it."""

    @property
    def author_id(self) -> int | None:
        """Of the author, if it is given."""

    @property
    def author_name(self) -> str | None:
        """Of the author, if it is given."""

    @property
    def in_reply_to_name(self) -> str | None:
        """Of the person whom it answers."""


class People:
    """Accounts of the authors of a batch, and of those whom they answer; made as needed.

    Args:
        author: name of the author of what names none.
    """

    def __init__(self, author: str | None, said: Sequence[Signed]) -> None:
        now = clock.now()
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

    def id_of(self, said: Signed) -> int:
        """The author's account."""
        if said.author_id is not None:
            return self._ids[said.author_id]
        return self._names[(said.author_name or self._author or "").lower()]

    def completed(self, said: Said) -> TweetRow:
        """The row with its author, and with the person answered where that is known."""
        row, author_id = said.row, self.id_of(said)
        answered = row.in_reply_to_user_id
        if answered is None and said.in_reply_to_name:
            answered = self._names.get(said.in_reply_to_name.lower())
        return tweet_imports.with_people(row, author_id=author_id, in_reply_to_user_id=answered)
