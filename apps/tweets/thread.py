"""A conversation around one tweet: what it answers, and the answers as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apps.graph import queries as graph_queries
from apps.tweets import queries
from apps.tweets.cards import Card, Gone, cards, why_closed
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries

MAX_ANCESTORS = 20
# Direct answers a page shows, then answers to each of these, then to each of those.
WIDTHS = (20, 3, 2)
# How many branches of one page are opened: each costs a query.
MAX_OPENED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One tweet above the focal one, or why it is not shown."""

    card: Card | None = None
    gone: Gone | None = None


@dataclass(slots=True, kw_only=True)
class Branch:
    """An answer with the answers to it; `more` is how many of those are not on the page."""

    card: Card | None = None
    gone: Gone | None = None
    children: list["Branch"] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers on a page; `last_id` is where the next page goes on after, None at the end, and
    `hides` says that some were left out because they are out of the way."""

    branches: list[Branch]
    last_id: int | None
    hides: bool


async def ancestors(*, viewer_id: int | None, tweet: TweetOut) -> tuple[list[Step], int | None]:
    """What a tweet answers, first one first, and the id to go on from if there is still more.

    Ends early at a tweet that is gone or closed to the viewer: what is above is not told.
    """
    chain: list[TweetOut] = []
    parent_id = tweet.in_reply_to_id
    while parent_id is not None and len(chain) < MAX_ANCESTORS:
        parent = (await queries.tweets_by_ids([parent_id])).get(parent_id)
        if parent is None:
            return [Step(gone="deleted"), *await _steps(viewer_id, chain)], None
        chain.insert(0, parent)
        parent_id = parent.in_reply_to_id
    more = chain[0].id if parent_id is not None and chain else None
    return await _steps(viewer_id, chain), more


async def _steps(viewer_id: int | None, chain: Sequence[TweetOut]) -> list[Step]:
    shown = await visible(viewer_id=viewer_id, tweets=chain, surface="thread")
    made = {card.tweet.id: card for card in await cards(viewer_id=viewer_id, tweets=shown)}
    users = await user_queries.users_by_ids(tweet.author_id for tweet in chain)
    relations = await graph_queries.relations(viewer_id)
    steps: list[Step] = []
    for tweet in chain:
        if tweet.id in made:
            # Who is answered stands right above, but for the first.
            card = made[tweet.id]
            steps.append(Step(card=replace(card, reply_to="") if steps else card))
        else:
            steps = [Step(gone=why_closed(tweet, users, relations))]
    return steps


async def replies(
    *, viewer_id: int | None, tweet: TweetOut, after_id: int = 0, with_hidden: bool = False
) -> Answers:
    """Answers to a tweet, oldest first.

    Args:
        with_hidden: also those that whoever began the conversation put out of the way.
    """
    width = WIDTHS[0]
    ids = await queries.reply_ids(tweet.id, after_id=after_id, limit=width + 1)
    level, hides = await _level(ids[:width], with_hidden)
    branches = await _branches(viewer_id, level, tweet.author_id)
    opened = [branches]
    budget = MAX_OPENED
    for limit in WIDTHS[1:]:
        below: list[Branch] = []
        for branch in opened[-1]:
            if branch.card is None or not branch.card.tweet.reply_count:
                continue
            if budget > 0:
                budget -= 1
                hides |= await _open(branch, limit, viewer_id, tweet.author_id, with_hidden)
                below += branch.children
            else:
                branch.more = branch.card.tweet.reply_count
        opened.append(below)
    for branch in opened[-1]:
        if branch.card is not None:
            branch.more = branch.card.tweet.reply_count
    last_id = ids[width - 1] if len(ids) > width else None
    return Answers(branches=branches, last_id=last_id, hides=hides)


async def _open(
    branch: Branch, limit: int, viewer_id: int | None, starter_id: int, with_hidden: bool
) -> bool:
    """Put the answers to a branch below it; whether some of them are out of the way."""
    tweet = branch.card.tweet if branch.card else None
    if tweet is None:
        return False
    ids = await queries.reply_ids(tweet.id, limit=limit + 1)
    level, hides = await _level(ids[:limit], with_hidden)
    branch.children = await _branches(viewer_id, level, starter_id)
    if len(ids) > limit:
        branch.more = max(tweet.reply_count - limit, 1)
    return hides


async def _level(ids: Sequence[int], with_hidden: bool) -> tuple[list[TweetOut], bool]:
    """Answers by id, and whether some were left out because they are out of the way."""
    found = await queries.tweets_by_ids(ids)
    level = [found[one] for one in ids if one in found]
    shown = level if with_hidden else [one for one in level if one.reply_hidden_at is None]
    return shown, len(shown) < len(level)


async def _branches(
    viewer_id: int | None, tweets: Sequence[TweetOut], starter_id: int
) -> list[Branch]:
    shown = await visible(viewer_id=viewer_id, tweets=tweets, surface="thread")
    made = {card.tweet.id: card for card in await cards(viewer_id=viewer_id, tweets=shown)}
    users = await user_queries.users_by_ids(tweet.author_id for tweet in tweets)
    relations = await graph_queries.relations(viewer_id)
    branches = []
    for tweet in tweets:
        card = made.get(tweet.id)
        if card is None:
            branches.append(Branch(gone=why_closed(tweet, users, relations)))
        else:
            started = tweet.author_id == starter_id
            branches.append(Branch(card=replace(card, reply_to="", is_thread_author=started)))
    return branches
