"""Log lines as JSON, one per event, each with the id of the request that it belongs to.

Code logs with the standard library (`logging.getLogger(__name__)`, facts in `extra`); structlog
renders. Lines go to standard error: standard output belongs to what a command prints.
"""

import json
import logging
import sys
from typing import Any

import orjson
import structlog
from django.conf import settings

from apps.infra.web.request_ids import REQUEST_ID


def configure() -> None:
    """Send every log line of this process through structlog; called once, at start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(as_json=settings.LOG_JSON))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.LOG_LEVEL)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def formatter(*, as_json: bool) -> structlog.stdlib.ProcessorFormatter:
    """Renders records of any logger; as aligned text for a person when not as JSON."""
    renderer: Any = structlog.dev.ConsoleRenderer()
    finish: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        renderer = structlog.processors.JSONRenderer(serializer=_dumps)
        finish.append(structlog.processors.format_exc_info)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[*finish, renderer],
    )


def _shared() -> list[Any]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]


def _add_request_id(_logger: object, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id:
        line["request_id"] = request_id
    return line


def _dumps(line: Any, **_options: Any) -> str:
    try:
        return orjson.dumps(line, default=repr).decode()
    except TypeError:
        # Lone surrogates and foreign keys: the slow way takes them.
        return json.dumps(line, default=repr, skipkeys=True)
