"""Grailbird archives (2012 to 2019): a file of JavaScript for each month, and tables (CSV)."""

import csv
import io
import re
from collections.abc import Iterator
from typing import IO, Any

from apps.archives.reading import scanning
from apps.archives.reading.errors import BadArchive
from apps.archives.reading.literals import NotALiteral, loads
from apps.archives.reading.posts import BadPost, post_of
from apps.archives.reading.records import Post, Summary
from apps.archives.reading.sources import Files, damage_told, read_all, root_of
from apps.archives.reading.texts import (
    MAX_TEXT,
    clean,
    dicts,
    id_of,
    long_links_in_order,
    moment_of,
    program_of,
    quote_in,
    seconds_of,
    unescaped,
)

INDEX, USER, PAYLOAD = (
    "data/js/tweet_index.js",
    "data/js/user_details.js",
    "data/js/payload_details.js",
)
MAX_SMALL_BYTES = 4 * 1024 * 1024
_MONTH = re.compile(r"(.*?)data/js/tweets/\d{4}_\d{1,2}\.js")
_TABLE = re.compile(r"(.*?)(?:data/csv/\d{4}_\d{1,2}\.csv|(?:(?<=/)|^)tweets\.csv)")
_COLUMNS = {"tweet_id", "timestamp", "text"}


def is_grailbird(names: list[str]) -> bool:
    """Whether these are the files of such an archive."""
    return any(_MONTH.fullmatch(name) or _TABLE.fullmatch(name) for name in names)


class Grailbird:
    """One such archive. The months of JavaScript say more than the tables; those count where there
    are no others."""

    def __init__(self, files: Files) -> None:
        self._files = files
        names = files.names()
        self._root = root_of(names, INDEX) or root_of(names, USER) or ""
        self._names = frozenset(names)
        months = sorted(name for name in names if _MONTH.fullmatch(name))
        self._tables = [] if months else sorted(name for name in names if _TABLE.fullmatch(name))
        self._months = self._declared_months() or [(name, None) for name in months]
        self.summary = self._summarised()

    def _declared_months(self) -> list[tuple[str, int | None]]:
        return [
            (self._root + str(one.get("file_name") or ""), id_of(one, "tweet_count") or 0)
            for one in dicts(self._small(INDEX))
        ]

    def _small(self, name: str) -> Any:
        """What a small file assigns; None where there is none."""
        if self._root + name not in self._names:
            return None
        raw = read_all(self._files, self._root + name, limit=MAX_SMALL_BYTES)
        try:
            return loads(raw[raw.index(b"=") + 1 :].strip().rstrip(b";"))
        except UnicodeDecodeError:
            raise BadArchive("not_utf8", name) from None
        except (NotALiteral, ValueError):
            raise BadArchive("no_manifest", name) from None

    def _summarised(self) -> Summary:
        user, payload = self._small(USER), self._small(PAYLOAD)
        user = user if isinstance(user, dict) else {}
        payload = payload if isinstance(payload, dict) else {}
        counts = [count for _, count in self._months if count is not None]
        return Summary(
            generation="grailbird" if self._months else "grailbird-csv",
            username=str(user.get("screen_name") or "")[:20],
            user_id=id_of(user, "id"),
            made_at=moment_of(payload.get("created_at")),
            declared=sum(counts) if counts else id_of(payload, "tweets"),
        )

    def posts(self) -> Iterator[Post]:
        """Every post; what is none is counted in the summary. Raises BadArchive."""
        found = self._of_months() if self._months else self._of_tables()
        for one in found:
            self.summary.read += 1
            try:
                yield one() if callable(one) else post_of(one, files_of=lambda _: [])
            except BadPost as error:
                self.summary.exceptions.add(error.code, error.post_id)

    def _of_months(self) -> Iterator[object]:
        for name, declared in self._months:
            if name not in self._names:
                self.summary.exceptions.add("file_missing", name[:100], declared or 0)
                continue
            seen = 0
            with self._files.open(name) as file:
                for found in scanning.elements(file, name):
                    seen += 1
                    yield found
            if declared is not None and declared > seen:
                self.summary.exceptions.add("fewer_than_declared", name, declared - seen)
            if declared is not None and seen > declared:
                self.summary.declared = (self.summary.declared or 0) + seen - declared

    def _of_tables(self) -> Iterator[object]:
        for name in self._tables:
            with self._files.open(name) as file:
                for row in rows(file, name):
                    yield lambda row=row: _post_of_row(row)


def rows(file: IO[bytes], name: str) -> Iterator[dict[str, str]]:
    """The rows of a table by its header.

    Raises:
        BadArchive: no such table, not UTF-8, or a field beyond all measure.
    """
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text, damage_told(name):
            reader = csv.DictReader(text)
            if not set(reader.fieldnames or ()) >= _COLUMNS:
                raise BadArchive("no_table", name)
            yield from reader
    except csv.Error:
        raise BadArchive("element_too_large", name) from None
    except BadArchive as error:
        code = "not_utf8" if isinstance(error.__cause__, UnicodeDecodeError) else error.code
        raise BadArchive(code, error.about) from error


def _post_of_row(row: dict[str, str]) -> Post:
    post_id, at = id_of(row, "tweet_id"), seconds_of(row.get("timestamp"))
    if post_id is None or row.get("text") is None:
        raise BadPost("unreadable", post_id)
    if at is None:
        raise BadPost("no_time", post_id)
    links = (row.get("expanded_urls") or "").split(",")
    post = Post(
        id=post_id,
        at=at,
        text=long_links_in_order(clean(unescaped(row["text"][:MAX_TEXT])), links),
        source=program_of(row.get("source")),
        in_reply_to_id=id_of(row, "in_reply_to_status_id"),
        in_reply_to_user_id=id_of(row, "in_reply_to_user_id"),
        retweet_of_id=id_of(row, "retweeted_status_id"),
    )
    post.is_retweet = post.retweet_of_id is not None
    if not post.is_retweet:
        post.quote_of_id, post.quote_link = quote_in([{"expanded_url": one} for one in links])
    return post
