"""Whether everything is served: every kind of request once, and a post that arrives."""

import asyncio
import time

from tests.faults.clients import Client, Person, shown_on
from tests.faults.traffic import HOME, PROFILE, Drill
from tests.faults.truth import Wrong

# The promise is 15 s on an idle machine; here it is only told from never.
LONGEST_SECONDS = 60.0
TRIES_FOR_DELIVERY = 40
_PAGES = (
    "/login",
    "/signup",
    "/public",
    "/prober",
    "/prober/status/{tweet}",
    "/about",
    "/docs/api",
)
_PLAIN = ("/healthz", "/readyz", "/metrics", "/2/openapi.json")
_READS = (
    "/2/users/me",
    "/2/users/{fan}",
    "/2/users?ids={fan},{prober}",
    "/2/users/by?usernames=fan,prober",
    "/2/users/by/username/fan",
    "/2/users/{prober}/followers",
    "/2/users/{fan}/following",
    "/2/users/{prober}/tweets",
    "/2/tweets/{tweet}",
    "/2/tweets?ids={tweet}",
)


class _NotYet(Exception):
    """Something is not served."""


async def wait_until_served(drill: Drill) -> float:
    """Seconds until every kind of request was answered well in one go, and a post arrived.

    Raises:
        Wrong: not within LONGEST_SECONDS.
    """
    began = time.monotonic()
    client = drill.client()
    try:
        while True:
            try:
                await _everything(drill, client)
                return time.monotonic() - began
            except _NotYet as missing:
                drill.report.waited_for[drill.report.under_fault, str(missing)] = (
                    time.monotonic() - began
                )
                if time.monotonic() - began > LONGEST_SECONDS:
                    raise Wrong(f"not served after {LONGEST_SECONDS} s: {missing}") from missing
                await asyncio.sleep(0.1)
    finally:
        client.close()


async def _everything(drill: Drill, client: Client) -> None:
    prober, fan = drill.people["prober"], drill.people["fan"]

    async def do(method: str, path: str, who: Person | None = None, **how: object) -> None:
        if await client.call("probe", method, path, who=who, **how) is None:  # type: ignore[arg-type]
            raise _NotYet(f"{method} {path}")

    for path in _PLAIN:
        await do("GET", path)
    tweet_id = await _post(drill, client, prober)
    ids = {"fan": fan.id, "prober": prober.id, "tweet": tweet_id}
    for path in _READS:
        await do("GET", path.format(**ids), fan)
    for path in _PAGES:
        await do("GET", path.format(**ids))
    for browser in drill.browsers:
        if await browser.open(client, "/home") is None:
            raise _NotYet("/home")
    for shelf, target in (("likes", "tweet_id"), ("retweets", "tweet_id")):
        address = f"/2/users/{fan.id}/{shelf}"
        await do("POST", address, fan, data={target: str(tweet_id)})
        await do("DELETE", f"{address}/{tweet_id}", fan)
    address = f"/2/users/{prober.id}/following"
    await do("POST", address, prober, data={"target_user_id": fan.id})
    await do("DELETE", f"{address}/{fan.id}", prober)
    await _wait_for_delivery(client, fan, tweet_id, drill)
    await do("DELETE", f"/2/tweets/{tweet_id}", prober)
    if tweet_id in await _ids(client, drill, HOME.format(fan.id, 10), fan):
        raise Wrong(f"{tweet_id} is deleted and on the home timeline of its fan")
    if tweet_id in await _ids(client, drill, PROFILE.format(prober.id, 10), fan):
        raise Wrong(f"{tweet_id} is deleted and on the profile of its author")


async def _post(drill: Drill, client: Client, prober: Person) -> int:
    text = drill.next_text()
    reply = await client.call(
        "probe", "POST", "/2/tweets", who=prober, expect=(201,),
        headers={"idempotency-key": text}, data={"text": text},
    )  # fmt: skip
    if reply is None:
        raise _NotYet("POST /2/tweets")
    return int(reply.json()["data"]["id"])


async def _wait_for_delivery(client: Client, fan: Person, tweet_id: int, drill: Drill) -> None:
    for _ in range(TRIES_FOR_DELIVERY):
        if tweet_id in await _ids(client, drill, HOME.format(fan.id, 5), fan):
            return
        await asyncio.sleep(0.05)
    raise _NotYet("delivery of a post to a follower")


async def _ids(client: Client, drill: Drill, path: str, who: Person) -> list[int]:
    reply = await client.call("probe", "GET", path, who=who)
    if reply is None:
        raise _NotYet(path.partition("?")[0])
    return [shown[0] for shown in shown_on(reply, drill.names)]
