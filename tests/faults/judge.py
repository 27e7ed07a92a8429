"""The judge: with the traffic at rest, every timeline must be exactly what was acknowledged."""

import asyncio
import random
import time
from collections.abc import Sequence

from tests.faults.clients import Client, Person, shown_on
from tests.faults.traffic import HOME, PROFILE, Drill, walk
from tests.faults.truth import Wrong

# The promise is 15 s on an idle machine; here it is only told from never.
LONGEST_SECONDS = 60.0
CLIENTS = 3
_NO_LIMIT = 1_000_000


async def wait_until_delivered(drill: Drill) -> float:
    """Seconds until every home timeline holds everything, in pages of 100.

    Not before the event log is drained: a timeline that has no list shows from PostgreSQL what was
    not pushed yet, and when its list is made a moment later, it waits for the push.
    """
    began = time.monotonic()
    while not await asyncio.to_thread(drill.is_drained):
        if time.monotonic() - began > LONGEST_SECONDS:
            drill.report.wrong(f"after {LONGEST_SECONDS} s events wait for their delivery")
            break
        await asyncio.sleep(0.1)
    waiting = list(drill.crowd)
    client = drill.client()
    while waiting:
        viewer = waiting[0]
        ids = await _home(drill, client, viewer, page_size=100)
        if ids is not None and ids == drill.truth.home(viewer):
            waiting.pop(0)
        elif time.monotonic() - began > LONGEST_SECONDS:
            drill.report.wrong(f"after {LONGEST_SECONDS} s: {_difference(drill, viewer, ids)}")
            break
        else:
            await asyncio.sleep(0.1)
    client.close()
    return time.monotonic() - began


async def judge(drill: Drill, chooser: random.Random, *, sizes: Sequence[int]) -> None:
    """Compare everything, at once and without patience; what agrees counts as settled."""
    homes = [(viewer, size) for viewer in drill.crowd for size in sizes]
    chooser.shuffle(homes)

    async def work() -> None:
        client = drill.client()
        while homes:
            viewer, size = homes.pop()
            ids = await _home(drill, client, viewer, page_size=size)
            drill.report.numbers["deliveries checked to the end"] += len(ids or ())
            if ids != drill.truth.home(viewer):
                drill.report.wrong(f"pages of {size}: {_difference(drill, viewer, ids)}")
        await _profiles(drill, client, chooser)
        client.close()

    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    drill.truth.settle()


async def _home(drill: Drill, client: Client, viewer: str, *, page_size: int) -> list[int] | None:
    who = drill.people[viewer]
    path = HOME.format(who.id, page_size)
    try:
        return await walk(drill, client, who, path, most_pages=_NO_LIMIT)
    except Wrong as wrong:
        drill.report.wrong(str(wrong))
        return None


async def _profiles(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Some profiles, the star's and the protected one among them, as somebody sees them."""
    for author in ("star", "shy", *chooser.sample(drill.crowd, 4)):
        viewer = chooser.choice(drill.crowd)
        ids = await _profile(client, drill, drill.people[viewer], author)
        if ids != (wanted := drill.truth.profile(viewer, author)):
            drill.report.wrong(f"{viewer} sees {ids} on the profile of {author}, not {wanted}")
        drill.report.numbers["profiles checked"] += 1


async def _profile(client: Client, drill: Drill, viewer: Person, author: str) -> list[int] | None:
    path = PROFILE.format(drill.people[author].id, 50)
    ids: list[int] = []
    token = ""
    while True:
        reply = await client.call("profile", "GET", path + token, who=viewer, expect=(200, 403))
        if reply is None:
            return None
        if reply.status == 403:
            return []
        ids += [shown[0] for shown in shown_on(reply, drill.names)]
        following = reply.json().get("meta", {}).get("next_token")
        if following is None:
            return ids
        token = f"&pagination_token={following}"


def _difference(drill: Drill, viewer: str, ids: Sequence[int] | None) -> str:
    if ids is None:
        return f"{viewer}: no answer"
    wanted = drill.truth.home(viewer)
    lost, more = sorted(set(wanted) - set(ids)), sorted(set(ids) - set(wanted))
    doubles = len(ids) - len(set(ids))
    drill.report.numbers["losses"] += len(lost)
    drill.report.numbers["doubles"] += doubles
    said = {one: drill.truth.posts[one].author for one in lost if one in drill.truth.posts}
    return f"{viewer}: lost {said}, too many {more}, doubled {doubles}, of {len(wanted)}"
