"""The figures: what each is, what it is compared with, its floor and its goal.

A figure is an entry of FIGURES, a module of this package whose `measure(bench)` returns its
`Result`, and a `Suite` in `cli.py`; what its sizes are stands in `sizes.py`, and how it is measured
in `how.py`.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure to reach.

    `floor` and `goal` are limits of the ratio, in the direction that `better` says. What has
    nothing to be compared with has its value as the ratio.
    """

    id: str
    name: str
    what: str
    against: str
    unit: str
    better: Literal["higher", "lower"]
    floor: float
    goal: float

    def passes(self, ratio: float, limit: float) -> bool:
        """Whether a ratio keeps to a limit."""
        return ratio >= limit if self.better == "higher" else ratio <= limit


FIGURES = (
    Figure(
        id="F1",
        name="fan-out, to the C client",
        what="Fan-out at a mean of 403 followers, 800 ids held: deliveries/s of one Redis, from "
        "the batch to the last timeline",
        against="redis-benchmark -P 1000 RPUSHX on the same instance",
        unit="deliveries/s",
        better="higher",
        floor=0.5,
        goal=0.9,
    ),
    Figure(
        id="F2",
        name="fan-out",
        what="Fan-out: deliveries to warm home timelines, whole machine, real degree distribution, "
        "two state Redis instances",
        against="61,000 deliveries/s: a 2-vCPU node of the best published system",
        unit="deliveries/s",
        better="higher",
        floor=4,
        goal=8,
    ),
    Figure(
        id="F3",
        name="fan-out, to peers",
        what="Fan-out at a mean of 403 followers: deliveries/s on two state Redis instances",
        against="LPUSH and LTRIM per follower in a redis-py pipeline; in `also` one Celery task per"
        " follower, and Mastodon's commands",
        unit="deliveries/s",
        better="higher",
        floor=3,
        goal=8,
    ),
    Figure(
        id="F4",
        name="one tweet to a million",
        what="One tweet to 1,000,000 followers whose home timelines are warm",
        against="nothing; the ratio is in seconds",
        unit="s",
        better="lower",
        floor=3.5,
        goal=1.5,
    ),
    Figure(
        id="F5",
        name="small tweet beside a big one",
        what="Delivery p99 of a tweet to at most 500 followers while one to 1,000,000 is delivered",
        against="the same, idle",
        unit="ms",
        better="lower",
        floor=3,
        goal=1.3,
    ),
    Figure(
        id="F6",
        name="fan-out, through Celery",
        what="Fan-out through event log, relay and Celery",
        against="the same function called in-process",
        unit="deliveries/s",
        better="higher",
        floor=0.8,
        goal=0.95,
    ),
    Figure(
        id="L1",
        name="event log to pushes",
        what="Event log, relay, Celery, pushes: a backlog of events, CPU per delivery all in",
        against="9.0 µs: the first prototype",
        unit="µs CPU",
        better="lower",
        floor=1.5,
        goal=1.0,
    ),
    Figure(
        id="R1",
        name="home timeline, to a constant body",
        what="Home timeline: 20 tweets with authors and counts, authenticated, filtered",
        against="a constant body of the same size, raw ASGI, same server",
        unit="µs CPU",
        better="higher",
        floor=0.35,
        goal=0.5,
    ),
    Figure(
        id="R2",
        name="home timeline, to an empty Django view",
        what="The same home timeline",
        against="an empty async Django view without middleware, same server",
        unit="µs CPU",
        better="higher",
        floor=1,
        goal=2,
    ),
    Figure(
        id="R3",
        name="home timeline, to SQL",
        what="The same home timeline, PostgreSQL included",
        against="the cheaper of the ORM's `author_id IN (…) ORDER BY id DESC LIMIT 20` and Takahe's"
        " home query, same PostgreSQL",
        unit="µs CPU",
        better="higher",
        floor=10,
        goal=40,
    ),
    Figure(
        id="R4",
        name="home timeline, p99 at half load",
        what="Home timeline: p99 at half of saturation, open loop, from the intended time of "
        "sending",
        against="p99 of the constant body at half of its own saturation, same server",
        unit="ms",
        better="lower",
        floor=3,
        goal=1.5,
    ),
    Figure(
        id="R5",
        name="home timeline, flatness",
        what="Home timeline: the worst growth of 50 → 5,000 followees, 0 → 200 celebrities, page 1 "
        "→ page 40",
        against="the first point of each",
        unit="µs CPU",
        better="lower",
        floor=1.5,
        goal=1.1,
    ),
    Figure(
        id="R6",
        name="cold home timeline",
        what="A dropped home timeline: from the request until 800 entries of 400 followees are "
        "built, idle, p50",
        against="a warm read, idle, p50",
        unit="ms",
        better="lower",
        floor=30,
        goal=8,
    ),
    Figure(
        id="U1",
        name="home page",
        what="The home page as HTML, for a browser with a session, 20 tweets, compressed",
        against="the same 20 tweets from the API (R1)",
        unit="µs CPU",
        better="lower",
        floor=6,
        goal=4,
    ),
    Figure(
        id="W1",
        name="durable posts",
        what="Posts that arrive together, 64 at once: on disk with all indexes and events",
        against="COPY of the same rows into the same tables",
        unit="posts/s",
        better="higher",
        floor=0.1,
        goal=0.3,
    ),
    Figure(
        id="W2",
        name="post, all in",
        what="POST /2/tweets, all in: web, PostgreSQL, relay, worker, Redis, deliveries",
        against="a POST that raw ASGI answers with a constant, same server",
        unit="µs CPU",
        better="lower",
        floor=8,
        goal=3,
    ),
    Figure(
        id="W3",
        name="post of a celebrity",
        what="Time to the 201 of a post, author with 1,000,000 followers",
        against="an author with 10 followers",
        unit="ms",
        better="lower",
        floor=1.2,
        goal=1.02,
    ),
    Figure(
        id="W4",
        name="firehose to home timelines",
        what="The whole pipeline behind `manage.py firehose`: file, PostgreSQL, event log, relay,"
        " Celery, 75 home timelines in the mean; until the last delivery is acknowledged",
        against="6,000 tweets/s: Twitter's peak",
        unit="tweets/s",
        better="higher",
        floor=0.3,
        goal=1,
    ),
    Figure(
        id="M1",
        name="memory of a timeline entry",
        what="Redis memory per home timeline entry, 800 entries, all overhead",
        against="8 bytes",
        unit="bytes",
        better="lower",
        floor=1.5,
        goal=1.3,
    ),
    Figure(
        id="M3",
        name="memory of a follow",
        what="Memory of one follow in the user-graph cache, per direction",
        against="8 bytes",
        unit="bytes",
        better="lower",
        floor=2,
        goal=1.3,
    ),
    Figure(
        id="M4",
        name="memory of the stack",
        what="Resident memory of all processes and engines, idle, demo data loaded",
        against="nothing; the ratio is in MB",
        unit="MB",
        better="lower",
        floor=900,
        goal=450,
    ),
    Figure(
        id="C1",
        name="writes of 1,000 likes",
        what="Writes to the engines per 1,000 likes of one tweet",
        against="nothing; the ratio is the number",
        unit="writes",
        better="lower",
        floor=10,
        goal=1,
    ),
    Figure(
        id="C2",
        name="reads of a viral tweet",
        what="Reads of the engines per 1,000 reads of one viral tweet",
        against="nothing; the ratio is the number",
        unit="reads",
        better="lower",
        floor=50,
        goal=1,
    ),
    Figure(
        id="I1",
        name="ids in bulk",
        what="Snowflakes made in bulk, two processes at once, of each; every id is checked",
        against="4,096 in a millisecond: all that there are",
        unit="ids/ms",
        better="higher",
        floor=0.25,
        goal=1,
    ),
    Figure(
        id="D1",
        name="post to sight, p50",
        what="From the 201 of a post to a follower's home timeline over HTTP, idle, p50",
        against="nothing; the ratio is in ms",
        unit="ms",
        better="lower",
        floor=20,
        goal=6,
    ),
    Figure(
        id="E",
        name="neighbours",
        what="p99 of home reads beside a reader of 100,000 people, 800 rebuilds at once, or a "
        "burst 25 times the mean: the worst",
        against="the same reads, idle",
        unit="ms",
        better="lower",
        floor=1.5,
        goal=1.1,
    ),
    Figure(
        id="O1",
        name="goodput at ten times the load",
        what="Profile pages answered within a second while ten times as many are asked for as one "
        "web process can answer",
        against="as many as it can answer, closed loop",
        unit="pages/s",
        better="higher",
        floor=0.8,
        goal=0.9,
    ),
    Figure(
        id="S1",
        name="post to searchable, p99",
        what="From the 201 of a post to a search that finds it, at 500 posts/s, p99",
        against="nothing; the ratio is in ms",
        unit="ms",
        better="lower",
        floor=1_000,
        goal=250,
    ),
    Figure(
        id="S3",
        name="search for a very common word",
        what="The newest 20 posts with a word that one in ten has, among 2 million",
        against="GIN and ORDER BY id DESC over one table of the same texts",
        unit="ms",
        better="higher",
        floor=5,
        goal=50,
    ),
    Figure(
        id="T1",
        name="counting what trends",
        what="Counting who says what: CPU of a term in a post, worker, PostgreSQL and Redis "
        "together, in the third hour of 33 posts/s",
        against="an exact count of the same pairs in one Python process, read and cut the same way",
        unit="µs",
        better="lower",
        floor=2,
        goal=1,
    ),
    Figure(
        id="X1",
        name="cores for Twitter",
        what="Cores for 6,000 tweets/s at fan-out 75 and 600,000 home reads/s, from the CPU per "
        "operation",
        against="nothing; the ratio is the number",
        unit="cores",
        better="lower",
        floor=200,
        goal=96,
    ),
)
BY_ID = {figure.id: figure for figure in FIGURES}
