"""How much is done: the real sizes, quick ones, and tiny ones that only show that all of it works.

A figure's own counts are fields here, with the real size as the default.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Counts and lengths of the measurements. `people` None stands for the real graph."""

    people: int | None = None
    tweets: int = 30_000
    rounds: int = 9
    # Readers with tokens; each has at least a page of tweets.
    readers: int = 300
    # Authors who post in W2; all their followers are warm.
    authors: int = 150
    connections: int = 32
    round_seconds: float = 0.8
    # W2 at so many connections: what arrives together is stored together.
    post_connections: int = 64
    # W3: one more follower than are pushed to; posts of each author.
    celebrity_followers: int = 1_000_001
    celebrity_posts: int = 150
    # C1: one like of each. C2: reads of one tweet, for so long.
    likers: int = 1_000
    viral_seconds: float = 2.0
    # D1: this many pairs of an author and a follower, each `posts_per_pair` times.
    pairs: int = 75
    posts_per_pair: int = 4
    # M1: pushes to the followers of the authors with most followers.
    memory_authors: int = 3
    memory_pushes: int = 1_300
    # F2: events of one batch as the relay would hand it out, and batches of one round.
    batch: int = 2_000
    batches: int = 5
    checked: int = 200
    # F1, F3, M3: a world of 403 followers in the mean, posts of a round of ours and of others.
    dense_authors: int = 1_200
    dense_readers: int = 3_000
    dense_posts: int = 500
    spine_posts: int = 1_000
    pipeline_posts: int = 60
    mastodon_posts: int = 8
    # F4, F5: followers of the one large author, tweets, and small authors' tweets meanwhile.
    large_followers: int = 1_000_000
    large_tweets: int = 7
    small_tweets: int = 200
    # L1: events of one backlog.
    backlog: int = 200_000
    backlogs: int = 1
    # Points of a plot beyond those that the figure itself needs.
    plot_points: int = 4
    # R5, R6: a crowd beside the world. The busy authors have ten times the tweets of the others.
    crowd_authors: int = 5_000
    crowd_busy: int = 500
    crowd_readers: int = 10
    celebrities: int = 200
    followee_steps: tuple[int, ...] = (500, 5_000)
    pages: int = 40
    flat_rounds: int = 5
    flat_seconds: float = 0.4
    # R6: readers who come back to a home that is gone, so many times each.
    cold_readers: int = 20
    cold_rounds: int = 6
    # M4: a stack of its own, and how long it is left alone before.
    own_stack: bool = True
    idle_seconds: float = 5.0
    # E: ordinary reads a second, for so long; whom the big reader follows; homes built again at
    # once; posts a second in the mean.
    neighbour_reads: int = 300
    neighbour_seconds: float = 1.5
    neighbour_rounds: int = 2
    big_followees: int = 100_000
    rebuilt: int = 800
    mean_posts: int = 20
    # O1: bursts, and for how long it is looked at what comes after one.
    burst_rounds: int = 3
    after_burst_seconds: float = 8.0
    # W1: posts of a round, by authors without followers.
    durable_posts: int = 3_000
    durable_authors: int = 1_000
    # W4: a world of 75 followers in the mean, posts of a file of the warm-up, and for how long.
    firehose_people: int = 8_000
    ingest_posts: int = 10_000
    firehose_seconds: float = 20.0
    # S1: posts a second, and for how long.
    fresh_per_second: int = 500
    fresh_seconds: float = 20.0
    # S3: posts in the index, and how often each query is asked.
    searched: int = 2_000_000
    search_rounds: int = 12
    # T1: posts of an hour, by so many people; tags that are waited for.
    hour_posts: int = 120_000
    hour_people: int = 20_000
    # Of the exact ten trends so many are listed, or it is another list.
    min_recall: float = 0.9
    waited_tags: int = 6
    # I1: ids, of two processes together.
    snowflakes: int = 100_000_000


FULL = Sizes()
QUICK = replace(
    FULL,
    rounds=3,
    readers=150,
    authors=80,
    round_seconds=0.4,
    pairs=30,
    posts_per_pair=2,
    celebrity_posts=40,
    likers=500,
    viral_seconds=1.0,
    memory_pushes=900,
    batches=3,
    checked=100,
    plot_points=2,
    crowd_authors=2_000,
    followee_steps=(500, 2_000),
    crowd_readers=5,
    flat_rounds=3,
    flat_seconds=0.2,
    cold_readers=10,
    cold_rounds=3,
    idle_seconds=2.0,
    neighbour_seconds=0.8,
    neighbour_rounds=1,
    big_followees=20_000,
    rebuilt=200,
    burst_rounds=1,
    dense_authors=400,
    dense_readers=2_000,
    dense_posts=300,
    spine_posts=300,
    large_followers=200_000,
    large_tweets=3,
    small_tweets=100,
    backlog=50_000,
    backlogs=1,
    durable_posts=1_500,
    firehose_people=4_000,
    ingest_posts=6_000,
    firehose_seconds=5.0,
    fresh_seconds=5.0,
    searched=200_000,
    hour_posts=40_000,
    hour_people=10_000,
    waited_tags=2,
    search_rounds=5,
    snowflakes=16_000_000,
)
TINY = Sizes(
    people=60,
    tweets=1_500,
    rounds=2,
    readers=8,
    authors=6,
    connections=2,
    round_seconds=0.1,
    pairs=3,
    posts_per_pair=2,
    post_connections=4,
    celebrity_followers=500,
    celebrity_posts=5,
    likers=40,
    viral_seconds=0.3,
    memory_authors=1,
    memory_pushes=40,
    batch=50,
    batches=2,
    checked=20,
    plot_points=1,
    crowd_authors=120,
    crowd_busy=60,
    crowd_readers=2,
    celebrities=4,
    followee_steps=(120,),
    pages=5,
    flat_rounds=2,
    flat_seconds=0.1,
    cold_readers=2,
    cold_rounds=2,
    own_stack=False,
    idle_seconds=0.0,
    neighbour_reads=100,
    neighbour_seconds=0.2,
    neighbour_rounds=1,
    big_followees=200,
    rebuilt=10,
    mean_posts=2,
    burst_rounds=1,
    after_burst_seconds=1.0,
    dense_authors=6,
    dense_readers=60,
    dense_posts=40,
    spine_posts=40,
    pipeline_posts=3,
    mastodon_posts=2,
    large_followers=12_000,
    large_tweets=2,
    small_tweets=6,
    backlog=2_000,
    backlogs=1,
    durable_posts=64,
    durable_authors=10,
    firehose_people=60,
    ingest_posts=300,
    firehose_seconds=0.5,
    fresh_per_second=50,
    fresh_seconds=1.0,
    searched=2_000,
    hour_posts=2_000,
    hour_people=500,
    # Of few posts many bursts are equally strong.
    min_recall=0.6,
    waited_tags=1,
    search_rounds=2,
    snowflakes=400_000,
)
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}
