"""What the gate says to whoever finds no place: made before anything else is looked at."""

from asyncio import AbstractEventLoop
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from apps.infra.web.answers import Answer
from apps.infra.web.edge import REFUSED, crowded


class Refusal:
    """There is no place."""

    route = REFUSED

    def __init__(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        self._path, self._headers = path, headers

    def at_once(self, reply: Any, body: bytes | bytearray, loop: AbstractEventLoop) -> bool:
        """Say so."""
        text, kind, headers = crowded(self._path, self._headers)
        reply.whole(Answer(HTTPStatus.SERVICE_UNAVAILABLE, text, kind, headers), b"")
        return True

    async def answer(self, body: bytes) -> Answer:
        """Never asked."""
        raise AssertionError
