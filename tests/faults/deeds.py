"""The deeds of the sweep: what is asked, and how often it was done by what the rows say."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import django.db
import psycopg
import redis
from PIL import Image

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.media.services import uploads
from apps.users import services as users
from tests.faults.scene import HOME, PROFILE, Scene, ids_of, rows
from tests.faults.truth import Wrong
from tests.http import Response
from tests.spine import drain_committed

Hidden = Sequence[tuple[str, str, int]]
# What a view answers with 503.
OUTAGES: tuple[type[Exception], ...] = (
    django.db.OperationalError,
    django.db.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    redis.RedisError,
)


def _nothing(_scene: Scene) -> Hidden:
    return ()


@dataclass(frozen=True)
class Deed:
    """One deed. It may be repeated; a repeat changes nothing, if `is_once`."""

    name: str
    do: Callable[[Scene], Response]
    # How often it was done; None: nothing is changed by it.
    times: Callable[[Scene], int] | None = None
    good: tuple[int, ...] = (200,)
    # Who must not see which tweet of whom, once it is acknowledged.
    hidden: Callable[[Scene], Hidden] = _nothing
    is_once: bool = True
    prepare: Callable[[Scene], None] = lambda _scene: None
    # Of a read: what must be in a good answer.
    wanted: Callable[[Scene], list[int]] | None = None

    def check_answer(self, scene: Scene, reply: Response) -> bool:
        """Whether it was acknowledged.

        Raises:
            Wrong: it was neither done nor refused honestly, or the answer is not right.
        """
        if reply.status_code in self.good:
            if self.wanted is not None and ids_of(reply) != self.wanted(scene):
                raise Wrong(f"{ids_of(reply)} instead of {self.wanted(scene)}")
            return True
        if reply.status_code != 503 or "retry-after" not in reply.headers:
            raise Wrong(f"{reply.status_code} {reply.headers} {reply.content[:300]!r}")
        return False


def _count(query: str, *names: str) -> Callable[[Scene], int]:
    def times(scene: Scene) -> int:
        given = [scene.people[name] for name in names]
        return int(rows(f"select count(*) from {query}", given)[0][0])

    return times


def _edges(table: str, one: str, other: str) -> Callable[[Scene], int]:
    ends = (
        "blocker_id = %s and blocked_id"
        if table == "blocks"
        else "follower_id = %s and followee_id"
    )
    return _count(f"{table} where {ends} = %s", one, other)


def _of(scene: Scene, name: str, tail: str) -> str:
    return f"/2/users/{scene.people[name]}/{tail}"


def _tweet(text: str, who: str) -> Callable[[Scene], int]:
    return _count(f"tweets where author_id = %s and text = '{text}'", who)


def _post(scene: Scene) -> Response:
    return scene.ask("alice", "POST", "/2/tweets", {"text": "news"})


def _post_once(scene: Scene) -> Response:
    return scene.ask("alice", "POST", "/2/tweets", {"text": "once"}, idempotency_key="a key")


def _picture(scene: Scene) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(out, "PNG")
    made = uploads.upload_once(owner_id=scene.people["carol"], data=out.getvalue(), now=clock.now())
    scene.posts["picture"] = made.id


def _reply(scene: Scene) -> Response:
    body = {
        "text": "look",
        "reply": {"in_reply_to_tweet_id": str(scene.posts["alice"])},
        "media": {"media_ids": [str(scene.posts["picture"])]},
    }
    return scene.ask("carol", "POST", "/2/tweets", body, idempotency_key="a picture")


def _delete(scene: Scene) -> Response:
    return scene.ask("alice", "DELETE", f"/2/tweets/{scene.posts['alice']}")


def _deleted(scene: Scene) -> int:
    query = "select count(deleted_at) from tweets where id = %s"
    return int(rows(query, [scene.posts["alice"]])[0][0])


def _follow(scene: Scene) -> Response:
    data = {"target_user_id": str(scene.people["carol"])}
    return scene.ask("dave", "POST", _of(scene, "dave", "following"), data)


def _unfollow(scene: Scene) -> Response:
    return scene.ask("bob", "DELETE", _of(scene, "bob", f"following/{scene.people['carol']}"))


def _gone_from_home(scene: Scene) -> Hidden:
    if scene.posts["carol"] in scene.home("bob"):
        raise Wrong("bob still reads carol")
    return ()


def _block(scene: Scene) -> Response:
    data = {"target_user_id": str(scene.people["bob"])}
    return scene.ask("alice", "POST", _of(scene, "alice", "blocking"), data)


def _protect(scene: Scene) -> Response:
    """By the service: the site's form is behind a log-in, which is no part of this."""
    reply = Response(200)
    try:
        users.set_protected(user_id=scene.people["alice"], protected=True, now=clock.now())
    except DomainError as error:
        reply = Response(error.status)
    except OUTAGES:
        reply = Response(503, {"retry-after": "1"})
    return reply


def _protected(scene: Scene) -> int:
    query = "select is_protected::int from users where id = %s"
    return int(rows(query, [scene.people["alice"]])[0][0])


def _like(scene: Scene) -> Response:
    data = {"tweet_id": str(scene.posts["alice"])}
    return scene.ask("bob", "POST", _of(scene, "bob", "likes"), data)


def _retweet(scene: Scene) -> Response:
    data = {"tweet_id": str(scene.posts["alice"])}
    return scene.ask("bob", "POST", _of(scene, "bob", "retweets"), data)


def _home(scene: Scene) -> Response:
    return scene.ask("bob", "GET", HOME.format(scene.people["bob"]))


def _cold_home(scene: Scene) -> None:
    from apps.infra.stores import redis as stores

    for instance in range(stores.state_count()):
        stores.state(instance).flushall()


def _profile(scene: Scene) -> Response:
    return scene.ask("dave", "GET", PROFILE.format(scene.people["alice"]))


def _posts_of_alice(scene: Scene) -> list[int]:
    query = "select id from tweets where author_id = %s and deleted_at is null order by id desc"
    return [row[0] for row in rows(query, [scene.people["alice"]])]


def _deliver(_scene: Scene) -> Response:
    """The relay and the workers, with a post and a delete to deliver."""
    try:
        # While an engine is away it would go on for ever.
        drain_committed(pause=lambda _seconds: None, rounds=3)
    except OUTAGES:
        return Response(503, {"retry-after": "1"})
    return Response(200)


def _something_to_deliver(scene: Scene) -> None:
    _post(scene)
    _delete(scene)
    _follow(scene)


def _alices(*viewers: str) -> Callable[[Scene], Hidden]:
    return lambda scene: [(viewer, "alice", scene.posts["alice"]) for viewer in viewers]


def _bobs_home(scene: Scene) -> list[int]:
    return scene.wanted_home("bob")


DEEDS: tuple[Deed, ...] = (
    Deed("post", _post, _tweet("news", "alice"), (201,), is_once=False),
    Deed("post with a key", _post_once, _tweet("once", "alice"), (201,)),
    Deed("reply with a picture", _reply, _tweet("look", "carol"), (201,), prepare=_picture),
    Deed("delete", _delete, _deleted, (200, 404), _alices("alice", "bob", "carol", "dave")),
    Deed("follow", _follow, _edges("follows", "dave", "carol")),
    Deed("unfollow", _unfollow, _edges("unfollows", "bob", "carol"), hidden=_gone_from_home),
    Deed("block", _block, _edges("blocks", "alice", "bob"), hidden=_alices("bob")),
    Deed("protect", _protect, _protected, hidden=_alices("dave")),
    Deed("like", _like, _count("likes where user_id = %s", "bob")),
    Deed("retweet", _retweet, _count("retweets where user_id = %s", "bob")),
    Deed("read home", _home, wanted=_bobs_home),
    Deed("read a home that is lost", _home, wanted=_bobs_home, prepare=_cold_home),
    Deed("read a profile", _profile, wanted=_posts_of_alice),
    Deed("deliver", _deliver, prepare=_something_to_deliver),
)  # fmt: skip
