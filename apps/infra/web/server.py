"""The server process: gunicorn's worker with uvicorn, and the gate in front of the application."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]
    """Speaks HTTP/1.1 by `gate.GateProtocol`."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": "apps.infra.web.gate:GateProtocol",
    }
