"""Real posts of disasters, with their times, and what an exact count of all of them says.

CrisisLex does not tell who wrote; so posts go round among made-up people. Among them somebody is
always talking of #nowplaying and #mondaymotivation: it is popular, and no news.
"""

import math
import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path

import orjson
import zstandard

from apps.infra import clock, ids
from apps.trends.text.terms import fingerprint, is_passed_on, terms_of
from apps.tweets.services_import import TweetRow

PEOPLE = range(1_000, 6_000)
POPULAR = {"#nowplaying": 25, "#mondaymotivation": 12}
# The popular tags are talked of before the first disaster, too.
BEFORE = timedelta(days=2)
HOUR_MS = 3_600_000


def posts(path: Path, start: datetime, end: datetime) -> list[TweetRow]:
    """The posts of a time, and the popular ones among and before them, by time."""
    found = [*_popular(clock.to_ms(start - BEFORE), clock.to_ms(end))]
    with path.open("rb") as file:
        for line in TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            one = orjson.loads(line)
            at = datetime.fromisoformat(one["created_at"])
            if start <= at < end:
                found.append((clock.to_ms(at), one["text"]))
    found.sort()
    return [
        TweetRow(
            id=ids.at_ms(ms) + number % 4_096,
            author_id=PEOPLE[number % len(PEOPLE)],
            text=text,
            created_at=clock.from_ms(ms),
        )
        for number, (ms, text) in enumerate(found)
    ]


def _popular(start_ms: int, end_ms: int) -> Iterator[tuple[int, str]]:
    dice = random.Random(1)
    for tag, an_hour in POPULAR.items():
        at = float(start_ms)
        while (at := at + dice.expovariate(an_hour) * HOUR_MS) < end_ms:
            yield int(at), f"{dice.randrange(10**6)} {tag}"


@dataclass
class Truth:
    """Every tag with the ms of each voice that says it, exactly and for ever."""

    said: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    in_order: list[tuple[int, str]] = field(default_factory=list)

    def note(self, rows: Sequence[TweetRow]) -> None:
        """Note posts, in the order of time: a voice counts once in 60 minutes."""
        last: dict[tuple[str, object], int] = {}
        for row in rows:
            ms = ids.ms_of(row.id)
            voice = fingerprint(row.text) if is_passed_on(row.text) else row.author_id
            for key, _ in terms_of(row.text):
                if key.startswith("#") and ms - last.get((key, voice), 0) > HOUR_MS:
                    last[key, voice] = ms
                    self.said[key].append(ms)
                    self.in_order.append((ms, key))

    def count(self, key: str, start_ms: int, end_ms: int) -> int:
        """Voices of a tag from a time until before another."""
        said = self.said[key]
        return bisect_left(said, end_ms) - bisect_left(said, start_ms)

    def z(self, key: str, at_ms: int, *, days: int = 3) -> float:
        """Of the last 60 minutes, in deviations from the mean hour of the days before, where a
        count of mean m deviates by sqrt(m + 1): a Poisson count, and one for what is not known."""
        mean = self.count(key, at_ms - days * 24 * HOUR_MS, at_ms - HOUR_MS) / (days * 24 - 1)
        return (self.count(key, at_ms - HOUR_MS, at_ms) - mean) / math.sqrt(mean + 1)

    def top(self, at_ms: int, limit: int) -> list[tuple[float, str]]:
        """The strongest tags that three voices say at least, with their z."""
        ends = (bisect_left(self.in_order, (ms, "")) for ms in (at_ms - HOUR_MS, at_ms))
        heard = Counter(key for _, key in self.in_order[slice(*ends)])
        found = [(self.z(key, at_ms), key) for key, count in heard.items() if count >= 3]
        return sorted(found, key=lambda one: (-one[0], one[1]))[:limit]

    def burst(self, key: str, *, voices: int = 3, minutes: int = 10) -> int:
        """When so many voices first said a tag within so many minutes, in ms."""
        said = self.said[key]
        ends = [
            last
            for first, last in zip(said, said[voices - 1 :], strict=False)
            if last - first <= minutes * 60_000
        ]
        return ends[0]


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A full hour."""
    return datetime(year, month, day, hour, tzinfo=UTC)
