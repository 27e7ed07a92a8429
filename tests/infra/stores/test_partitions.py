"""Months of tweets: made beside live traffic, repaired online, walked back without a gap."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.infra import clock, ids
from apps.infra.stores import partitions, postgres
from apps.infra.telemetry import metrics

# A month that no other test needs.
MONTH = (2031, 5)
LOW, HIGH = partitions.bounds(MONTH)
_INSERT = (
    "insert into tweets (id, author_id, text, created_at, conversation_id)"
    " values (%s, %s, 'hello', now(), %s)"
)


@pytest.fixture
def raw(world: None) -> Iterator[psycopg.Connection[Any]]:
    """A raw connection; the months that a test makes are taken away again."""
    with postgres.connect() as connection:
        before = set(partitions.existing_months(connection))
        yield connection
        connection.execute("delete from tweets")
        for month in set(partitions.existing_months(connection)) - before:
            connection.execute(f"drop table {partitions.name_of(month)}")


def insert(connection: psycopg.Connection[Any], tweet_id: int, author_id: int = 7) -> None:
    connection.execute(_INSERT, (tweet_id, author_id, tweet_id))


def home_of(connection: psycopg.Connection[Any], tweet_id: int) -> str:
    """The table that holds a tweet."""
    row = connection.execute(
        "select tableoid::regclass::text from tweets where id = %s", (tweet_id,)
    ).fetchone()
    assert row is not None
    return str(row[0])


@given(st.integers(0, partitions.MAX_ID >> 1))
def test_an_id_lies_within_the_bounds_of_its_month(snowflake: int) -> None:
    low, high = partitions.bounds(partitions.month_of_id(snowflake))

    assert low <= snowflake < high


@given(st.integers(2010, 2070), st.integers(1, 12))
def test_months_follow_each_other_without_a_gap(year: int, number: int) -> None:
    month = (year, number)

    assert partitions.bounds(month)[1] == partitions.bounds(partitions.next_month(month))[0]


def test_ids_from_before_snowflake_are_in_the_first_month() -> None:
    assert partitions.month_of_id(20) == (2010, 11)
    assert partitions.bounds((2010, 11))[0] == 0


@given(
    st.integers(0, partitions.MAX_ID),
    st.lists(st.tuples(st.integers(2010, 2040), st.integers(1, 12)), unique=True).map(sorted),
)
def test_windows_reach_from_the_cursor_to_the_first_tweet_without_a_gap(
    before_id: int, known: list[tuple[int, int]]
) -> None:
    known = [month for month in known if month >= (2010, 11)]

    windows = list(partitions.windows_back(before_id, known))

    cursor = before_id
    for low, high in windows:
        assert high == cursor
        assert low < high
        cursor = low
    assert cursor == 0


def test_the_first_window_holds_the_running_month() -> None:
    now = partitions.month_of_id(ids.at_ms(clock.now_ms()))
    after = partitions.next_month(now)
    known = [(2019, 1), (2020, 2), now, after, partitions.next_month(after)]

    windows = list(partitions.windows_back(partitions.MAX_ID, known))

    assert windows[0] == (partitions.bounds(now)[0], partitions.MAX_ID)
    assert [low for low, _ in windows[1:]] == [partitions.bounds((2019, 1))[0], 0]


def test_a_month_is_made_once_with_its_indexes(raw: psycopg.Connection[Any]) -> None:
    made = partitions.ensure_months([MONTH, MONTH])
    again = partitions.ensure_months([MONTH])

    assert (made, again) == ([MONTH], [])
    insert(raw, LOW)
    insert(raw, HIGH - 1, author_id=8)
    assert home_of(raw, LOW).startswith("tweets_2031_05_h")
    assert home_of(raw, HIGH - 1).startswith("tweets_2031_05_h")
    indexes = raw.execute(
        "select count(*) from pg_index where indrelid = 'tweets_2031_05'::regclass and indisvalid"
    ).fetchone()
    # The key and the three of the model, each one that of the parent.
    assert indexes == (4,)


def test_processes_that_make_the_same_months_do_not_collide(raw: psycopg.Connection[Any]) -> None:
    months = partitions.months_between((2031, 1), (2031, 4))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            partitions.ensure_months(months)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert set(months) <= set(partitions.existing_months(raw))


def test_the_months_ahead_exist_after_ensure_ahead(
    raw: psycopg.Connection[Any], settings: Any
) -> None:
    settings.PARTITION_MONTHS_AHEAD = 2

    with clock.frozen(datetime(2031, 11, 30, 23, 59, tzinfo=UTC)):
        partitions.ensure_ahead()

    months = partitions.existing_months(raw)
    assert {(2031, 11), (2031, 12), (2032, 1)} <= set(months)
    assert (2032, 2) not in months


def test_a_post_of_a_missing_month_is_kept_counted_and_moved(raw: psycopg.Connection[Any]) -> None:
    june = partitions.bounds((2031, 6))[0]
    for number, tweet_id in enumerate((LOW, LOW + 1, HIGH - 1, june)):
        insert(raw, tweet_id, author_id=number)
    assert home_of(raw, LOW) == "tweets_default"
    assert partitions.default_rows() == 4
    assert metrics.DEFAULT_PARTITION_ROWS._value.get() == 4

    moved = partitions.repair_default()

    assert moved == 4
    assert home_of(raw, HIGH - 1).startswith("tweets_2031_05_h")
    assert home_of(raw, june).startswith("tweets_2031_06_h")
    assert metrics.DEFAULT_PARTITION_ROWS._value.get() == 0


def test_posts_go_on_while_the_net_is_emptied(raw: psycopg.Connection[Any]) -> None:
    stop = threading.Event()
    posted: list[int] = []
    errors: list[BaseException] = []

    def post(first: int) -> None:
        with postgres.connect() as connection:
            for tweet_id in range(first, first + 100_000, 4):
                if stop.is_set():
                    return
                try:
                    insert(connection, tweet_id)
                    posted.append(tweet_id)
                except psycopg.Error as error:
                    errors.append(error)

    threads = [threading.Thread(target=post, args=(LOW + number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(posted) < 50:
        time.sleep(0.01)
    for _ in range(3):
        partitions.repair_default()
    after_repair = len(posted)
    while len(posted) < after_repair + 50 and not errors:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()

    assert errors == []
    stored = raw.execute("select id from tweets order by id").fetchall()
    assert [row[0] for row in stored] == sorted(posted)
    assert partitions.default_rows() == 0


def test_a_long_read_delays_a_new_month_and_is_not_delayed_itself(
    raw: psycopg.Connection[Any],
) -> None:
    done = threading.Event()

    def make() -> None:
        partitions.ensure_months([MONTH])
        done.set()

    maker = threading.Thread(target=make, daemon=True)

    with raw.transaction():
        raw.execute("select count(*) from tweets")
        maker.start()
        with postgres.connect(options="-c statement_timeout=4000") as other:
            for _ in range(20):
                # Behind the waiting ATTACH for a moment at most; it gives way.
                other.execute("select count(*) from tweets")
                insert(other, ids.at_ms(clock.now_ms()) + other.info.backend_pid, author_id=_)
                time.sleep(0.03)
        assert not done.is_set()
    maker.join(30)

    assert done.is_set()
    assert MONTH in partitions.existing_months(raw)


def test_sizes_name_every_partition_with_exact_rows(raw: psycopg.Connection[Any]) -> None:
    partitions.ensure_months([MONTH])
    insert(raw, LOW)
    insert(raw, LOW + 1, author_id=99)
    insert(raw, partitions.bounds((2031, 7))[0])

    sizes = {one.name: one for one in partitions.sizes()}

    assert sizes["tweets_2031_05"].rows == 2
    assert sizes["tweets_2031_05"].size_bytes > 0
    assert sizes["tweets_default"].rows == 1
    assert list(sizes)[-1] == "tweets_default"
