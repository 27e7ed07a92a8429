"""The server process: gunicorn's worker with uvicorn, and the gate in front of the application."""

import gc
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

# A collection of everything takes tens of ms where a hundred thousand tweets are in memory, and
# everybody waits. What is dropped goes by its count of references; cycles are few and young.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 1_000


class Worker(UvicornWorker):  # type: ignore[misc]
    """Speaks HTTP/1.1 by `gate.GateProtocol`."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": "apps.infra.web.gate:GateProtocol",
        # `addresses` knows which proxies are ours.
        "proxy_headers": False,
    }

    def run(self) -> None:
        """Serve until told to stop."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
        super().run()
