"""Settings from a file `.env` in the checkout; the real environment wins."""

import os
from pathlib import Path

# What the environment was before the file was read.
given: dict[str, str] = {}


def load(path: Path) -> None:
    """Put each `NAME=value` line into the environment, unless the name is set already.

    A value may stand in single or double quotes; `#` begins a comment at the start of a line.
    """
    given.clear()
    given.update(os.environ)
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            value = value.strip()
            if value[:1] in ("'", '"') and value[-1:] == value[:1]:
                value = value[1:-1]
            os.environ.setdefault(name.strip(), value)
