#!/usr/bin/env python3
"""The one command: `manage.py up` runs everything, `manage.py help` lists the rest."""

import os
import sys
from pathlib import Path

from apps.infra.engines import dotenv
from apps.infra.engines.alone import engines_for, needs_engines


def main() -> None:
    """Run one command.

    `up`, `restart` and `down` only start and stop processes, so they go ahead without loading
    Django: the supervisor stays small and a second start is quick.
    """
    dotenv.load(Path(__file__).with_name(".env"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")
    if sys.argv[1:2] in (["up"], ["restart"], ["down"]) and not {"-h", "--help"} & set(
        sys.argv[2:]
    ):
        from apps.infra.engines.stack import command_line

        sys.exit(command_line(sys.argv[1:]))

    from django.core.management import execute_from_command_line

    if needs_engines(sys.argv[1:]):
        # Started before the settings are loaded, which read their addresses.
        with engines_for(sys.argv[1]):
            execute_from_command_line(sys.argv)
    else:
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
