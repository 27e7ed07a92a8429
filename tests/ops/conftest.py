"""Fixtures of imports: the corpus, files to import, and what has to be exact afterwards."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from django.db import connection

from apps.infra.conf import BASE_DIR
from apps.infra.stores import partitions, postgres

# Each query finds rows whose counter does not say what the tables say.
_WRONG = """
select 'followers', id from users u
 where followers_count <> (select count(*) from follows where followee_id = u.id)
union all
select 'following', id from users u
 where following_count <> (select count(*) from follows where follower_id = u.id)
union all
select 'tweets', id from users u
 where tweet_count <> (select count(*) from tweets where author_id = u.id and deleted_at is null)
union all
select 'replies', t.id from tweets t
  left join (select in_reply_to_id as id, count(*) as n from tweets where deleted_at is null
              group by 1) r using (id)
 where reply_count <> coalesce(n, 0)
union all
select 'retweets', t.id from tweets t
  left join (select retweet_of_id as id, count(*) as n from tweets where deleted_at is null
              group by 1) r using (id)
 where retweet_count <> coalesce(n, 0)
union all
select 'quotes', t.id from tweets t
  left join (select quote_of_id as id, count(*) as n from tweets where deleted_at is null
              group by 1) r using (id)
 where quote_count <> coalesce(n, 0)
union all
select 'likes', t.id from tweets t
  left join (select tweet_id as id, count(*) as n from likes group by 1) r using (id)
 where like_count <> coalesce(n, 0)
union all
select 'conversation', t.id from tweets t join tweets p on p.id = t.in_reply_to_id
 where t.conversation_id <> p.conversation_id or t.in_reply_to_user_id <> p.author_id
union all
select 'default partition', id from tweets_default
"""


@pytest.fixture
def wrong_rows(world: None) -> Callable[[], list[tuple[str, int]]]:
    """Rows whose counters or threads disagree with the tables: `assert wrong_rows() == []`."""

    def find() -> list[tuple[str, int]]:
        with connection.cursor() as cursor:
            cursor.execute(_WRONG)
            return list(cursor.fetchall())

    return find


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real inputs; the test is skipped where it is absent."""
    given = os.environ.get("TWITTERLITE_CORPUS")
    folder = Path(given) if given else BASE_DIR.parent / "shared" / "data"
    if not (folder / "graph").is_dir():
        pytest.skip("no corpus: neither TWITTERLITE_CORPUS nor ../shared/data")
    return folder


@pytest.fixture
def many_months(world: None) -> Iterator[None]:
    """Takes the months away again that a test has made: every later test would wait for them."""
    with postgres.connect() as raw:
        before = set(partitions.existing_months(raw))
        yield
        for month in set(partitions.existing_months(raw)) - before:
            raw.execute(f"drop table {partitions.name_of(month)}")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a file to import: `written("a.csv.gz", "1,2")`; the suffix says how it is packed."""

    def write(name: str, content: str | bytes) -> Path:
        raw = content.encode() if isinstance(content, str) else content
        if name.endswith(".gz"):
            raw = gzip.compress(raw)
        elif name.endswith(".zst"):
            raw = zstandard.compress(raw)
        path = tmp_path / name
        path.write_bytes(raw)
        return path

    return write
