"""Pages of a timeline as the API counts them: forward by token, and back without a gap."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from apps.infra import clock, ids
from apps.infra.web import pagination
from apps.infra.web.pagination import Position
from apps.tweets.schemas import Page, TweetOut

# (before_id, after_id, limit) -> the newest `limit` tweets between the two, both exclusive.
Fetch = Callable[[int | None, int | None, int], Awaitable[Page]]
Ends = tuple[int, int]

MAX_FETCH = 100
# A first guess of how much time one page back spans; grows until enough is found.
_FIRST_SPAN = 60_000 << 22
_GROWTH = 8


async def page_at(
    fetch: Fetch,
    *,
    position: Position | None,
    after_id: int | None,
    before_id: int | None,
    limit: int,
) -> Page:
    """The page that a token names, within the bounds that the request gives by itself."""
    if position is None:
        return await fetch(before_id, after_id, limit)
    if position.direction == "n":
        before = position.id if before_id is None else min(position.id, before_id)
        return await fetch(before, after_id, limit)
    return await _page_back(fetch, after_id=position.id, top_id=before_id, limit=limit)


async def _page_back(fetch: Fetch, *, after_id: int, top_id: int | None, limit: int) -> Page:
    """The `limit` tweets next above `after_id`: the page before, whatever was posted since."""
    end = ids.at_ms(clock.now_ms() + 60_000) if top_id is None else top_id
    span = _FIRST_SPAN
    while True:
        high = min(after_id + span, end)
        found = await _all_between(fetch, after_id=after_id, before_id=high)
        if len(found) >= limit or high >= end:
            break
        span *= _GROWTH
    tweets = found[-limit:]
    return Page(tweets=tweets, next_before_id=tweets[-1].id if tweets else None)


async def _all_between(fetch: Fetch, *, after_id: int, before_id: int) -> list[TweetOut]:
    found: list[TweetOut] = []
    low: int | None = before_id
    while low is not None and low > after_id + 1:
        page = await fetch(low, after_id, MAX_FETCH)
        found.extend(page.tweets)
        low = page.next_before_id
    return found


def meta_of(
    page: Page, shown: Sequence[TweetOut], position: Position | None, *, after_id: int | None
) -> dict[str, Any]:
    """The `meta` member of a page: counts, ends, and the tokens of the pages beside it."""
    following = page.next_before_id
    return meta(
        len(shown),
        (shown[0].id, shown[-1].id) if shown else None,
        following if following is not None and following > (after_id or 0) + 1 else None,
        before=page.tweets[0].id if position is not None and page.tweets else None,
        depth=page.depth,
    )


def meta_bytes(count: int, ends: Ends, following: int, *, depth: int) -> bytes:
    """`meta` as JSON for the first page of more; the same bytes."""
    return b'{"result_count":%d,"newest_id":"%d","oldest_id":"%d","next_token":"%b"}' % (
        count,
        *ends,
        pagination.encode("n", following, depth=depth).encode(),
    )


def meta(
    count: int, ends: Ends | None, following: int | None, *, before: int | None, depth: int
) -> dict[str, Any]:
    """The same from numbers: the newest and the oldest id, and where the next and the previous
    page begin; None where there is none."""
    made: dict[str, Any] = {"result_count": count}
    if ends is not None:
        made["newest_id"], made["oldest_id"] = str(ends[0]), str(ends[1])
    if following is not None:
        made["next_token"] = pagination.encode("n", following, depth=depth)
    if before is not None:
        made["previous_token"] = pagination.encode("p", before)
    return made
