"""What the command line and the environment ask `manage.py up` and `restart` for."""

import argparse
import dataclasses
import os
from pathlib import Path

from apps.infra.engines import ports

BASE_DIR = Path(__file__).resolve().parents[3]
DEFAULT_PORT = 3000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line and the environment ask for."""

    var_dir: Path
    host: str
    port: int
    demo: bool
    replica: bool = False

    @property
    def url(self) -> str:
        """Where people find the site."""
        name = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::", "") else self.host  # noqa: S104
        return f"http://{name}:{self.port}"


def add_up_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `up`."""
    parser.add_argument("--port", type=int, help="port of the web pages (PORT, else 3000)")
    parser.add_argument("--no-demo", action="store_true", help="do not make the demo world")
    parser.add_argument(
        "--replica", action="store_true", help="run a replica of the embedded PostgreSQL, too"
    )


def add_restart_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `restart`."""
    parser.add_argument(
        "--fresh", action="store_true", help="load the code anew, though it looks the same"
    )


def options_from(*, port: int | None, demo: bool, replica: bool = False) -> Options:
    """Complete the command line from the environment."""
    return Options(
        var_dir=var_dir(),
        host=os.environ.get("HOST") or ports.LOOPBACK,
        port=port or int(os.environ.get("PORT") or DEFAULT_PORT),
        demo=demo,
        replica=replica,
    )


def switches(options: Options) -> list[str]:
    """Return the options that are no address, as they stand on a command line."""
    asked = {"--no-demo": not options.demo, "--replica": options.replica}
    return [switch for switch, is_on in asked.items() if is_on]


def var_dir() -> Path:
    """Return the folder for everything that is made at run time (VAR_DIR)."""
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
