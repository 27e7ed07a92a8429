"""A browser without a screen: cookies, forms and redirects through all doors of the application."""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from apps.users.models import User
from tests.factories import PASSWORD
from twitterlite.asgi import application

HTMX = {"HX-Request": "true"}


class Browser:
    """One browser with its cookies; without JavaScript unless a call says `htmx=True`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, agent: str = "") -> None:
        self._loop = loop
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application),
            base_url="http://testserver",
            headers={"User-Agent": agent} if agent else None,
        )

    @property
    def cookies(self) -> httpx.Cookies:
        """What the site has stored."""
        return self._client.cookies

    def get(self, path: str, *, htmx: bool = False, follow: bool = False) -> httpx.Response:
        """Open a page."""
        headers = HTMX if htmx else {}
        answer: httpx.Response = self._run(
            self._client.get(path, headers=headers, follow_redirects=follow)
        )
        return answer

    def post(
        self,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        htmx: bool = False,
        on: str = "",
        follow: bool = False,
        files: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Send a form; `on` is the page it stands on, as htmx tells it, and `files` makes it one
        with files."""
        headers = dict(HTMX) if htmx else {}
        if on:
            headers["HX-Current-URL"] = f"http://testserver{on}"
        token = self.cookies.get("csrftoken", "")
        form = {"csrfmiddlewaretoken": token, **(data or {})}
        answer: httpx.Response = self._run(
            self._client.post(
                path, data=form, headers=headers, follow_redirects=follow, files=files
            )
        )
        return answer

    def raw(self, path: str, body: bytes, kind: str) -> httpx.Response:
        """Send a body that no form has."""
        answer: httpx.Response = self._run(
            self._client.post(path, content=body, headers={"content-type": kind})
        )
        return answer

    def log_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        """Through the form."""
        self.get("/login")
        return self.post("/login", {"username": username, "password": password})

    def close(self) -> None:
        """Let go of the connections."""
        self._run(self._client.aclose())

    def _run(self, call: Any) -> Any:
        return self._loop.run_until_complete(call)


def field(response: httpx.Response, name: str) -> str:
    """The value of a hidden field of the page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.text)
    assert found, f"no field {name}"
    return found[1]


@pytest.fixture
def browser(world: None, loop: asyncio.AbstractEventLoop) -> Iterator[Browser]:
    """A visitor's browser."""
    made = Browser(loop)
    yield made
    made.close()


@pytest.fixture
def browser_as(world: None, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[User], Browser]]:
    """A browser in which somebody is logged in: `browser_as(bob).get("/home")`."""
    opened: list[Browser] = []

    def make(user: User) -> Browser:
        made = Browser(loop)
        opened.append(made)
        answer = made.log_in(user.username)
        assert answer.status_code == 302, answer.text[:500]
        made.get("/compose")
        return made

    yield make
    for made in opened:
        made.close()
