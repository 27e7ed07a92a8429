"""An open loop charges a slow server for everybody who had to wait."""

import itertools
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.client import BadAnswer, request
from bench.openloop import Arrivals, open_loop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@contextmanager
def serving(answer: Callable[[int], bytes]) -> Iterator[int]:
    """A server of one connection that answers request after request; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for number in itertools.count():
                    if not connection.recv(65_536):
                        return
                    connection.sendall(answer(number))

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def load(port: int, *, seconds: float = 0.1) -> Arrivals:
    """Requests at 500 a second over one connection."""
    return open_loop(
        port,
        itertools.repeat(request("/", tag="mine")),
        per_second=500,
        seconds=seconds,
        connections=1,
        chooser=random.Random(1),
        keep=lambda number: number == 0,
    )


def test_every_arrival_is_answered_and_counted():
    with serving(lambda _number: OK) as port:
        found = load(port)

    expected = random.Random(1)
    gaps = itertools.accumulate(expected.expovariate(500) for _ in itertools.count())
    assert len(found.latencies) == len(list(itertools.takewhile(lambda due: due < 0.1, gaps)))
    assert [(one.body, one.tag) for one in found.answers] == [(b"hi", "mine")]


def test_who_waits_for_a_stalled_server_counts_from_the_intended_sending():
    gate = threading.Event()

    def stall(number: int) -> bytes:
        if number == 0:
            gate.wait(0.2)
        return OK

    with serving(stall) as port:
        found = load(port)

    # All were to be sent within 0.1 s of the first, and none could before its answer.
    assert min(found.latencies) > 0.05


def test_a_refusal_ends_the_load():
    with (
        serving(lambda _number: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as port,
        pytest.raises(BadAnswer, match="503"),
    ):
        load(port)
