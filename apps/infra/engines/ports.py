"""Choose TCP ports on the loopback interface."""

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes ports of outgoing connections (32768 and up), so that
# a kept port is still free at the next start.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: without it a port just left counts as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(*, kept: int | None = None, taken: Collection[int] = ()) -> int:
    """Return the kept port when it is free, else a free one that is not in `taken`."""
    if kept is not None and kept not in taken and is_free(kept):
        return kept
    while True:
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - a port is no secret
        if port not in taken and is_free(port):
            return port
