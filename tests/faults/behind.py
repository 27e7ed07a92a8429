"""`manage.py up` whose processes reach their engines through proxies, and have clocks to be set.

    PROXIED="5432:6001 6379:6002" python -m tests.faults.behind up --port 3000

The supervisor itself watches the engines directly.
"""

import os
import sys
from typing import Any

from apps.infra.engines import services, stack
from tests.faults import clocks


def through_proxies() -> None:
    """Have the addresses name the proxies' ports."""
    pairs = [one.split(":") for one in os.environ.get("PROXIED", "").split()]
    real = services.addresses

    def addresses(engines: Any) -> dict[str, str]:
        found = real(engines)
        for name, url in found.items():
            for engine, proxy in pairs:
                url = url.replace(f":{engine}/", f":{proxy}/")  # noqa: PLW2901
            found[name] = url
        return found

    services.addresses = addresses


if __name__ == "__main__":
    through_proxies()
    if clocks.VARIABLE in os.environ:
        clocks.of_engines()
    sys.exit(stack.command_line(sys.argv[1:]))
