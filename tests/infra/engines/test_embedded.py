"""The engines themselves: they keep what they acknowledged, and leave nothing behind."""

import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.infra.engines import embedded, ports, process
from tests.engines_plugin import Engines

ONCE = Retry(NoBackoff(), 0)

pytestmark = pytest.mark.faults


def a_valkey(home: Path, *, cache: bool = False) -> embedded.Valkey:
    return embedded.Valkey(
        home=home, port=ports.choose(), password="secret", log=home.with_suffix(".log"), cache=cache
    )


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory):
    """A cluster that only these tests break."""
    home = tmp_path_factory.mktemp("engines")
    engine = embedded.Postgres(
        home=home / "pg",
        port=ports.choose(),
        password="secret",
        log=home / "log",
        throw_away=True,
    )
    engine.start()
    yield engine
    engine.kill()
    engine.clear_leftovers()


def test_postgres_keeps_committed_rows_over_a_kill(postgres: embedded.Postgres):
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")

    postgres.kill()
    assert not postgres.is_ready()
    postgres.restart()

    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_postgres_starts_although_a_backend_of_the_killed_server_still_works(
    postgres: embedded.Postgres,
):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        backend = connection.info.backend_pid
        # Frozen, it does not notice that its server is gone, and keeps the shared memory.
        process.kill_all([backend], signal.SIGSTOP)
        postgres.kill()
        assert process.birth_mark(backend)

        postgres.start()

    assert process.birth_mark(backend) is None


def test_state_valkey_keeps_acknowledged_writes_over_a_kill(tmp_path: Path):
    valkey = a_valkey(tmp_path / "valkey")
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "yes")

    valkey.kill()
    valkey.restart()

    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("kept") == b"yes"
    valkey.stop()


def test_an_emptied_valkey_begins_with_nothing_although_one_still_ran(tmp_path: Path):
    valkey = a_valkey(tmp_path / "valkey")
    assert not valkey.empty()
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "yes")
    left = valkey.child

    assert valkey.empty()
    assert left is not None
    assert left.wait(10) < 0
    assert not valkey.home.exists()
    valkey.start()

    with redis.Redis.from_url(valkey.url) as client:
        assert client.dbsize() == 0
    valkey.stop()


def test_the_state_never_evicts_and_the_cache_may(engines: Engines):
    def policy(valkey: embedded.Valkey) -> dict[str, str]:
        with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
            return dict(client.config_get("maxmemory*", "appendonly"))

    assert policy(engines.states[0])["maxmemory-policy"] == "noeviction"
    assert policy(engines.states[0])["appendonly"] == "yes"
    assert policy(engines.cache)["maxmemory-policy"] == "allkeys-lru"
    assert policy(engines.cache)["maxmemory"] == str(256 * 1024 * 1024)


def test_a_paused_engine_answers_nothing_until_it_is_resumed(
    postgres: embedded.Postgres, tmp_path: Path
):
    valkey = a_valkey(tmp_path / "valkey")
    valkey.start()
    for engine in (valkey, postgres):
        engine.pause()
        assert not engine.is_ready()
        engine.resume()
        assert engine.is_ready()
    valkey.stop()


def test_no_engine_lets_anybody_in_without_the_password(engines: Engines):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(engines.postgres.url.replace(engines.postgres.password, "wrong"))
    with (
        redis.Redis(port=engines.cache.port, host=ports.LOOPBACK, retry=ONCE) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_the_password_is_neither_in_a_command_line_nor_readable_by_others(engines: Engines):
    for engine in engines.all:
        for pid in engine.pids():
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert engine.password.encode() not in command
        assert stat.S_IMODE(engine.home.stat().st_mode) == 0o700


def test_a_killed_initdb_leaves_nothing_that_a_second_start_would_take_for_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    postgres = embedded.Postgres(
        home=tmp_path / "pg", port=1, password="secret", log=tmp_path / "log", throw_away=True
    )
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "_run", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            postgres.initialise()

    assert not postgres.home.exists()
    postgres.initialise()
    assert (postgres.home / "PG_VERSION").exists()


def test_a_cluster_of_another_version_is_refused_with_advice(tmp_path: Path):
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("9\n")
    postgres = embedded.Postgres(
        home=tmp_path / "pg", port=1, password="secret", log=tmp_path / "log"
    )

    with pytest.raises(embedded.EngineFailed, match="made by PostgreSQL 9"):
        postgres.start()


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path, engines: Engines):
    valkey = a_valkey(tmp_path / "valkey")
    valkey.port = engines.cache.port

    with pytest.raises(embedded.EngineFailed, match="already in use"):
        valkey.start()


def test_a_new_start_replaces_a_server_whose_supervisor_is_gone(tmp_path: Path):
    first = a_valkey(tmp_path / "valkey")
    first.start()
    second = a_valkey(first.home)

    second.start()

    assert first.child is not None
    assert first.child.wait(10) < 0
    assert second.pids() == [second.child.pid if second.child else None]
    second.stop()
    assert second.pids() == []


@pytest.mark.skipif(not process.dies_with_parent(signal.SIGTERM), reason="no setpriv")
def test_engines_die_with_a_killed_parent(tmp_path: Path):
    program = textwrap.dedent(
        """
        import pathlib, sys, time
        from apps.infra.engines import embedded, ports
        home = pathlib.Path(sys.argv[1])
        common = {"password": "secret", "throw_away": True}
        for engine in (
            embedded.Postgres(home=home / "pg", port=ports.choose(), log=home / "a", **common),
            embedded.Valkey(home=home / "valkey", port=ports.choose(), log=home / "b", **common),
        ):
            engine.start()
        print("up", flush=True)
        time.sleep(600)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        servers = [
            *process.working_in(tmp_path / "pg", ["postgres"]),
            *process.working_in(tmp_path / "valkey", ["valkey-server", "redis-server"]),
        ]
        assert len(servers) > 2
        parent.kill()

    assert process.wait_gone(servers, timeout_seconds=20)
