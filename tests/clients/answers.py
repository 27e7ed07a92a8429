"""Whether what a library was told is what the API's description says it is told."""

import json
import re
from collections.abc import Iterable
from typing import Any

from apps.infra.resilience.rules import COUNTED
from apps.infra.web import dialect, problems
from tests.clients.recording import NO_ANSWER, Exchange
from tests.conformance.validator import NotAsDescribed, validate

SERVER_ERROR = 500
CLIENT_ERROR = 400
_ENDLESS = re.compile(r"/2/tweets/(search|sample)/stream$")
# Pages that people see on the way; the validator knows the rest of a log-in.
_PAGES = re.compile(r"/(login|i/|oauth/(authorize|authenticate))")

_LIMITS = ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
_OLDER = {newer: older for older, newer in dialect.WORDS.items()}


def faults(exchanges: Iterable[Exchange]) -> list[str]:
    """What is wrong with these answers, each in a line."""
    return [f"{one}\n    {fault}" for one in exchanges for fault in _faults(one)]


def _faults(one: Exchange) -> list[str]:
    if one.status >= SERVER_ERROR:
        return ["an error of the server"]
    if one.status == NO_ANSWER or _PAGES.match(one.path):
        return []
    counted = one.path.startswith(COUNTED)
    lacking = [name for name in _LIMITS if counted and not one.headers.get(name, "").isdigit()]
    if lacking:
        return [f"without {', '.join(lacking)}"]
    bodies = [one.text()]
    if _ENDLESS.search(one.path) and one.status < CLIENT_ERROR:
        # A line each; the last may have been cut off where the reader left.
        bodies = [line for line in one.text().split(b"\r\n")[:-1] if line.strip()]
    elif dialect.is_spoken(one.target.partition("?")[2]):
        bodies = [json.dumps(_older(json.loads(body))).encode() for body in bodies]
    wrong = []
    for body in bodies:
        try:
            validate(one.method, one.target, one.status, one.headers, body)
        except NotAsDescribed as error:
            wrong.append(str(error))
    return wrong


def _older(value: Any) -> Any:
    """An answer in the newer words, as the description has it."""
    if isinstance(value, dict):
        return {_OLDER.get(name, name): _older(one) for name, one in value.items()}
    if isinstance(value, str) and value.startswith(dialect.TYPES):
        return problems.TYPES + value.removeprefix(dialect.TYPES)
    return [_older(one) for one in value] if isinstance(value, list) else value
