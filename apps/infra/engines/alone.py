"""Our own engines for one command, while the service is stopped.

`manage.py backup` reads the engines of the running service, and starts PostgreSQL for itself where
nothing runs. `manage.py restore` wants nothing to run, and works on a machine where nothing ever
did.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from apps.infra.engines import embedded, options, runfile, services, setup, stack
from apps.infra.engines.binaries import EngineMissing
from apps.infra.engines.progress import Progress

COMMANDS = ("backup", "restore")
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
        if not is_free and command == "restore":
            _give_up("The service runs here. Stop it first: `manage.py down`.")
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


def _wanted(command: str) -> dict[str, embedded.Engine]:
    """The engines of ours that a command needs."""
    var_dir = options.var_dir()
    (var_dir / "log").mkdir(exist_ok=True)
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
