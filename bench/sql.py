"""R3: a home read all in, against what it takes to ask PostgreSQL each time.

Both peers are only their queries, run on this process's connection and held as rows: no HTTP, no
authentication, no JSON. The first is the ORM's `author_id IN (…)`, the second what Takahe 0.11
issues for a page of home: its table of timeline events has a row per follower and post.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from statistics import median

from bench import oracle, reads
from bench.cpu import Meter, Sample, totals
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.setup import PAGE, Bench, in_loop

Read = Callable[[int], list[int]]

_TABLES = """
create schema peer;
create table peer.domain (domain text primary key, service_domain text, blocked bool);
create table peer.identity (
  id bigint primary key, actor_uri text, local bool, username text, domain_id text, name text,
  summary text, icon_uri text, image_uri text, discoverable bool, restriction int,
  followers_uri text, public_key text, created timestamptz, updated timestamptz);
create table peer.post (
  id bigint primary key, state text, author_id bigint not null, local bool, object_uri text,
  visibility int, content text, type text, type_data jsonb, sensitive bool, summary text, url text,
  in_reply_to text, hashtags jsonb, stats jsonb, published timestamptz, edited timestamptz,
  created timestamptz, updated timestamptz);
create table peer.interaction (
  id bigint primary key, state text, type text, identity_id bigint, post_id bigint, value text,
  published timestamptz, created timestamptz, updated timestamptz);
create index on peer.interaction (identity_id, post_id);
create table peer.event (
  id bigint primary key generated always as identity, identity_id bigint not null, type text,
  subject_post_id bigint, subject_post_interaction_id bigint, subject_identity_id bigint,
  published timestamptz, seen bool, dismissed bool, created timestamptz);
create index on peer.event (identity_id, type, subject_post_id, subject_identity_id);
create index on peer.event (identity_id, type, subject_identity_id);
create index on peer.event (identity_id, created);
create index on peer.event (subject_post_id);
create table peer.attachment (id bigint primary key, post_id bigint, mimetype text, url text);
create index on peer.attachment (post_id);
create table peer.mention (id bigint primary key, post_id bigint, identity_id bigint);
create index on peer.mention (post_id);
create table peer.emoji (id bigint primary key, post_id bigint, shortcode text);
create index on peer.emoji (post_id);
"""
_FILL = [
    "insert into peer.domain values ('example.org', 'example.org', false)",
    "insert into peer.identity select id, 'https://example.org/@' || username, true, username,"
    " 'example.org', name, bio, '', '', true, 0, '', repeat('k', 400), created_at, created_at"
    " from users",
    "insert into peer.post select id, 'fanned_out', author_id, true, 'https://example.org/' || id,"
    " 0, '<p>' || text || '</p>', 'Note', null, false, null, null, null, null,"
    """ '{"likes": 0, "boosts": 0, "replies": 0}', created_at, null, created_at, created_at"""
    " from tweets where deleted_at is null",
    "insert into peer.event (identity_id, type, subject_post_id, published, seen, dismissed,"
    " created) select f.follower_id, 'post', p.id, p.published, false, false, p.created"
    " from peer.post p join lateral (select follower_id from follows"
    " where followee_id = p.author_id union all select p.author_id) f"
    " on f.follower_id = any(%s) order by p.id",
    "analyze peer.post, peer.identity, peer.event, peer.interaction",
]
_HOME = """
select e.*, p.*, a.*, d.*, s.*, i.* from peer.event e
  left join peer.post p on p.id = e.subject_post_id
  left join peer.identity a on a.id = p.author_id
  left join peer.domain d on d.domain = a.domain_id
  left join peer.identity s on s.id = e.subject_identity_id
  left join peer.interaction i on i.id = e.subject_post_interaction_id
 where e.identity_id = %s and e.type in ('post', 'boost')
 order by e.id desc limit 20
"""
# What `prefetch_related` and the viewer's own likes and boosts ask for besides.
_BESIDE = [
    "select * from peer.attachment where post_id = any(%(posts)s)",
    "select m.post_id, i.* from peer.mention m join peer.identity i on i.id = m.identity_id"
    " where m.post_id = any(%(posts)s)",
    "select * from peer.emoji where post_id = any(%(posts)s)",
    "select type, post_id from peer.interaction"
    " where post_id = any(%(posts)s) and identity_id = %(viewer)s",
]
# Where the id of the post stands in a row of _HOME.
_POST = 3


def measure(bench: Bench) -> list[Result]:
    """The figure; every reader's page is checked with all three."""
    readers = reads.choose_readers(bench)
    in_loop(bench.check_homes(readers))
    _make_tables(readers)
    peers: dict[str, Read] = {"orm": _orm(bench), "takahe": _takahe}
    for name, read in peers.items():
        for reader in readers:
            oracle.compare(read(reader), bench.world.home(reader, PAGE), of=f"{name} of {reader}")
    homes = itertools.cycle([bench.home_request(reader) for reader in readers])
    viewers = itertools.cycle(readers)
    home: list[Sample] = []
    found: dict[str, list[Sample]] = {name: [] for name in peers}
    for _ in range(bench.sizes.rounds):
        home.append(
            reads.sample(
                bench,
                bench.service_meter(),
                bench.machine.web_port,
                homes,
                seconds=bench.sizes.flat_seconds,
            )
        )
        for name, read in peers.items():
            found[name].append(_sample(bench, read, viewers))
    _drop_tables()
    ratios = {name: median_ratio(totals(samples), totals(home)) for name, samples in found.items()}
    return [
        Result(
            figure=BY_ID["R3"],
            value=median(totals(home)),
            ratio=min(ratios.values()),
            also={
                **{f"{name}_us": median(totals(samples)) for name, samples in found.items()},
                **{f"x_{name}": ratio for name, ratio in ratios.items()},
            },
        )
    ]


def _make_tables(readers: list[int]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists peer cascade")
        cursor.execute(_TABLES)
        for statement in _FILL:
            cursor.execute(statement, [readers] if "%s" in statement else None)
        cursor.execute("vacuum peer.event, peer.post, peer.identity")


def _drop_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("drop schema peer cascade")


def _orm(bench: Bench) -> Read:
    from apps.tweets.models import Tweet

    def read(viewer_id: int) -> list[int]:
        authors = [*bench.world.followees[viewer_id], viewer_id]
        query = Tweet.objects.filter(author_id__in=authors, deleted_at=None).order_by("-id")
        return [tweet.id for tweet in query[:PAGE]]

    return read


def _takahe(viewer_id: int) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_HOME, [viewer_id])
        posts = [row[_POST] for row in cursor.fetchall()]
        for statement in _BESIDE:
            cursor.execute(statement, {"posts": posts, "viewer": viewer_id})
            cursor.fetchall()
    return posts


def _sample(bench: Bench, read: Read, viewers: Iterator[int]) -> Sample:
    """One round of a peer, one read after the other: this process and PostgreSQL count."""
    postgres = bench.machine.engine_pids()["postgres"]
    meter = Meter(
        {"postgres": postgres, "query": os.getpid()},
        without=[bench.connection.info.backend_pid],
    )
    before, began, count = meter.seconds(), time.perf_counter(), 0
    while time.perf_counter() - began < bench.sizes.flat_seconds:
        read(next(viewers))
        count += 1
    return Sample(meter.cost(before, operations=count), count / (time.perf_counter() - began))
