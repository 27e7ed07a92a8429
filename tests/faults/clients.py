"""People at work: each request with its rules for the answer, and everything counted."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from tests.faults.line import Line, Lost, Reply
from tests.faults.truth import Shown, Wrong

PASSWORD = "a long pass phrase 1"
RETRY_SECONDS = 0.2
# How long a deed may be refused before the drill gives up on it.
PATIENCE_SECONDS = 90.0
# Shorter waits are not listed.
LONG_SECONDS = 3.0
PROBLEM = "application/problem+json"


class GaveUp(Wrong):
    """A deed was refused for PATIENCE_SECONDS."""


@dataclass
class Report:
    """What was seen in a drill."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recovery_seconds: list[tuple[str, float]] = field(default_factory=list)
    delivery_seconds: list[float] = field(default_factory=list)
    # What was still missing, by fault and request: until when, in seconds.
    waited_for: dict[tuple[str, str], float] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    under_fault: str = "nothing"

    def wrong(self, what: str) -> None:
        """Note a broken promise; the drill goes on, to see whether it heals."""
        self.wrongs.append(f"[{self.under_fault}] {what}")
        print(self.wrongs[-1][:400], flush=True)

    def figures(self) -> dict[str, float]:
        """What the summary of `make faults` shows."""
        return {
            "faults": sum(self.faults.values()),
            "posts acknowledged": self.numbers["posts acknowledged"],
            "lost": self.numbers["losses"],
            "doubled": self.numbers["doubles"],
            "leaked": self.numbers["leaks"],
            "wrong": len(self.wrongs),
            "seconds until all is served after one kill -9": round(self._longest_after_a_kill(), 1),
        }

    def _longest_after_a_kill(self) -> float:
        """A post reaches its follower, too: promised are 15 s."""
        killed = [s for name, s in self.recovery_seconds if re.fullmatch(r"kill [^+]+", name)]
        return max(killed, default=0.0)

    def lines(self) -> list[str]:
        """The report for people."""
        by_fault: dict[str, list[float]] = {}
        for name, seconds in self.recovery_seconds:
            by_fault.setdefault(name, []).append(seconds)
        return [
            f"faults: {sum(self.faults.values())}: {dict(self.faults)}",
            f"counts: {dict(self.numbers)}",
            "seconds until everything is served: "
            + ", ".join(f"{k} {'/'.join(f'{s:.1f}' for s in v)}" for k, v in by_fault.items()),
            f"longest after a single kill -9: {self._longest_after_a_kill():.1f} s",
            "longest waits: "
            + ", ".join(
                f"{fault}: {what} {seconds:.1f}"
                for (fault, what), seconds in self.waited_for.items()
                if seconds > LONG_SECONDS
            ),
            f"seconds until all is delivered: {[round(s, 1) for s in self.delivery_seconds]}",
            "answers: "
            + ", ".join(f"{kind} {what} {n}" for (kind, what), n in sorted(self.statuses.items())),
            "slowest answer: " + ", ".join(f"{k} {s:.1f} s" for k, s in self.slowest.items()),
            f"wrong: {len(self.wrongs)}",
            *self.wrongs[:20],
        ]


@dataclass(frozen=True)
class Person:
    """An account with what opens it."""

    name: str
    id: str
    token: str


class Client:
    """One client thread: requests for anybody, over one connection.

    Args:
        look: is called with each whole answer, the reader's name ("" for nobody) and the tick of
            the request; says what is wrong with it.
        now: the tick.
    """

    def __init__(
        self,
        port: int,
        report: Report,
        look: Callable[[Reply, str, int], None] = lambda _reply, _name, _since: None,
        now: Callable[[], int] = lambda: 0,
    ) -> None:
        self._line, self._report = Line(port), report
        self._look, self._now = look, now

    async def call(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        who: Person | None = None,
        reader: str = "",
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        expect: Iterable[int] = (200,),
    ) -> Reply | None:
        """One attempt: the answer if it is one of `expect`; None for an honest failure.

        Args:
            reader: the name of whose cookies are sent, where `who` has no token.

        Anything else is noted as wrong: 500, 503 without what belongs to it, silence.
        """
        sent = dict(headers or {})
        if who is not None:
            sent["authorization"] = f"Bearer {who.token}"
        body = data if isinstance(data, bytes) else b"" if data is None else orjson.dumps(data)
        if body:
            sent.setdefault("content-type", "application/json")
        began, since = time.monotonic(), self._now()
        try:
            reply = await self._line.ask(method, path, headers=sent, body=body)
        except Lost as lost:
            self._count(kind, str(lost), began)
            if str(lost) == "hang":
                self._report.wrong(f"{method} {path}: no answer")
            return None
        self._count(kind, str(reply.status), began)
        self._look(reply, who.name if who is not None else reader, since)
        if reply.status in expect:
            return reply
        if reply.status != 503:
            self._report.wrong(f"{method} {path}: {reply.status} {reply.body[:400]!r}")
        elif "retry-after" not in reply.headers and path != "/readyz":
            self._report.wrong(f"{method} {path}: 503 without Retry-After")
        elif path.startswith("/2/") and reply.headers.get("content-type") != PROBLEM:
            self._report.wrong(f"{method} {path}: 503 as {reply.headers}")
        return None

    def _count(self, kind: str, outcome: str, began: float) -> None:
        self._report.statuses[kind, outcome] += 1
        seconds = time.monotonic() - began
        self._report.slowest[kind] = max(seconds, self._report.slowest.get(kind, 0.0))

    async def insist(self, kind: str, method: str, path: str, **how: Any) -> Reply:
        """Repeat a deed until it is acknowledged; that it may be repeated is promised.

        Raises:
            GaveUp: it never was.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        tries = 0
        while (reply := await self.call(kind, method, path, **how)) is None:
            tries += 1
            if time.monotonic() > deadline:
                raise GaveUp(f"{method} {path} was refused {tries} times")
            await asyncio.sleep(RETRY_SECONDS)
        self._report.numbers["repeated attempts"] += tries
        return reply

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


class Browser:
    """Somebody who is logged in on the HTML site; forms are sent as htmx sends them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._cookies: dict[str, str] = {}

    async def log_in(self, client: Client) -> None:
        """Through the form."""
        page = await client.insist("html", "GET", "/login")
        self._keep(page)
        form = {"username": self.name, "password": PASSWORD, "next": "/home"}
        self._keep(await self.send(client, "/login", form, expect=(302,), is_part=False))
        assert "sessionid" in self._cookies

    def _keep(self, reply: Reply) -> None:
        for name, value in re.findall(r"(csrftoken|sessionid)=([^;,\s]+)", reply.cookies):
            self._cookies[name] = value

    def _headers(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    async def send(
        self,
        client: Client,
        path: str,
        form: Mapping[str, str],
        *,
        expect: tuple[int, ...],
        is_part: bool = True,
    ) -> Reply:
        """Send a form until it is obeyed."""
        headers = self._headers() | {"content-type": "application/x-www-form-urlencoded"}
        if is_part:
            headers["hx-request"] = "true"
        token = self._cookies["csrftoken"]
        body = urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        return await client.insist(
            "form", "POST", path, reader=self.name, headers=headers, data=body, expect=expect
        )

    async def open(self, client: Client, path: str) -> Reply | None:
        """Load a page once."""
        return await client.call("html", "GET", path, reader=self.name, headers=self._headers())


def shown_on(reply: Reply, names: Mapping[str, str]) -> list[Shown]:
    """The tweets of an API page: id, name of the author, text."""
    return [
        (int(tweet["id"]), names[tweet["author_id"]], tweet["text"])
        for tweet in reply.json().get("data", ())
    ]
