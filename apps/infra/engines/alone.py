"""Our own engines for one command, while the service is stopped.

`manage.py backup` reads the engines of the running service, and starts PostgreSQL for itself where
nothing runs. `manage.py restore` wants nothing to run, and works on a machine where nothing ever
did. `manage.py promote` has the replica of `manage.py up --replica` take the primary's place.
"""

import contextlib
import datetime
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from apps.infra.engines import embedded, options, runfile, services, setup, stack, standby
from apps.infra.engines.binaries import EngineMissing
from apps.infra.engines.progress import Progress

COMMANDS = ("backup", "restore", "promote")
_DEMO = "Restored from a backup: accounts and passwords are those of then.\n"


def needs_engines(argv: Sequence[str]) -> bool:
    """Whether a command line is one of those that this is for."""
    is_reading = {"verify", "-h", "--help"} & set(argv)
    return bool(argv) and argv[0] in COMMANDS and not is_reading


@contextlib.contextmanager
def engines_for(command: str) -> Iterator[None]:
    """Have the engines run that a command needs, and let it have their addresses.

    Those that the environment names are left alone. Exits with 1, and a sentence, where it cannot
    be done.
    """
    var_dir = options.var_dir()
    var_dir.mkdir(parents=True, exist_ok=True)
    with stack.only_one(var_dir) as is_free:
        if not is_free and command != "backup":
            _give_up("The service runs here. Stop it first: `manage.py down`.")
        engines: dict[str, embedded.Engine] = {}
        with contextlib.ExitStack() as running:
            if is_free:
                engines = _wanted(command)
                try:
                    for engine in engines.values():
                        running.callback(engine.stop)
                        engine.start()
                except (embedded.EngineFailed, EngineMissing) as error:
                    _give_up(str(error))
                os.environ.update(services.addresses(engines))
                if command == "restore" and "postgres" in engines:
                    running.enter_context(setup.demo_is_not_made(engines["postgres"].home, _DEMO))
            yield
        # After its stop, and only if all went well.
        if command == "promote" and engines:
            _take_over(engines[services.REPLICA].home)


def _take_over(promoted: Path) -> None:
    """Have the promoted replica be the PostgreSQL of the next start; the old one is kept."""
    home = promoted.with_name("pg")
    kept = home.with_name(f"pg.before-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}")
    if home.exists():
        setup.carry_notes(home, promoted)
        home.rename(kept)
    promoted.rename(home)
    Progress().say(f"  Its files are in {home} now, those of the old one in {kept}.")


def _replica() -> dict[str, embedded.Engine]:
    """The replica that is to be promoted; none where the environment says what there is."""
    var_dir = options.var_dir()
    engines = services.embedded_engines(
        var_dir=var_dir,
        kept_ports=runfile.read(var_dir).ports,
        environ=os.environ,
        with_replica=True,
    )
    found = engines.get(services.REPLICA)
    if found is None:
        return {}
    if not found.home.exists():
        _give_up(f"There is no replica in {var_dir}: `manage.py up --replica` makes one.")
    if not (found.home / standby.SIGNAL).exists():
        # Promoted by a command that did not come to its end.
        found = embedded.Postgres(
            home=found.home, port=found.port, password=found.password, log=found.log
        )
    return {services.REPLICA: found}


def _wanted(command: str) -> dict[str, embedded.Engine]:
    """The engines of ours that a command needs."""
    var_dir = options.var_dir()
    (var_dir / "log").mkdir(exist_ok=True)
    if command == "promote":
        return _replica()
    engines = services.embedded_engines(
        var_dir=var_dir, kept_ports=runfile.read(var_dir).ports, environ=os.environ
    )
    if command == "restore":
        return engines
    engines = {name: engine for name, engine in engines.items() if name == "postgres"}
    if any(not engine.home.exists() for engine in engines.values()):
        _give_up(f"There is no database in {var_dir}: nothing was started here yet.")
    return engines


def _give_up(why: str) -> None:
    Progress().fail(why)
    sys.exit(1)
