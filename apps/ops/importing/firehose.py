"""Live traffic of many authors from lines of NDJSON: the jobs of `manage.py firehose`."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import psycopg
from django.conf import settings

from apps.infra import clock
from apps.infra.errors import DomainError, Invalid
from apps.infra.eventlog.backlog import Backlog, measure_backlog
from apps.infra.stores import postgres
from apps.ops.importing import tweets
from apps.ops.importing.runner import Numbered, Skip, Stored
from apps.ops.importing.tweets import People, References, Said, TweetJob
from apps.tweets import services as tweet_services
from apps.tweets import services_firehose as firehose
from apps.tweets.services_firehose import LivePost
from apps.tweets.services_import import MAX_SOURCE
from apps.users import services_import as user_imports

SOURCE = "firehose"
_PAUSE_SECONDS = 0.05
_SUSPENDED = "the author is suspended"
_REASONS = {
    "tweet_empty": "the text is empty",
    "tweet_too_long": f"the text is longer than {tweet_services.MAX_CHARS} characters",
    "bad_text": "the text cannot be stored",
}
# A line with none of these refers to nothing, and says who and what at the top.
_ELABORATE = frozenset(
    {
        "tweet", "in_reply_to_status_id", "in_reply_to_status_id_str", "retweeted",
        "retweeted_status", "quoted_status_id", "quoted_status_id_str", "referenced_tweets",
    }
)  # fmt: skip


class Live(NamedTuple):
    """What a line says. `refers` is None where it names no other tweet."""

    author_id: int | None
    author_name: str | None
    text: str
    lang: str
    source: str
    refers: References | None
    # Nobody is answered by name: a post answers a tweet.
    in_reply_to_name: str | None = None


def parse_live(raw: bytes, *, lang: str = "und") -> Live:
    """One line, in the dialects of `tweets.parse`; its id and time do not matter.

    Raises:
        Skip: with the reason; texts are held to the rules of a post.
    """
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        data = tweets.loaded(raw)
    refers = None
    if type(data) is not dict or not _ELABORATE.isdisjoint(data):
        data = tweets.loaded(raw)
        refers = tweets.references(data)
        if not any(refers):
            refers = None
    text = data.get("full_text", data.get("text"))
    if not isinstance(text, str):
        raise Skip("no text")
    if "&" in text:
        text = tweets.unescaped(text)
    # A retweet has no text of its own; whether it is one turns out when it is stored.
    if refers is None or refers.retweet_of_id is None:
        text = checked(text)
    author_id, author_name = tweets.author_of(data)
    return Live(
        author_id, author_name, text, tweets.lang_of(data, lang),
        tweets.source_of(data, SOURCE)[:MAX_SOURCE], refers,
    )  # fmt: skip


def checked(text: str) -> str:
    """The text, by the rules of a post. Raises Skip."""
    try:
        return tweet_services.checked_text(text)
    except Invalid as error:
        raise Skip(_REASONS.get(error.code, error.code)) from None


class Pressure:
    """Slows the firehose down to what is delivered.

    Args:
        max_events, max_seconds: of the backlog; the next batch waits while either is passed.
        is_stopped: ends every wait.
        tell: is told once when a wait begins.
    """

    def __init__(
        self,
        *,
        max_events: int | None = None,
        max_seconds: float | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[Backlog], None] = lambda _backlog: None,
    ) -> None:
        self._max_events = max_events or settings.FIREHOSE_MAX_BACKLOG
        self._max_seconds = max_seconds or settings.FIREHOSE_MAX_LAG_SECONDS
        self._is_stopped = is_stopped
        self._tell = tell
        self._connection: psycopg.Connection[Any] | None = None
        # For the summary.
        self.waited_seconds = 0.0
        self.peak = 0

    def wait(self) -> None:
        """Return when there is room, or when it is over."""
        began = time.monotonic()
        told = False
        while not self._is_stopped():
            backlog = self._look()
            self.peak = max(self.peak, backlog.events)
            if (
                backlog.events < self._max_events and backlog.oldest_seconds < self._max_seconds
            ) or not backlog.events:
                break
            if not told and time.monotonic() - began > 1:
                told = True
                self._tell(backlog)
            time.sleep(_PAUSE_SECONDS)
        self.waited_seconds += time.monotonic() - began

    def _look(self) -> Backlog:
        if self._connection is None or postgres.is_stale(self._connection):
            self._connection = postgres.connect()
        return measure_backlog(self._connection)

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class LiveJob:
    """Lines posted as they come: new ids, the present time.

    Args:
        author: name of the author of lines that name none; None: such lines are skipped.
    """

    kind = "firehose"
    batch_size = 2_000
    settles_each_batch = False

    def __init__(self, *, author: str | None, pressure: Pressure, lang: str = "und") -> None:
        self._author = author
        self._pressure = pressure
        self._lang = lang

    def parse(self, raw: bytes) -> Live | None:
        """One line. Raises Skip."""
        if not raw or raw.isspace():
            return None
        live = parse_live(raw, lang=self._lang)
        if live.author_id is None and live.author_name is None and self._author is None:
            raise Skip("no author")
        return live

    def prepare(self, items: Numbered[Live]) -> None:
        """Wait until the batches before are delivered, or nearly."""
        self._pressure.wait()

    def store(self, items: Numbered[Live]) -> Stored:
        """Make authors, then post: plain ones in bulk, those that refer one by one."""
        result = Stored()
        here = _here(live for _, live in items)
        plain: list[LivePost] = []
        now = clock.now()
        for line, live, author_id in self._signed(items, result):
            post = LivePost(author_id, live.text, live.lang, live.source)
            refers = _only(live.refers, here)
            try:
                if refers is not None:
                    firehose.post_referring(post=post, now=now, **refers._asdict())
                    result.stored += 1
                else:
                    # A retweet of something unknown is not checked yet.
                    plain.append(post if live.refers is None else _checked(post))
            except Skip as reason:
                result.skipped.append((line, str(reason)))
            except DomainError as error:
                result.skipped.append((line, f"refused: {error.code}"))
        # Last, because it locks all the accounts.
        result.stored += len(firehose.post_tweets(posts=plain, now=now))
        return result

    def settle(self, unsettled: Sequence[int]) -> None:
        """Nothing: the fan-out does it all."""

    def _signed(self, items: Numbered[Live], result: Stored) -> Iterator[tuple[int, Live, int]]:
        """The items of those who may post, with their accounts."""
        given = {live.author_id for _, live in items if live.author_id is not None}
        standing = known = user_imports.may_post(user_ids=given)
        strangers = [live for _, live in items if live.author_id not in known]
        people = People(self._author, strangers)
        if strangers:
            result.made_users = people.made
            others = {people.id_of(live) for live in strangers}
            standing = known | user_imports.may_post(user_ids=others)
        for line, live in items:
            author_id = live.author_id
            if author_id is None or author_id not in known:
                author_id = people.id_of(live)
            if standing.get(author_id):
                yield line, live, author_id
            else:
                result.skipped.append((line, _SUSPENDED))


def _here(lives: Iterable[Live]) -> set[int]:
    """The tweets that a batch refers to and that are stored and live."""
    named = {one for live in lives if live.refers is not None for one in live.refers if one}
    return firehose.live_tweets(tweet_ids=named) if named else set()


def _only(refers: References | None, here: set[int]) -> References | None:
    """Without what is not here; None where nothing is left."""
    if refers is None or here.isdisjoint(refers):
        return None
    return References(*(one if one in here else None for one in refers))


def _checked(post: LivePost) -> LivePost:
    return post._replace(text=checked(post.text))


class KeptJob(TweetJob):
    """Lines stored with their own ids and times, and announced as if they were posted now."""

    kind = "firehose"
    batch_size = 2_000

    def __init__(self, *, author: str | None, pressure: Pressure, lang: str = "und") -> None:
        super().__init__(author=author, lang=lang)
        self._pressure = pressure

    def parse(self, raw: bytes) -> Said | None:
        """One line. Raises Skip; texts are held to the rules of a post."""
        said = super().parse(raw)
        if said is not None and said.row.retweet_of_id is None:
            checked(said.row.text)
        return said

    def prepare(self, items: Numbered[Said]) -> None:
        """The months' partitions; then wait until the batches before are delivered, or nearly."""
        super().prepare(items)
        self._pressure.wait()

    def store(self, items: Numbered[Said]) -> Stored:
        """Make the authors, then the tweets and their events."""
        result = Stored()
        people = People(self._author, [said for _, said in items])
        result.made_users = people.made
        rows = [(line, people.completed(said)) for line, said in items]
        standing = user_imports.may_post(user_ids={row.author_id for _, row in rows})
        result.skipped = [
            (line, _SUSPENDED) for line, row in rows if not standing.get(row.author_id)
        ]
        rows = [(line, row) for line, row in rows if standing.get(row.author_id)]
        stored = firehose.replay_tweets(rows=[row for _, row in rows])
        tweets.count_stored(result, rows, stored)
        return result
