"""Large bodies: bounded in memory, however many come at once."""

import asyncio

import pytest

from apps.infra.errors import Unavailable
from apps.infra.web import handler, large
from apps.infra.web.handler import Disconnected

SCOPE = {"type": "http"}


def receiver(*parts, last=None):
    waiting = list(parts)

    async def receive():
        await asyncio.sleep(0)
        if waiting:
            part = waiting.pop(0)
            if part is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}
        return last or {"type": "http.disconnect"}

    return receive


async def nowhere(_message):
    raise AssertionError("nothing is said here")


def test_a_body_comes_in_one_piece_and_then_what_the_server_says(run):
    seen = []

    async def inside(_scope, receive, _send):
        seen.append(await handler.read_body(receive))
        seen.append(await receive())

    parts = [b"a" * 50_000, b"b" * 50_000, b"c"]
    run(large.LargeBodies(inside)(SCOPE, receiver(*parts), nowhere))

    assert seen == [b"".join(parts), {"type": "http.disconnect"}]


def test_few_have_a_turn_at_once(run):
    at_once, most = 0, 0

    async def inside(_scope, receive, _send):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await handler.read_body(receive)
        for _ in range(5):
            await asyncio.sleep(0)
        at_once -= 1

    async def many():
        bodies = large.LargeBodies(inside, turns=2)
        await asyncio.gather(*(bodies(SCOPE, receiver(b"x" * 9, b"y"), nowhere) for _ in range(20)))

    run(many())

    assert most == 2


def test_too_many_are_sent_away_and_places_come_free(run, monkeypatch):
    monkeypatch.setattr(large, "MAX_WAITING", 2)
    gate = asyncio.Event()
    done = []

    async def inside(_scope, _receive, _send):
        await gate.wait()
        done.append(1)

    async def crowd():
        bodies = large.LargeBodies(inside)
        first = [asyncio.ensure_future(bodies(SCOPE, receiver(b"x"), nowhere)) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await bodies(SCOPE, receiver(b"x"), nowhere)
        gate.set()
        await asyncio.gather(*first)
        await bodies(SCOPE, receiver(b"x"), nowhere)

    run(crowd())

    assert len(done) == 3


def test_a_slow_line_waits_without_a_turn(run):
    async def inside(_scope, receive, _send):
        await handler.read_body(receive)

    async def slow():
        await asyncio.Event().wait()

    async def both():
        bodies = large.LargeBodies(inside, turns=1)
        stuck = asyncio.ensure_future(bodies(SCOPE, slow, nowhere))
        await asyncio.sleep(0)
        await bodies(SCOPE, receiver(b"x"), nowhere)
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)

    run(both())


def test_a_line_that_is_too_slow_is_told(run, monkeypatch):
    monkeypatch.setattr(large, "RECEIVE_SECONDS", 0.0)
    sent = []

    async def slow():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    run(large.LargeBodies(handler.api)(SCOPE, slow, send))

    assert sent[0]["status"] == 408


def test_a_client_that_goes_away(run):
    with pytest.raises(Disconnected):
        run(large.LargeBodies(handler.api)(SCOPE, receiver(b"x", None), nowhere))
