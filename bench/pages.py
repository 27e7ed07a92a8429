"""U1: what a home page costs as HTML, for a person with a browser, against the API's answer.

In each round both are under the same closed loop, one after the other: the same readers and the
same twenty tweets, the page compressed as a browser asks for it.
"""

import itertools
import re
from statistics import median

from bench import client, oracle
from bench.cpu import explained, totals
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.reads import choose_readers, sample
from bench.setup import PAGE, Bench, in_loop

BROWSER = "gzip, deflate, br, zstd"
_CARD = re.compile(rb'<article class="tw" id="t(\d+)"(?: data-e="(\d+)")?')


def measure(bench: Bench) -> list[Result]:
    """The figure; pages are held against the model before and after."""
    readers = choose_readers(bench)
    keys = {reader: log_in(reader) for reader in readers}
    for _ in range(2):
        in_loop(bench.check_homes(readers))
        html_bytes = in_loop(_check(bench, keys))
    bench.wait_drained()
    pages = itertools.cycle([_page(reader, keys[reader], BROWSER) for reader in readers])
    answers = itertools.cycle([bench.home_request(reader) for reader in readers])
    meter, port = bench.service_meter(), bench.machine.web_port
    page_samples, api_samples = [], []
    for _ in range(bench.sizes.rounds):
        page_samples.append(sample(bench, meter, port, pages))
        api_samples.append(sample(bench, meter, port, answers))
    in_loop(_check(bench, keys))
    return [
        Result(
            figure=BY_ID["U1"],
            value=median(totals(page_samples)),
            ratio=median_ratio(totals(page_samples), totals(api_samples)),
            also={
                "api_us": median(totals(api_samples)),
                "pages_per_second": median(one.per_second for one in page_samples),
                "html_bytes": html_bytes,
                "sent_bytes": in_loop(_sent_bytes(bench, keys)),
                **explained(page_samples),
            },
        )
    ]


def log_in(reader: int) -> str:
    """A session of a reader, as the log-in form makes one."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from apps.users.models import User
    from apps.users.sessions import SessionStore

    user = User.objects.get(pk=reader)
    session = SessionStore()
    session[SESSION_KEY] = str(reader)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _page(reader: int, key: str, encodings: str) -> client.Request:
    """What a browser sends that has been here before."""
    lines = (
        "GET /home HTTP/1.1",
        "host: localhost",
        "accept: text/html",
        "accept-language: en",
        f"accept-encoding: {encodings}",
        f"cookie: sessionid={key}; csrftoken={'a' * 32}",
    )
    return client.Request("\r\n".join(lines).encode() + b"\r\n\r\n", reader)


async def _check(bench: Bench, keys: dict[int, str]) -> int:
    """Hold pages against the model; the mean of their bytes, as they are.

    Raises:
        WrongAnswer, BadAnswer.
    """
    caller = await client.Caller.open(bench.machine.web_port)
    sizes = []
    for reader, key in keys.items():
        answer = await caller.call(_page(reader, key, "identity"))
        if answer.status != 200:
            raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
        shown = [int(entry or post) for post, entry in _CARD.findall(answer.body)]
        expected = bench.world.home(reader, PAGE)
        if shown != expected:
            raise oracle.WrongAnswer(f"home page of {reader}: {shown}, expected {expected}")
        sizes.append(len(answer.body))
    caller.close()
    return sum(sizes) // len(sizes)


async def _sent_bytes(bench: Bench, keys: dict[int, str]) -> int:
    caller = await client.Caller.open(bench.machine.web_port)
    sizes = [
        len((await caller.call(_page(reader, key, BROWSER))).body) for reader, key in keys.items()
    ]
    caller.close()
    return sum(sizes) // len(sizes)
