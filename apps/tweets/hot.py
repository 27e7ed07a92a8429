"""New tweets and single ones as the API answers them: bytes, for the gate, the hot lane and the
router alike."""

from asyncio import AbstractEventLoop
from collections.abc import Mapping

from apps.infra import clock
from apps.infra.resilience import ratelimit
from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.gate import Reply
from apps.infra.web.params import id_of, parsed
from apps.infra.web.threads import in_thread
from apps.tweets import queries, services, services_edits
from apps.tweets.bodies import PLAIN, TweetIn, plain_text, read
from apps.tweets.group_commit import post_plain_tweet, post_soon
from apps.tweets.rendering import Rendered, TweetFields, render_new, render_tweets
from apps.tweets.schemas import TweetOut
from apps.tweets.services_polls import checked_poll
from apps.tweets.visibility import visible
from apps.users.auth import actor_in_memory
from apps.users.bearer import caller, reader
from apps.users.permissions import scopes_of
from apps.users.schemas import Actor

SCOPES = scopes_of("POST /2/tweets")
READ = scopes_of("GET /2/tweets/{id}")
SOURCE = "api"
_LIMIT = ratelimit.allowance("post")


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


class PostTurn:
    """POST /2/tweets at the gate. A plain post needs no task; what is special about one, and every
    refusal, is left to `post_answer`."""

    __slots__ = ("_charged", "_headers")

    route = "2/tweets"

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self._headers = headers
        # What the answer tells of the author's limit, once the request was charged.
        self._charged = b""

    async def answer(self, body: bytes) -> Answer:
        """The general way."""
        if self._charged:
            ratelimit.note(self._charged)
        return await post_answer(
            authorization=self._text(b"authorization"),
            content_type=self._text(b"content-type"),
            idempotency_key=self._text(b"idempotency-key"),
            body=body,
        )

    def _text(self, name: bytes) -> str | None:
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def at_once(self, reply: Reply, body: bytes | bytearray, loop: AbstractEventLoop) -> bool:
        """Post with others that arrive together."""
        headers = self._headers
        if headers.get(b"content-type") != b"application/json" or b"idempotency-key" in headers:
            return False
        actor = actor_in_memory(headers.get(b"authorization"))
        if actor is None or not actor.scopes >= SCOPES:
            return False
        text = plain_text(body)
        if text is None:
            return False

        def charged(head: bytes | None) -> None:
            if head is None:
                reply.in_task()
            else:
                self._charged = head
                self._post(actor, text, reply, loop)

        head = _LIMIT.spend(actor.user_id)
        if head is None:
            return ratelimit.charge_soon(_LIMIT, actor.user_id, loop=loop, then=charged)
        charged(head)
        return True

    def _post(self, actor: Actor, text: str, reply: Reply, loop: AbstractEventLoop) -> None:
        def told(became: TweetOut | Exception | None) -> None:
            if became is None:
                reply.in_task()
            elif isinstance(became, TweetOut):
                reply.created(envelope.one(render_new(became)), self._charged)
            else:
                reply.whole(answers.of_exception(became), self._charged)

        post_soon(actor=actor, text=text, now=clock.now(), source=SOURCE, tell=told, loop=loop)


async def _post(author_id: int, new: TweetIn, idempotency_key: str | None) -> TweetOut:
    if new.edit_options is not None:
        return await _edit(author_id, new, new.edit_options.previous_post_id)
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


async def _edit(author_id: int, new: TweetIn, tweet_id: int) -> TweetOut:
    if not _is_plain(new):
        raise services_edits.NotEditable(
            "An edit changes the text alone: send `text` and `edit_options`.", field="edit_options"
        )
    return await in_thread(
        services_edits.edit_tweet,
        user_id=author_id,
        tweet_id=tweet_id,
        text=new.text,
        now=clock.now(),
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
