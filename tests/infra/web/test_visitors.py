"""One making of a page for many visitors: exact, and each gets their own answer."""

import asyncio
from typing import Any

import pytest
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import RequestFactory

from apps.infra import clock
from apps.infra.web import visitors
from apps.tweets.services import delete_tweet, post_tweet


class Kitchen:
    """Makes pages when it is told to, and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.go = asyncio.Event()

    async def make(self) -> HttpResponse:
        self.made += 1
        mine = self.made
        await self.go.wait()
        return HttpResponse(f"page {mine}")


def _text(answer: Any) -> str:
    return str(answer.content.decode())


def ask(path: str = "/page", **headers: Any) -> Any:
    return RequestFactory().get(path, **headers)


def test_who_comes_meanwhile_waits_for_the_next_making_and_no_longer(run):
    async def scene() -> tuple[list[str], int]:
        kitchen = Kitchen()
        first = asyncio.create_task(visitors.together(ask(), kitchen.make))
        await asyncio.sleep(0)
        rest = [asyncio.create_task(visitors.together(ask(), kitchen.make)) for _ in range(1_000)]
        await asyncio.sleep(0)
        kitchen.go.set()
        answers = await asyncio.gather(first, *rest)
        return [_text(answer) for answer in answers], kitchen.made

    texts, made = run(scene())

    assert texts == ["page 1"] + ["page 2"] * 1_000
    assert made == 2
    assert not visitors._under_way


@pytest.mark.parametrize(
    "other", [("/other", {}), ("/page", {"HTTP_COOKIE": "theme=dark"}), ("/page?q=1", {})]
)
def test_other_pages_are_made_by_themselves(run, other):
    async def scene() -> int:
        kitchen = Kitchen()
        asks = [ask(), ask(other[0], **other[1])]
        kitchen.go.set()
        await asyncio.gather(*(visitors.together(one, kitchen.make) for one in asks))
        return kitchen.made

    assert run(scene()) == 2


def test_a_page_with_a_form_is_everybodys_own(run):
    async def scene() -> list[str]:
        go = asyncio.Event()

        def maker(request: Any) -> Any:
            async def make() -> HttpResponse:
                await go.wait()
                return HttpResponse(get_token(request))

            return make

        asks = [ask() for _ in range(5)]
        tasks = [asyncio.create_task(visitors.together(one, maker(one))) for one in asks]
        await asyncio.sleep(0)
        go.set()
        return [_text(answer) for answer in await asyncio.gather(*tasks)]

    assert len(set(run(scene()))) == 5


def test_an_error_is_everybodys_own(run):
    async def broken() -> HttpResponse:
        await asyncio.sleep(0)
        raise ValueError("broken")

    async def scene() -> list[object]:
        tasks = [visitors.together(ask(), broken) for _ in range(3)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in run(scene())] == [ValueError] * 3
    assert not visitors._under_way


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [("", True), ("theme=dark", True), ("sessionid=1", False), ("csrftoken=1", False),
     ("messages=1", False)],
)  # fmt: skip
def test_who_is_anybody(cookie, expected):
    assert visitors.is_anybody(ask(HTTP_COOKIE=cookie)) is expected
    assert not visitors.is_anybody(RequestFactory().post("/page"))


def test_who_has_the_page_is_told_so_until_it_changes(browser, alice):
    post = post_tweet(author_id=alice.id, text="Good morning.", now=clock.now())
    tag = browser.get("/public").headers["etag"]

    def again() -> int:
        answer = browser._run(browser._client.get("/public", headers={"If-None-Match": tag}))
        return int(answer.status_code)

    assert again() == 304
    delete_tweet(user_id=alice.id, tweet_id=post.id, now=clock.now())
    assert again() == 200
