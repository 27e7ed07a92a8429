"""What people get while an engine is away: `docs/operations.md` says it, row by row."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.engines import standby
from apps.infra.resilience.breaker import POSTGRES, breaker_of
from apps.infra.stores import aioreplica, postgres, redis
from apps.infra.telemetry import metrics
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from tests.faults.disks import allow
from tests.flows.test_breakers import let_settle
from tests.media.conftest import files, path_of, picture  # noqa: F401 - a fixture
from tests.media.test_api import once, told
from tests.replicas import wait_for_standby
from tests.spine import drain_committed

TABLE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
_ROW = re.compile(r"^\| (?P<cells>.+) \|$", re.M)


def table():
    """The rows of the table by what is away: column → what is said."""
    rows = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(TABLE)]
    heads = next(row for row in rows if row[0] == "away")
    first = rows.index(heads) + 1
    return {
        line[0]: dict(zip(heads[1:], line[1:], strict=True))
        for line in rows[first : first + len(AWAY) + len(REPLICA_AWAY) + len(STANDBY_AWAY)]
    }


def _kill_postgres(engines, settings):
    engines.postgres.kill()


def _freeze_postgres(engines, settings):
    settings.DB_STATEMENT_TIMEOUT_MS = 200
    engines.postgres.pause()


def _each(verb, *names):
    def strike(engines, settings):
        for engine in engines.states if names == ("states",) else [engines.cache]:
            getattr(engine, verb)()

    return strike


def _leave_behind(replica, house, monkeypatch):
    monkeypatch.setattr(aioreplica, "MAX_LAG_SECONDS", 0.0)
    monkeypatch.setattr(aioreplica, "_LOOK_SECONDS", 0.0)
    replica.stop_replaying()
    house.ask("liking")


# Of a service that has a replica; all others have none.
REPLICA_AWAY = {
    "the replica, killed": lambda replica, *_: replica.engine.kill(),
    "the replica, frozen": lambda replica, *_: replica.engine.pause(),
    "the replica, behind": _leave_behind,
}
# Of one that commits wait for (`synchronous_standby_names`).
STANDBY_AWAY = {
    "a synchronous replica, killed": "kill",
    "a synchronous replica, frozen": "pause",
}
# What PostgreSQL says to a row for which it finds no page.
_NO_PAGES = """
create function no_room() returns trigger language plpgsql as $$ begin
  raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end $$;
do $$ declare one regclass; begin
  for one in select oid from pg_class where relnamespace = 'public'::regnamespace
    and relkind in ('r', 'p') and not relispartition
  loop
    execute format('create trigger no_room before insert or update on %s execute function'
                   ' no_room()', one);
  end loop;
end $$;
"""


def _fill_postgres(engines, settings):
    with postgres.connect() as connection:
        connection.execute(_NO_PAGES)


def _fill_states(engines, settings):
    for engine in engines.states:
        allow(engine.pids(), 0)


_held: list[Any] = []


def _lock_search(engines, settings):
    _held.append(connection := postgres.connect(autocommit=False))
    connection.execute("lock table search_documents in access exclusive mode")


def _lose_pictures(engines, settings):
    # As where a network file system is not there.
    settings.MEDIA_DIR = Path("/dev/null/media")


@pytest.fixture
def room(world, engines):
    """There is room again afterwards, and nothing is locked."""
    yield
    while _held:
        _held.pop().close()
    with postgres.connect() as connection:
        connection.execute("drop function if exists no_room() cascade")
    for number, engine in enumerate(engines.states):
        allow(engine.pids())
        client = redis.state(number)
        client.config_set("appendonly", "yes")
        client.config_set("appendfsync", redis.SYNCED)


AWAY = {
    "PostgreSQL, killed": _kill_postgres,
    "PostgreSQL, frozen": _freeze_postgres,
    "PostgreSQL, disk full": _fill_postgres,
    "all state Redis, killed": _each("kill", "states"),
    "all state Redis, frozen": _each("pause", "states"),
    "all state Redis, disk full": _fill_states,
    "the cache Redis, killed": _each("kill", "cache"),
    "the cache Redis, frozen": _each("pause", "cache"),
    "search, locked": _lock_search,
    "the pictures' folder, gone": _lose_pictures,
}


class House:
    """Bob reads and writes; he has been here a moment ago."""

    def __init__(self, alice, bob, api, browser, browser_of_nobody):
        self.alice, self.bob = alice, bob
        self.api, self.browser, self.visitor = api, browser, browser_of_nobody
        self.tweet_id = post_tweet(author_id=alice.id, text="Good morning.", now=clock.now()).id
        shown = told(api, once(api, picture()).json()["data"]["id"])
        self.picture = path_of(shown["url"])
        drain_committed()
        rebuild_home(user_id=bob.id)
        let_settle()
        for _ in range(2):
            for column in READS:
                self.ask(column)

    def ask(self, column):
        """Yes; marked, as not all there is; or no: 503, and when to try again."""
        answer = getattr(self, f"_{COLUMNS[column]}")()
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            return "no"
        if column == "posting, site" and answer.status_code == 422:
            # The form again, in its place on the page.
            assert "Try again in a moment" in answer.text
            assert "Here too." in answer.text
            return "no"
        assert answer.status_code < 400, answer.content
        return "marked" if "tl-degraded" in answer.headers else "yes"

    def _home(self):
        return self.api.get(f"/2/users/{self.bob.id}/timelines/reverse_chronological")

    def _home_page(self):
        return self.browser.get("/home")

    def _lookup(self):
        return self.api.get(f"/2/tweets/{self.tweet_id}")

    def _tweet_page(self):
        return self.browser.get(f"/alice/status/{self.tweet_id}")

    def _public(self):
        return self.visitor.get("/public")

    def _search(self):
        return self.api.get("/2/tweets/search/recent?query=morning")

    def _picture(self):
        return self.visitor.get(self.picture)

    def _post(self):
        return self.api.post("/2/tweets", {"text": "Here I am."})

    def _like(self):
        return self.api.post(f"/2/users/{self.bob.id}/likes", {"tweet_id": str(self.tweet_id)})

    def _form(self):
        # Sent by a script, the form comes back with the text and the reason, as 422.
        return self.browser.post("/compose", {"text": "Here too.", "key": "1"})

    def _log_in(self):
        return self.visitor.log_in(self.bob.username)


COLUMNS = {
    "home, API": "home",
    "home page": "home_page",
    "a post, API": "lookup",
    "a post's page": "tweet_page",
    "public page": "public",
    "search": "search",
    "a picture": "picture",
    "posting, API": "post",
    "posting, site": "form",
    "liking": "like",
    "log-in": "log_in",
}
READS = list(COLUMNS)[:7]


@pytest.fixture
def house(alice, bob, api_as, browser_as, browser, files, monkeypatch):  # noqa: F811
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    return House(alice, bob, api_as(bob), browser_as(bob), browser)


@pytest.mark.parametrize("away", AWAY)
def test_what_people_get(away, room, breakable_engines, settings, house):
    AWAY[away](breakable_engines, settings)
    # Others have found out before: a request that finds out waits for its time-out.
    breaker_of(POSTGRES)._in_a_row = 3

    # Writes first: what they find out, reads know.
    found = {column: house.ask(column) for column in COLUMNS}

    assert found == table()[away]


@pytest.mark.parametrize("away", REPLICA_AWAY)
def test_what_people_get_without_the_replica(away, replica, house, monkeypatch):
    by_replica, by_primary = served("replica"), served("primary")
    house.ask("search")
    assert (served("replica"), served("primary")) == (by_replica + 1, by_primary)
    REPLICA_AWAY[away](replica, house, monkeypatch)

    found = {column: house.ask(column) for column in COLUMNS}

    assert found == table()[away]
    assert (served("replica"), served("primary")) == (by_replica + 1, by_primary + 1)


@pytest.mark.parametrize("away", STANDBY_AWAY)
def test_what_people_get_while_nothing_can_be_confirmed(away, replica, house, settings):
    with wait_for_standby(standby.NAME):
        assert house.ask("posting, API") == "yes"
        settings.DB_STATEMENT_TIMEOUT_MS = 200
        getattr(replica.engine, STANDBY_AWAY[away])()

        found = {column: house.ask(column) for column in COLUMNS}

    assert found == table()[away]
    # The operator has said that nothing is to be waited for.
    breaker_of(POSTGRES).reset()
    assert house.ask("posting, API") == house.ask("log-in") == "yes"


def served(server):
    """How many searches it has answered that the other could have."""
    return sum(
        metrics.STALE_READS.labels(server, why)._value.get() for why in get_args(aioreplica.Why)
    )


def test_the_table_has_these_rows_and_no_others():
    assert [*table()] == [*AWAY, *REPLICA_AWAY, *STANDBY_AWAY]
