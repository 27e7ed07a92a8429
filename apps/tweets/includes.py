"""What an answer brings beside its tweets: whom and what they point to, each once, as met."""

from collections.abc import Iterable, Sequence

from apps.infra.web.envelope import missing
from apps.media.schemas import media_id_of
from apps.tweets import entities, queries
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible

MENTIONS = "entities.mentions.username"
MEDIA = "attachments.media_keys"
MEDIA_OF_REFERENCED = "referenced_tweets.id.attachments.media_keys"
POLLS = "attachments.poll_ids"
# Each brings the tweets that are pointed to.
REFERENCED = frozenset(
    {"referenced_tweets.id", "referenced_tweets.id.author_id", MEDIA_OF_REFERENCED}
)
# An expansion brings the field that it follows.
IMPLIED = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets.id": "referenced_tweets",
    "referenced_tweets.id.author_id": "referenced_tweets",
    MEDIA_OF_REFERENCED: "referenced_tweets",
    MENTIONS: "entities",
    MEDIA: "attachments",
    POLLS: "attachments",
}


async def included_tweets(
    tweets: Sequence[TweetOut], expansions: frozenset[str], viewer_id: int | None
) -> tuple[list[TweetOut], list[dict[str, str]]]:
    """The tweets that these point to, as the viewer may see them, and an error for each other."""
    if REFERENCED.isdisjoint(expansions):
        return [], []
    wanted = dict.fromkeys(
        other
        for tweet in tweets
        for other in (tweet.retweet_of_id, tweet.quote_of_id, tweet.in_reply_to_id)
        if other
    )
    return await visible_or_missing(wanted, "referenced_tweets.id", viewer_id)


async def visible_or_missing(
    wanted: Iterable[int], parameter: str, viewer_id: int | None
) -> tuple[list[TweetOut], list[dict[str, str]]]:
    """Tweets by id, in order, as the viewer may see them, and an error for each other."""
    ids = dict.fromkeys(wanted)
    found = await queries.tweets_by_ids(ids)
    live = [found[tweet_id] for tweet_id in ids if tweet_id in found]
    shown = await visible(viewer_id=viewer_id, tweets=live, surface="lookup")
    lost = ids.keys() - {tweet.id for tweet in shown}
    return shown, [missing("tweet", parameter, str(tweet_id)) for tweet_id in sorted(lost)]


def people_ids(
    tweets: Sequence[TweetOut],
    included: Sequence[TweetOut],
    originals: dict[int, TweetOut],
    expansions: frozenset[str],
) -> list[int]:
    """Whom an answer includes; the tweets are settled where it includes whom they mention."""
    ids: list[int] = []
    if "author_id" in expansions:
        ids.extend(tweet.author_id for tweet in tweets)
    if "in_reply_to_user_id" in expansions:
        ids.extend(tweet.in_reply_to_user_id for tweet in tweets if tweet.in_reply_to_user_id)
    if "referenced_tweets.id.author_id" in expansions:
        ids.extend(tweet.author_id for tweet in included)
    if MENTIONS in expansions:
        for tweet in tweets:
            ids.extend(_mentioned(tweet, originals))
    return list(dict.fromkeys(ids))


def _mentioned(tweet: TweetOut, originals: dict[int, TweetOut]) -> list[int]:
    if tweet.retweet_of_id is None:
        return entities.mentioned_ids(tweet)
    original = originals.get(tweet.retweet_of_id)
    if original is None:
        return []
    # A retweet's text names whose tweet it was.
    return [original.author_id, *entities.mentioned_ids(original)]


def media_ids(
    tweets: Sequence[TweetOut], included: Sequence[TweetOut], expansions: frozenset[str]
) -> list[int]:
    """The pictures that an answer includes."""
    holding: list[TweetOut] = []
    if MEDIA in expansions:
        holding.extend(tweets)
    if MEDIA_OF_REFERENCED in expansions:
        holding.extend(included)
    keys = dict.fromkeys(key for tweet in holding for key in tweet.media_keys or ())
    return [media_id_of(key) for key in keys]


def poll_ids(
    tweets: Sequence[TweetOut], included: Sequence[TweetOut], expansions: frozenset[str]
) -> list[int]:
    """The polls that an answer includes, those of included tweets too."""
    if POLLS not in expansions:
        return []
    return list(dict.fromkeys(one.poll_id for one in (*tweets, *included) if one.poll_id))
