"""Continuous traffic: posts, deletes, follows, unfollows, blocks, and readers who check pages."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.clients import Browser, Client, GaveUp, Person, Report, shown_on
from tests.faults.line import Reply
from tests.faults.truth import Post, Truth, Wrong

HOME = "/2/users/{}/timelines/reverse_chronological?tweet.fields=author_id&max_results={}"
PROFILE = "/2/users/{}/tweets?tweet.fields=author_id&max_results={}"
PAGE_SIZES = (7, 40, 100)
# The home list in Redis is short in a drill, so pages cross from it into PostgreSQL.
# In whatever a protected account says, and nowhere else.
CANARY = b"canarysong"
_TWEET_ID = re.compile(rb'id="t(\d+)"')


@dataclass
class Drill:
    """Everything that the clients of one drill share."""

    port: int
    seed: int
    people: dict[str, Person]
    truth: Truth
    report: Report
    # Whether the event log is handed out, and all that was handed out is done.
    is_drained: Callable[[], bool]
    browsers: list[Browser] = field(default_factory=list)
    # Open while traffic flows.
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    # Pairs of people whose edges somebody is changing.
    busy: set[frozenset[str]] = field(default_factory=set)
    said: int = 0
    # State Valkeys that may write no file, since when (time.monotonic()).
    unsaved_since: dict[str, float] = field(default_factory=dict)
    # One of these ended: until all is delivered again, timelines lack what came meanwhile.
    is_catching_up: bool = False

    def __post_init__(self) -> None:
        self.names = {person.id: name for name, person in self.people.items()}
        self.crowd = [name for name in self.people if name not in ("prober", "fan")]

    def client(self) -> Client:
        """A new connection."""
        return Client(self.port, self.report, self._look, self.truth.now)

    def _look(self, reply: Reply, reader: str, since: int) -> None:
        """No byte of what a protected account says goes to those who may not read it."""
        if CANARY not in reply.body:
            return
        for author in self.truth.protected - {reader}:
            edge = self.truth.edge(reader, author)
            may_read = edge.is_on or edge.is_changing or edge.acknowledged_at > since
            if not may_read or (author, reader) in self.truth.blocks:
                self.report.numbers["leaks"] += 1
                at = reply.body.index(CANARY)
                said = reply.body[max(at - 200, 0) : at + 60]
                self.report.wrong(f"{reader or 'nobody'} is told what {author} says: {said!r}")

    def next_text(self, author: str = "") -> str:
        """A text that nobody has said before; a protected author's has a canary in it."""
        self.said += 1
        canary = f"{CANARY.decode()} " if author in self.truth.protected else ""
        return f"{canary}post {self.said} of drill {self.seed}"

    async def quiet(self) -> None:
        """Stop the traffic and wait until nothing is under way."""
        self.gate.clear()
        while self.under_way:  # noqa: ASYNC110 - a number, not an event
            await asyncio.sleep(0.02)


Deed = Callable[[Drill, Client, random.Random], Awaitable[None]]


async def keep_on(drill: Drill, deed: Deed, chooser: random.Random, pause_seconds: float) -> None:
    """Do something again and again while the gate is open, with pauses around a mean."""
    client = drill.client()
    try:
        while True:
            await asyncio.sleep(pause_seconds * chooser.uniform(0.2, 1.8))
            await drill.gate.wait()
            drill.under_way += 1
            try:
                await deed(drill, client, chooser)
            except Wrong as wrong:
                drill.report.wrong(str(wrong))
                if isinstance(wrong, GaveUp):
                    raise
            finally:
                drill.under_way -= 1
    finally:
        client.close()


async def post(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Post until it is acknowledged, always with the same key."""
    author = drill.people[chooser.choice([*drill.crowd, "star", "star", "star", "shy"])]
    text = drill.next_text(author.name)
    drill.truth.sent[text] = author.name
    reply = await client.insist(
        "post", "POST", "/2/tweets", who=author, expect=(201,),
        headers={"idempotency-key": text}, data={"text": text},
    )  # fmt: skip
    tweet_id = int(reply.json()["data"]["id"])
    drill.truth.posts[tweet_id] = Post(tweet_id, author.name, text)
    drill.report.numbers["posts acknowledged"] += 1


async def delete(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Delete a post: an old or a fresh one."""
    live = [one for one in drill.truth.posts.values() if not one.is_deleting]
    if len(live) < 10:
        return
    chosen = chooser.choice(live if chooser.random() < 0.5 else live[-5:])
    chosen.is_deleting = True
    # After an attempt of unknown outcome it may be gone already.
    await client.insist(
        "delete", "DELETE", f"/2/tweets/{chosen.id}", who=drill.people[chosen.author],
        expect=(200, 404),
    )  # fmt: skip
    chosen.deleted_at = drill.truth.now()
    drill.report.numbers["deletes acknowledged"] += 1


async def follow_or_unfollow(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Turn one edge round."""
    one, other = (drill.people[name] for name in chooser.sample(drill.crowd, 2))
    pair, edge = frozenset((one.name, other.name)), drill.truth.edge(one.name, other.name)
    closed = other.name in drill.truth.protected and not edge.is_on
    if pair in drill.busy or closed or drill.truth.blocks_between(*pair):
        return
    drill.busy.add(pair)
    was_on = edge.is_on
    drill.truth.begin_change((one.name, other.name))
    if was_on:
        path = f"/2/users/{one.id}/following/{other.id}"
        await client.insist("unfollow", "DELETE", path, who=one)
    else:
        data = {"target_user_id": other.id}
        path = f"/2/users/{one.id}/following"
        await client.insist("follow", "POST", path, who=one, data=data)
    drill.truth.end_change((one.name, other.name), is_on=not was_on)
    drill.busy.discard(pair)
    drill.report.numbers["unfollows" if was_on else "follows"] += 1


async def block(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Block somebody on the HTML site, preferably somebody whom one reads."""
    browser = chooser.choice(drill.browsers)
    read = [name for name in drill.crowd if drill.truth.edge(browser.name, name).is_on]
    open_names = [
        name
        for name in read
        if not drill.truth.blocks_between(browser.name, name)
        and frozenset((browser.name, name)) not in drill.busy
    ]
    if len(open_names) < 4:
        return
    blocked = chooser.choice(open_names)
    pairs = ((browser.name, blocked), (blocked, browser.name))
    drill.busy.add(frozenset(pairs[0]))
    drill.truth.begin_change(*pairs)
    await browser.send(client, f"/{blocked}/block", {}, expect=(200,))
    drill.truth.end_change(*pairs, is_on=False)
    drill.truth.blocks[pairs[0]] = drill.truth.now()
    drill.busy.discard(frozenset(pairs[0]))
    drill.report.numbers["blocks"] += 1


async def read_home(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Page through the first pages of somebody's home timeline and judge each."""
    viewer = drill.people[chooser.choice(drill.crowd)]
    path = HOME.format(viewer.id, chooser.choice(PAGE_SIZES))
    await walk(drill, client, viewer, path, most_pages=chooser.choice((1, 1, 1, 4)))


async def walk(
    drill: Drill, client: Client, viewer: Person, path: str, *, most_pages: int
) -> list[int] | None:
    """Read a home timeline, judging each page; its ids, None where an answer failed."""
    below, token, ids = None, "", []
    for _ in range(most_pages):
        since = drill.truth.now()
        reply = await client.call("home", "GET", path + token, who=viewer)
        if reply is None:
            return None
        page = shown_on(reply, drill.names)
        following = reply.json()["meta"].get("next_token")
        drill.report.numbers["pages judged"] += 1
        drill.report.numbers["deliveries judged"] += drill.truth.check_page(
            viewer.name,
            page,
            since=since,
            below=below,
            is_last=following is None,
            may_lack=drill.is_catching_up,
        )
        ids += [shown[0] for shown in page]
        if following is None:
            break
        below, token = ids[-1], f"&pagination_token={following}"
    return ids


async def read_closed(drill: Drill, client: Client, chooser: random.Random) -> None:
    """Look where nothing may be seen: protected and blocking accounts, deleted tweets."""
    truth, since = drill.truth, drill.truth.now()
    shut = [("shy", name) for name in drill.crowd if name != "shy"]
    shut = [pair for pair in shut if not _may_follow(truth, pair[1], "shy")]
    shut += list(truth.blocks) + [(b, a) for a, b in truth.blocks]
    if not shut:
        return
    author, viewer = chooser.choice(shut)
    path = PROFILE.format(drill.people[author].id, 20)
    reply = await client.call("profile", "GET", path, who=drill.people[viewer], expect=(200, 403))
    if reply is not None and reply.status == 200 and (shown := shown_on(reply, drill.names)):
        raise Wrong(f"{viewer} sees the profile of {author}: {shown[:3]}")
    theirs = [one for one in truth.posts.values() if one.author == author]
    gone = [one for one in truth.posts.values() if one.deleted_at and one.deleted_at <= since]
    wanted = [*theirs[-40:], *gone[-40:]]
    if wanted:
        joined = ",".join(str(one.id) for one in wanted)
        path = f"/2/tweets?ids={joined}&tweet.fields=author_id"
        reply = await client.call("lookup", "GET", path, who=drill.people[viewer])
        if reply is not None and (shown := shown_on(reply, drill.names)):
            raise Wrong(f"{viewer} may not look up these: {shown[:3]}")
    drill.report.numbers["closed doors tried"] += 1


def _may_follow(truth: Truth, viewer: str, author: str) -> bool:
    edge = truth.edge(viewer, author)
    return edge.is_on or edge.is_changing


async def read_page(drill: Drill, client: Client, chooser: random.Random) -> None:
    """The same on the HTML site."""
    browser, since = chooser.choice(drill.browsers), drill.truth.now()
    reply = await browser.open(client, "/home")
    if reply is None:
        return
    for found in _TWEET_ID.findall(reply.body):
        one = drill.truth.posts.get(int(found))
        if one is not None:
            drill.truth.check_shown(browser.name, (one.id, one.author, one.text), since)
    drill.report.numbers["HTML pages judged"] += 1


# What goes on at the same time, each with the mean pause between two of the kind.
TRAFFIC: tuple[tuple[Deed, float], ...] = (
    (post, 0.35),
    (post, 0.35),
    (post, 0.35),
    (delete, 0.9),
    (follow_or_unfollow, 0.4),
    (follow_or_unfollow, 0.4),
    (block, 4.0),
    (read_home, 0.05),
    (read_home, 0.05),
    (read_closed, 0.3),
    (read_page, 0.5),
)
