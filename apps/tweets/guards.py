"""May A do this to that tweet?"""

from django.utils.translation import gettext as _

from apps.graph import guards as graph_guards
from apps.infra.errors import Forbidden, Invalid, NotFound
from apps.tweets.models import Tweet
from apps.tweets.text.entities import extract_entities
from apps.users import guards as user_guards

REPLY_SETTINGS = ("following", "mentionedUsers")


class BadReplySettings(Invalid):
    """Nobody can be let in by this rule, or not by this tweet."""

    code = "bad_reply_settings"


class ProtectedTweet(Forbidden):
    """Posts of protected accounts may not be passed on."""

    code = "protected"


class MayNotAnswer(Forbidden):
    """Whoever began the conversation lets only some people answer."""

    code = "reply_not_allowed"


class NotAReply(Invalid):
    """Only answers can be put out of the way."""

    code = "not_a_reply"


def ensure_may_see(*, viewer_id: int, tweet_id: int) -> Tweet:
    """The tweet, if it is live and the viewer may see it.

    Raises:
        NotFound: it does not exist, or the viewer may not know that it does.
        Blocked: one of viewer and author blocks the other.
    """
    rows = Tweet.objects.filter(id=tweet_id, deleted_at=None, hidden_at=None)
    tweet = rows.order_by("id").first() if 0 < tweet_id < 1 << 63 else None
    if tweet is None:
        raise NotFound(_("This post is gone or never was."))
    if tweet.author_id != viewer_id:
        _ensure_may_read(viewer_id, tweet.author_id)
        graph_guards.ensure_no_block(one=viewer_id, other=tweet.author_id)
    return tweet


def _ensure_may_read(viewer_id: int, author_id: int) -> None:
    """In the words of a post that never was. Before any block: that says that there is a post."""
    gone = NotFound(_("This post is gone or never was."))
    try:
        author = user_guards.ensure_exists(user_id=author_id)
    except NotFound:
        raise gone from None
    is_closed = author.is_protected and not graph_guards.follows(
        follower_id=viewer_id, followee_id=author_id
    )
    if is_closed:
        raise gone


def ensure_may_share(*, user_id: int, tweet_id: int) -> Tweet:
    """The tweet to retweet or quote: seen by the user, and public or their own.

    A retweet stands for its original.

    Raises:
        NotFound, Blocked: as `ensure_may_see`. ProtectedTweet.
    """
    tweet = ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    if (
        tweet.author_id != user_id
        and user_guards.ensure_exists(user_id=tweet.author_id).is_protected
    ):
        raise ProtectedTweet(_("This account is protected; its posts cannot be passed on."))
    return tweet


def ensure_own(*, user_id: int, tweet_id: int) -> Tweet:
    """The live tweet, if the user wrote it.

    Raises:
        NotFound: there is none that the user may see. Blocked: as `ensure_may_see`, for others.
        Forbidden: somebody else wrote it.
    """
    rows = Tweet.objects.filter(id=tweet_id, deleted_at=None)
    tweet = rows.order_by("id").first() if 0 < tweet_id < 1 << 63 else None
    if tweet is None:
        raise NotFound(_("This post is gone or never was."))
    if tweet.author_id != user_id:
        ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
        raise Forbidden(_("Only its author can do this."))
    return tweet


def ensure_may_answer(*, user_id: int, parent: Tweet) -> None:
    """The user may answer in the parent's conversation.

    Who began it may always; where answers are limited, those mentioned in its first tweet may, and
    with "following" those whom its author follows. A first tweet that was deleted still counts.

    Raises:
        MayNotAnswer.
    """
    root = _root_of(parent)
    if root is None or not root.reply_settings or root.author_id == user_id:
        return
    mentioned = {one.username.lower() for one in extract_entities(root.text).mentions}
    if mentioned and user_guards.username_of(user_id=user_id).lower() in mentioned:
        return
    if root.reply_settings == "following" and graph_guards.follows(
        follower_id=root.author_id, followee_id=user_id
    ):
        return
    raise MayNotAnswer(_("Its author lets only some people answer in this conversation."))


def checked_reply_settings(reply_settings: str | None, in_reply_to_id: int | None) -> str | None:
    """What is stored of the setting; None for everyone. Raises BadReplySettings."""
    if reply_settings is None or reply_settings == "everyone":
        return None
    if reply_settings not in REPLY_SETTINGS:
        raise BadReplySettings(
            _("[%(reply_settings)s] is not offered here: everyone, following or mentionedUsers.")
            % {"reply_settings": reply_settings},
            field="reply_settings",
        )
    if in_reply_to_id is not None:
        raise BadReplySettings(
            _("Who may answer is for the first post of a conversation to say."),
            field="reply_settings",
        )
    return reply_settings


def ensure_may_tidy(*, user_id: int, tweet_id: int) -> Tweet:
    """The live answer, if the user began its conversation.

    Raises:
        NotFound, Blocked: as `ensure_may_see`, for others. Forbidden: somebody else began the
        conversation. NotAReply.
    """
    rows = Tweet.objects.filter(id=tweet_id, deleted_at=None, hidden_at=None)
    tweet = rows.order_by("id").first() if 0 < tweet_id < 1 << 63 else None
    root = _root_of(tweet) if tweet is not None else None
    if tweet is None or root is None or root.author_id != user_id:
        ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
        raise Forbidden(_("Only who began the conversation can do this."))
    if tweet.in_reply_to_id is None:
        raise NotAReply(_("This post answers nothing; only replies can be hidden."), field="id")
    return tweet


def _root_of(tweet: Tweet) -> Tweet | None:
    """The first tweet of a conversation, deleted or not; None if it was never stored here."""
    if tweet.conversation_id == tweet.id:
        return tweet
    return Tweet.objects.filter(id=tweet.conversation_id).order_by("id").first()
