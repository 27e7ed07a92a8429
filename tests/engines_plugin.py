"""Throw-away engines for the whole test run: one PostgreSQL, two state Valkeys and a cache Valkey.

Loaded with `-p tests.engines_plugin`, before pytest-django loads the settings, because these need
the addresses. Every xdist worker has engines of its own. They die with the test process, even when
it is killed, and their directory lies in the system's temporary folder.
"""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.infra.engines import embedded, ports, process
from apps.infra.resilience import breaker

PREFIX = "twitterlite-tests-"
# What an operator may leave out is tested all the same.
os.environ.setdefault("TRENDS", "1")
STATES = 2
MAX_CONNECTIONS = 60
# For the process that only hands out tests to xdist workers: it loads settings, connects nowhere.
NOWHERE = "127.0.0.1:9"


@dataclasses.dataclass(frozen=True)
class Engines:
    """Handles on the engines of this test process.

    Each has `kill()`, `restart()`, `pause()`, `resume()`, `is_ready()`, `url` and `port`. A test
    that stops one starts it again before it ends.
    """

    home: Path
    postgres: embedded.Postgres
    states: tuple[embedded.Valkey, ...]
    cache: embedded.Valkey

    @property
    def all(self) -> tuple[embedded.Engine, ...]:
        """Every engine, PostgreSQL first."""
        return (self.postgres, *self.states, self.cache)

    def environment(self) -> dict[str, str]:
        """Return the variables from which the settings learn the addresses."""
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_STATE_URL": ",".join(engine.url for engine in self.states),
            "REDIS_CACHE_URL": self.cache.url,
            "VAR_DIR": str(self.home / "var"),
            # A test asks in a second what people ask in a day; those of limits set it themselves.
            "RATE_LIMIT_FACTOR": "1000",
        }

    def heal(self) -> None:
        """Resume what is paused and start what is down."""
        for engine in self.all:
            engine.resume()
            if engine.child is None or engine.child.poll() is not None:
                engine.start()

    def close(self) -> None:
        """Kill the engines (nothing in them is worth an orderly stop) and remove their files."""
        for engine in self.all:
            engine.kill()
            engine.clear_leftovers()
        shutil.rmtree(self.home, ignore_errors=True)


_ENGINES = pytest.StashKey[Engines]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the engines ahead of pytest-django, which loads the settings in this same hook."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "twitterlite.settings.test"
    if _only_hands_out(early_config):
        os.environ["DATABASE_URL"] = f"postgresql://nobody@{NOWHERE}/nothing"
        os.environ["REDIS_STATE_URL"] = os.environ["REDIS_CACHE_URL"] = f"redis://{NOWHERE}/0"
    else:
        engines = _start()
        early_config.stash[_ENGINES] = engines
        early_config.add_cleanup(engines.close)
        os.environ.update(engines.environment())
    yield


@pytest.fixture(scope="session")
def engines(pytestconfig: pytest.Config) -> Engines:
    """The engines of this test process."""
    return pytestconfig.stash[_ENGINES]


@pytest.fixture
def breakable_engines(engines: Engines) -> Iterator[Engines]:
    """The engines, for a test that kills or pauses one: all of them work again afterwards.

    What comes back is asked at once: tests of circuit breakers make their own.
    """
    with pytest.MonkeyPatch.context() as patch:
        for engine in engines.all:
            for name in ("restart", "resume"):
                patch.setattr(engine, name, _forgiven(getattr(engine, name)))
        yield engines
        engines.heal()


def _forgiven(work: Callable[[], None]) -> Callable[[], None]:
    def worked() -> None:
        work()
        for one in breaker.all_breakers():
            one.reset()

    return worked


def _only_hands_out(config: pytest.Config) -> bool:
    """Tell whether this process is xdist's controller, which runs no test itself."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return False
    known = config.known_args_namespace
    return bool(getattr(known, "numprocesses", None) or getattr(known, "tx", None))


def _start() -> Engines:
    """Make and start the engines in a new directory."""
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    if account := process.engine_account():
        os.chown(home, *account)
    (home / "var").mkdir()
    password = embedded.new_password()
    chosen: list[int] = []
    for _ in range(STATES + 2):
        chosen.append(ports.choose(taken=chosen))
    postgres = embedded.Postgres(
        home=home / "pg",
        port=chosen[0],
        password=password,
        log=home / "postgres.log",
        throw_away=True,
        max_connections=MAX_CONNECTIONS,
    )
    names = [*(f"state{number}" for number in range(STATES)), "cache"]
    valkeys = [
        embedded.Valkey(
            home=home / name,
            port=port,
            password=password,
            log=home / f"{name}.log",
            throw_away=True,
            cache=name == "cache",
        )
        for name, port in zip(names, chosen[1:], strict=True)
    ]
    engines = Engines(home=home, postgres=postgres, states=tuple(valkeys[:-1]), cache=valkeys[-1])
    try:
        engines.heal()
    except BaseException:
        engines.close()
        raise
    return engines


def _sweep() -> None:
    """Remove directories of earlier test runs that were killed before they could tidy up."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and process.birth_mark(int(pid)) is None:
            shutil.rmtree(left, ignore_errors=True)
