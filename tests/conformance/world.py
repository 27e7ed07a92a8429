"""A small world in which every operation has something to show: people who stand to each other in
every way, posts of every kind, lists, pictures, rules."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.graph.services import block_user, follow_user, mute_user
from apps.graph.services_lists import add_member, create_list, follow_list, pin_list
from apps.infra import clock
from apps.media.services import uploads
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet
from apps.tweets.services_bookmarks import add_bookmark
from apps.tweets.services_edits import edit_tweet
from apps.tweets.services_polls import NewPoll, vote
from apps.tweets.services_scheduled import post_due, schedule_post
from apps.users.models import User
from apps.users.services import issue_token, set_protected, suspend_user, update_profile
from apps.users.services_apps import Keys, create_application
from apps.users.services_pinned import set_pinned_tweet
from apps.users.services_tokens import app_only_token, issue_oauth1
from tests.factories import UserFactory
from tests.media.conftest import animation, picture
from tests.trends.trending import trending
from twitterlite.openapi.document import schema

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
GONE = 1
GERMANY, ATLANTIS = 23424829, 2


@dataclass
class World:
    """Who and what there is. alice acts; carol is protected and unknown to her, frank protected and
    followed by her; dave is suspended; erin blocks her."""

    people: dict[str, User]
    keys: Keys
    token: str
    app_token: str
    oauth1: tuple[str, str]
    tweets: dict[str, int] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    media: list[str] = field(default_factory=list)
    scheduled: list[int] = field(default_factory=list)

    @property
    def me(self) -> int:
        """Who acts."""
        return self.people["alice"].id

    def values(self, path: str, name: str) -> list[str]:
        """What to put into a hole of a path: things of every kind, and one that is not there."""
        if name == "username":
            return [*NAMES, "nobody_here"]
        if name == "media_key":
            return [*self.media, "3_1"]
        if name == "woeid":
            return [str(one) for one in (1, GERMANY, ATLANTIS)]
        if path.startswith("/2/lists/"):
            return [str(one) for one in (*self.lists.values(), GONE)]
        for start, known in (
            ("/2/scheduled_tweets/", self.scheduled),
            ("/2/tweets/", self.tweets.values()),
        ):
            if path.startswith(start):
                return [str(one) for one in (*known, GONE)]
        return [str(one.id) for one in self.people.values()] + [str(GONE)]


def make() -> World:
    """Make it, committed; what subscribers note of it comes by `drain_outbox`."""
    people = {name: UserFactory(username=name) for name in NAMES}
    alice = people["alice"]
    now = clock.now()
    keys = create_application(
        owner_id=alice.id, name="World", now=now, redirect_uris="https://app.example/back"
    )
    application_id = keys.application_id
    world = World(
        people,
        keys,
        issue_token(user_id=alice.id, now=now),
        app_only_token(application_id=application_id, now=now),
        issue_oauth1(application_id=application_id, user_id=alice.id, now=now),
    )
    _fill_tweets(world)
    _relate(world)
    _fill_lists(world)
    trending("#Tea", "#Coffee")
    return world


def _say(world: World, key: str, author: str, text: str, **how: Any) -> int:
    author_id = world.people[author].id
    made = post_tweet(author_id=author_id, text=text, now=clock.now(), **how)
    world.tweets[key] = made.id
    return made.id


def _fill_tweets(world: World) -> None:
    people, now = world.people, clock.now()
    first = _say(world, "first", "alice", "Tea with @bob #tea $TEA https://example.com/a?b=1 🍵")
    answer = _say(world, "answer", "bob", "@alice yes, tea", in_reply_to_id=first)
    _say(world, "quote", "bob", "this tea", quote_of_id=first)
    _say(world, "deeper", "alice", "and milk", in_reply_to_id=answer)
    _say(world, "own quote", "alice", "quoting you", quote_of_id=answer)
    _say(world, "closed", "alice", "for followers", reply_settings="following")
    _say(world, "carols", "carol", "tea in secret")
    _say(world, "franks", "frank", "tea among friends")
    _say(world, "daves", "dave", "tea of dave")
    _say(world, "erins", "erin", "tea of erin")
    gone = _say(world, "gone", "alice", "tea that went")
    world.tweets["retweet"] = retweet(user_id=people["bob"].id, tweet_id=first, now=now).id
    world.tweets["own retweet"] = retweet(user_id=world.me, tweet_id=answer, now=now).id
    for name in ("alice", "bob", "frank"):
        like_tweet(user_id=people[name].id, tweet_id=first, now=now)
    like_tweet(user_id=world.me, tweet_id=answer, now=now)
    for one in (first, answer, world.tweets["quote"]):
        add_bookmark(user_id=world.me, tweet_id=one, now=now)
    _fill_media(world)
    _schedule(world, first)
    edited = _say(world, "edited", "alice", "tea at fvie")
    edit_tweet(user_id=world.me, tweet_id=edited, text="tea at five", now=now)
    delete_tweet(user_id=world.me, tweet_id=gone, now=now)
    set_pinned_tweet(user_id=world.me, tweet_id=first)


def _schedule(world: World, first: int) -> None:
    """Posts that wait: one by everybody's time, and one that could not be made."""
    now, poll = clock.now(), NewPoll(options=("milk", "lemon"), duration_minutes=60)
    for due, how in ((5, {"in_reply_to_id": first}), (6, {"poll": poll})):
        made = schedule_post(
            author_id=world.me, text="tea at five", due_at=now + timedelta(hours=due), now=now,
            **how,
        )  # fmt: skip
        world.scheduled.append(made.id)
    gone = _say(world, "gone quote", "bob", "soon gone")
    then = now + timedelta(minutes=1)
    late = schedule_post(
        author_id=world.me, text="you said", due_at=then, quote_of_id=gone, now=now
    )
    world.scheduled.append(late.id)
    delete_tweet(user_id=world.people["bob"].id, tweet_id=gone, now=now)
    post_due(now=then)


def _fill_media(world: World) -> None:
    """A picture that hangs on no post, one and an animation that do, and a poll."""
    now, hung = clock.now(), []
    for data in (picture(), picture(), animation()):
        made = uploads.upload_once(owner_id=world.me, data=data, now=now)
        uploads.set_alt_text(media_id=made.id, owner_id=world.me, text="gold and blue", now=now)
        world.media.append(made.media_key)
        hung.append(made.id)
    _say(world, "pictured", "alice", "a cup of tea", media_ids=[hung[1]])
    _say(world, "moving", "alice", "tea, stirred", media_ids=[hung[2]])
    poll = NewPoll(options=("green tea", "black tea"), duration_minutes=60)
    asked = _say(world, "asking", "bob", "which tea?", poll=poll)
    vote(user_id=world.me, tweet_id=asked, position=2, now=now)
    _say(world, "see above", "alice", "see above", quote_of_id=asked)


def _relate(world: World) -> None:
    people, now = world.people, clock.now()
    for one, other in (("alice", "bob"), ("alice", "frank"), ("bob", "alice"), ("erin", "bob")):
        follow_user(follower_id=people[one].id, followee_id=people[other].id, now=now)
    update_profile(
        user_id=world.me, name="Alice", bio="tea @bob #tea https://example.com", location="Here",
        url="https://example.com/me", now=now,
    )  # fmt: skip
    mute_user(muter_id=world.me, muted_id=people["bob"].id, now=now)
    for name in ("carol", "frank"):
        set_protected(user_id=people[name].id, protected=True, now=now)
    follow_user(follower_id=world.me, followee_id=people["carol"].id, now=now)
    block_user(blocker_id=people["erin"].id, blocked_id=world.me, now=now)
    block_user(blocker_id=world.me, blocked_id=people["dave"].id, now=now)
    suspend_user(user_id=people["dave"].id, now=now)


def _fill_lists(world: World) -> None:
    now, bob = clock.now(), world.people["bob"].id
    for key, owner, is_private in (
        ("own", world.me, False),
        ("private", world.me, True),
        ("bobs", bob, False),
        ("bobs private", bob, True),
    ):
        made = create_list(
            owner_id=owner, name=key, description="of tea", is_private=is_private, now=now
        )
        world.lists[key] = made.id
    for member in (bob, world.me, world.people["frank"].id):
        add_member(user_id=world.me, list_id=world.lists["own"], member_id=member, now=now)
    add_member(user_id=bob, list_id=world.lists["bobs"], member_id=world.me, now=now)
    follow_list(user_id=world.me, list_id=world.lists["bobs"], now=now)
    follow_list(user_id=bob, list_id=world.lists["own"], now=now)
    pin_list(user_id=world.me, list_id=world.lists["own"], now=now)


def everything(operation: dict[str, Any]) -> dict[str, str]:
    """Every field and every expansion that an operation offers."""
    return {
        one["name"]: ",".join(one["schema"]["items"]["enum"])
        for one in operation.get("parameters", [])
        if one["in"] == "query"
        and (one["name"].endswith(".fields") or one["name"] == "expansions")
        and "enum" in one["schema"].get("items", {})
    }


def operations() -> dict[str, dict[str, Any]]:
    """Every operation of our description: `GET /2/users/me` → what is said of it."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    }
