"""New tweets and single ones as the API answers them: bytes, for the gate, the hot lane and the
router alike."""

from apps.infra import clock
from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.params import id_of, parsed
from apps.infra.web.threads import in_thread
from apps.tweets import queries, services
from apps.tweets.bodies import PLAIN, TweetIn, read
from apps.tweets.group_commit import post_plain_tweet
from apps.tweets.rendering import Rendered, TweetFields, render_new, render_tweets
from apps.tweets.schemas import TweetOut
from apps.tweets.services_polls import checked_poll
from apps.tweets.visibility import visible
from apps.users.bearer import caller, reader
from apps.users.permissions import scopes_of

SCOPES = scopes_of("POST /2/tweets")
READ = scopes_of("GET /2/tweets/{id}")
SOURCE = "api"


@answers.always
async def post_answer(
    *,
    authorization: str | None,
    content_type: str | None,
    idempotency_key: str | None,
    body: bytes,
) -> Answer:
    """Answer POST /2/tweets; the arguments are headers and body as they came."""
    actor = await caller(authorization, SCOPES)
    tweet = await _post(actor.user_id, read(content_type, body), idempotency_key)
    return Answer(201, envelope.one(render_new(tweet)))


async def _post(author_id: int, new: TweetIn, idempotency_key: str | None) -> TweetOut:
    if not idempotency_key and (new.model_fields_set == PLAIN or _is_plain(new)):
        return await post_plain_tweet(
            author_id=author_id, text=new.text, now=clock.now(), source=SOURCE
        )
    poll = new.poll
    return await in_thread(
        services.post_tweet,
        author_id=author_id,
        text=new.text,
        now=clock.now(),
        in_reply_to_id=new.reply.in_reply_to_tweet_id if new.reply else None,
        quote_of_id=new.quote_tweet_id,
        reply_settings=new.reply_settings or (poll.reply_settings if poll else None),
        media_ids=new.media.media_ids if new.media else (),
        poll=checked_poll(poll.options, poll.duration_minutes) if poll else None,
        idempotency_key=idempotency_key,
        source=SOURCE,
    )


def _is_plain(new: TweetIn) -> bool:
    more = (new.reply, new.quote_tweet_id, new.reply_settings, new.media, new.poll)
    return all(one is None for one in more)


@answers.always
async def tweet_answer(*, authorization: str | None, tweet_id: str, query: str) -> Answer:
    """Answer GET /2/tweets/:id.

    Args:
        authorization: the header. tweet_id: from the path. query: the raw query string.
    """
    viewer_id = (await reader(authorization, READ)).viewer_id
    fields = parsed(TweetFields, query)
    rendered, errors = await look_up([id_of(tweet_id)], fields, viewer_id, "id")
    data = rendered.tweets[0] if rendered.tweets else None
    return Answer(200, envelope.one(data, includes=rendered.includes, errors=errors))


async def look_up(
    ids: list[int], fields: TweetFields, viewer_id: int | None, parameter: str
) -> tuple[Rendered, list[dict[str, str]]]:
    """Tweets by id as a reader may see them, and an error for each that is not there."""
    found = await queries.tweets_by_ids(ids)
    live = [found[tweet_id] for tweet_id in ids if tweet_id in found]
    shown = await visible(viewer_id=viewer_id, tweets=live, surface="lookup")
    rendered = await render_tweets(shown, fields.selection(), viewer_id=viewer_id)
    there = {tweet.id for tweet in shown}
    lost = [tweet_id for tweet_id in ids if tweet_id not in there]
    errors = [envelope.missing("tweet", parameter, str(tweet_id)) for tweet_id in lost]
    return rendered, errors + rendered.errors
