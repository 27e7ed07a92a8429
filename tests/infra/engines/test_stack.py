"""`manage.py up` before any process is started, the run file, the .env file, the map of lanes."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from apps.infra.conf import Conf, load
from apps.infra.engines import dotenv, embedded, ports, process, rolling, runfile, services, stack
from apps.infra.engines.options import Options
from twitterlite import topology

HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from apps.infra.engines import stack
with stack.only_one(Path(sys.argv[1])) as is_first:
    print(is_first, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def another_up(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of the folder, as a running supervisor does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        yield holder
        holder.kill()


def options(var_dir: Path, port: int) -> Options:
    return Options(var_dir=var_dir, host=ports.LOOPBACK, port=port, demo=False)


def test_a_second_up_says_who_runs_and_harms_nothing(
    tmp_path: Path, another_up: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
):
    run = runfile.RunFile(url="http://localhost:3999")
    run.note("supervisor", another_up.pid)
    runfile.write(tmp_path, run)
    before = (tmp_path / runfile.NAME).read_bytes()

    assert stack.up(options(tmp_path, ports.choose())) == 1

    said = capsys.readouterr().out
    assert f"pid {another_up.pid}" in said
    assert "http://localhost:3999" in said
    assert (tmp_path / runfile.NAME).read_bytes() == before
    assert another_up.poll() is None


def test_down_stops_the_running_one_and_is_content_when_none_runs(
    tmp_path: Path, another_up: subprocess.Popen[bytes]
):
    run = runfile.RunFile()
    run.note("supervisor", another_up.pid)
    runfile.write(tmp_path, run)

    assert stack.down(var_dir=tmp_path) == 0
    assert another_up.wait(10) != 0
    assert stack.down(var_dir=tmp_path) == 0


def test_restart_says_that_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert rolling.restart(var_dir=tmp_path, fresh=False) == 1

    assert "Nothing is running; `make run` starts it." in capsys.readouterr().out


ANSWERS_A_RESTART = """
import pathlib, signal, sys, time
from apps.infra.engines import progress, rolling
journal = rolling.Journal(pathlib.Path(sys.argv[1]), progress.Progress())
def restart(*_):
    with journal.step("relay", "replaced"):
        pass
    if journal.asked()["fresh"]:
        journal.fail("web was not ready")
    else:
        journal.done("1 replaced")
signal.signal(rolling.RESTART_SIGNAL, restart)
print("here", flush=True)
time.sleep(600)
"""


def test_restart_tells_what_the_supervisor_does_until_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS_A_RESTART, str(tmp_path)], stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        supervisor.stdout.readline()
        run = runfile.RunFile()
        run.note("supervisor", supervisor.pid)
        runfile.write(tmp_path, run)

        assert rolling.restart(var_dir=tmp_path, fresh=False) == 0
        said = capsys.readouterr().out
        assert rolling.restart(var_dir=tmp_path, fresh=True) == 1
        supervisor.kill()

    assert "✓ relay        replaced" in said
    assert said.endswith("  1 replaced\n")
    assert "✗ web was not ready" in capsys.readouterr().out


def test_code_that_cannot_be_loaded_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(rolling, "_TRIAL", "raise SyntaxError('an oddity in it')")

    with pytest.raises(rolling.TrialFailed, match="SyntaxError: an oddity in it"):
        rolling.try_code()


def test_changed_code_has_another_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rolling, "BASE_DIR", tmp_path)
    (tmp_path / "apps" / "users").mkdir(parents=True)
    module = tmp_path / "apps" / "users" / "views.py"
    module.write_text("one")
    marks = {rolling.code_mark(), rolling.code_mark()}
    module.write_text("three")
    marks.add(rolling.code_mark())
    (tmp_path / ".env").touch()
    marks.add(rolling.code_mark())

    assert len(marks) == 3


def test_a_taken_port_is_named_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        port = other.getsockname()[1]

        assert stack.up(options(tmp_path, port)) == 1

    assert f"Port {port} is in use" in capsys.readouterr().out
    assert not (tmp_path / "pg").exists()


def test_up_stops_the_processes_that_a_killed_supervisor_left(tmp_path: Path):
    for name in ("log", "log-of-another"):
        (tmp_path / name).mkdir()
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    left = process.spawn(sleep, log=tmp_path / "log" / "web.log")
    stranger = process.spawn(sleep, log=tmp_path / "log-of-another" / "web.log")
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        stack.up(options(tmp_path, other.getsockname()[1]))

    assert left.wait(10) < 0
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_pid_that_now_belongs_to_another_process_does_not_count_as_alive():
    run = runfile.RunFile()
    run.note("me", os.getpid())
    assert run.alive() == {"me": os.getpid()}

    run.pids["me"] = (os.getpid(), "another-boot:1")

    assert run.alive() == {}


def test_the_run_file_is_private_and_comes_back_as_it_was(tmp_path: Path):
    run = runfile.RunFile(
        url="http://localhost:1", urls={"DATABASE_URL": "postgresql://x"}, ports={"postgres": 5}
    )
    run.note("web", os.getpid())

    runfile.write(tmp_path, run)

    assert runfile.read(tmp_path) == run
    assert runfile.read_urls(tmp_path) == {"DATABASE_URL": "postgresql://x"}
    assert stat.S_IMODE((tmp_path / runfile.NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', json.dumps({"urls": []})])
def test_a_damaged_run_file_counts_as_none(tmp_path: Path, text: str):
    (tmp_path / runfile.NAME).write_text(text)

    assert runfile.read_urls(tmp_path) == {}


def test_an_engine_whose_address_is_given_is_not_started(tmp_path: Path):
    engines = services.embedded_engines(
        var_dir=tmp_path, kept_ports={}, environ={"DATABASE_URL": "postgresql://elsewhere"}
    )

    assert list(engines) == ["state", "state2", "cache"]
    assert set(services.addresses(engines)) == {"REDIS_STATE_URL", "REDIS_CACHE_URL"}
    with_state = services.embedded_engines(
        var_dir=tmp_path, kept_ports={}, environ={"REDIS_STATE_URL": "redis://elsewhere"}
    )
    assert list(with_state) == ["postgres", "cache"]
    assert set(services.addresses(with_state)) == {"DATABASE_URL", "REDIS_CACHE_URL"}
    assert (
        services.embedded_engines(
            var_dir=tmp_path, kept_ports={}, environ=dict.fromkeys(services.VARIABLES.values(), "x")
        )
        == {}
    )


def test_a_replica_is_made_when_asked_for_of_a_postgresql_that_is_ours(tmp_path: Path):
    def engines(*, asked: bool, **environ: str) -> dict[str, embedded.Engine]:
        return services.embedded_engines(
            var_dir=tmp_path, kept_ports={}, environ=environ, with_replica=asked
        )

    assert "replica" not in engines(asked=False)
    assert "replica" not in engines(asked=True, DATABASE_URL="postgresql://elsewhere")
    assert "replica" not in engines(asked=True, DATABASE_REPLICA_URL_FILE="/run/secrets/replica")
    made = engines(asked=True)
    assert services.addresses(made)["DATABASE_REPLICA_URL"] == made["replica"].url
    assert services.in_turn(made) == [["postgres", "state", "state2", "cache"], ["replica"]]
    # It can be away for a while.
    assert any("wal_keep_size" in one for one in made["postgres"].argv())
    assert not any("wal_keep_size" in one for one in engines(asked=False)["postgres"].argv())


def test_the_state_valkeys_are_told_in_order_and_the_first_is_that_of_one_alone(tmp_path: Path):
    engines = services.embedded_engines(var_dir=tmp_path, kept_ports={}, environ={})

    first, second = engines["state"], engines["state2"]
    assert services.addresses(engines)["REDIS_STATE_URL"] == f"{first.url},{second.url}"
    assert [first.home.name, second.home.name] == ["valkey-state", "valkey-state2"]
    for engine in (first, second):
        assert isinstance(engine, embedded.Valkey)
        assert not engine.cache


@pytest.mark.parametrize(
    ("last", "is_kept"),
    [
        ("redis://a/0,redis://b/0", True),
        ("redis://a/0", False),
        ("redis://a/0,redis://b/0,redis://c/0", False),
        (None, False),
    ],
)
def test_state_of_another_number_of_valkeys_is_not_kept(
    tmp_path: Path, last: str | None, *, is_kept: bool
):
    engines = services.embedded_engines(var_dir=tmp_path, kept_ports={}, environ={})
    for name in ("state", "state2", "cache"):
        (engines[name].home / "appendonlydir").mkdir(parents=True)
    (tmp_path / "pg").mkdir()
    urls = {"REDIS_STATE_URL": last} if last else {}

    assert services.empty_moved_states(engines, last_urls=urls) is not is_kept
    assert services.empty_moved_states(engines, last_urls=urls) is False

    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    kept = {"valkey-state", "valkey-state2"} if is_kept else set()
    assert left == {"pg", "valkey-cache", *kept}


def test_state_that_is_not_ours_leaves_everything_as_it_is(tmp_path: Path):
    (tmp_path / "valkey-state").mkdir()
    engines = services.embedded_engines(
        var_dir=tmp_path, kept_ports={}, environ={"REDIS_STATE_URL": "redis://elsewhere"}
    )

    assert not services.empty_moved_states(engines, last_urls={"REDIS_STATE_URL": "redis://a/0"})
    assert (tmp_path / "valkey-state").exists()


def test_ports_are_kept_from_start_to_start_unless_somebody_took_them(tmp_path: Path):
    kept = {"postgres": ports.choose()}
    kept["state"] = ports.choose(taken=kept.values())
    with socket.create_server((ports.LOOPBACK, kept["state"])):
        engines = services.embedded_engines(var_dir=tmp_path, kept_ports=kept, environ={})

    assert engines["postgres"].port == kept["postgres"]
    assert engines["state"].port != kept["state"]
    assert len({engine.port for engine in engines.values()}) == 4
    assert len({engine.password for engine in engines.values()}) == 1


def test_the_engine_password_is_private_and_stays(tmp_path: Path):
    first = services._engine_password(tmp_path)

    assert services._engine_password(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "engine_password").stat().st_mode) == 0o600


def test_a_dotenv_file_gives_what_the_environment_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLUSTER_ID", "from-outside")
    for name in ("LOG_LEVEL", "PUBLIC_URL", "METRICS_TOKEN"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(
        "# LOG_JSON=0\nCLUSTER_ID=from-file\nexport LOG_LEVEL = 'DEBUG'\n\nPUBLIC_URL=http://a/?b=c\n"
        'METRICS_TOKEN=""\nnonsense\n'
    )

    dotenv.load(file)
    dotenv.load(tmp_path / "absent")

    conf = load()
    assert (conf.cluster_id, conf.log_level) == ("from-outside", "DEBUG")
    assert (conf.public_url, conf.metrics_token) == ("http://a/?b=c", "")


def test_every_setting_is_in_the_example_file():
    example = (stack.BASE_DIR / ".env.example").read_text()

    for setting in fields(Conf):
        assert f"\n#{setting.name.upper()}=" in example


def test_compose_runs_every_queue():
    compose = (stack.BASE_DIR / "docker" / "compose.yml").read_text()
    listed = {
        queue
        for line in compose.splitlines()
        if " -Q " in line
        for queue in line.partition(" -Q ")[2].split(",")
    }

    assert listed == {f"tl.{queue}" for lane in topology.LANES for queue in lane}


def test_compose_has_the_state_valkeys_that_up_has():
    compose = (stack.BASE_DIR / "docker" / "compose.yml").read_text()
    state = services.VARIABLES["state"]
    names = [name for name, variable in services.VARIABLES.items() if variable == state]

    listed = ",".join(f"redis://{name}:6379/0" for name in names)
    assert f"\n    {state}: {listed}\n" in compose
    for name in names:
        assert f"\n      {name}: {{condition: service_healthy}}\n" in compose
        assert f'volumes: ["{name}:/data"]' in compose


def test_every_lane_has_a_worker_of_its_own(tmp_path: Path):
    made = services.process_services(environ={}, var_dir=tmp_path, is_ready=lambda: True)

    names = [service.name for service in made]
    assert names == ["relay", *(f"worker-{lane[0]}" for lane in topology.LANES), "beat", "web"]
    assert max(made, key=lambda one: one.rank).name == "web"
    assert min(made, key=lambda one: one.rank).name == "relay"
