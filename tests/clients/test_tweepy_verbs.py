"""What people do with tweepy, by its client of requests and by its client of aiohttp."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.services import set_protected
from tests.clients.conftest import Live
from tests.clients.tweepies import Credentials, hand, ids_of, tweepy

pytestmark = pytest.mark.parametrize("kind", ["sync", "async"])
Drain = Callable[[], int]


@pytest.fixture
def mine(pointed: Live, app: Any, bob: Any) -> Credentials:
    """Bob's, through an application."""
    return Credentials.of(app, bob)


def post(author: Any, text: str, **other: Any) -> int:
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **other).id


def test_a_conversation(pointed, mine, alice, bob, kind):
    first = post(alice, "first ☂")

    def script() -> None:
        with hand(kind, mine) as client:
            reply = client.create_tweet(text="reply", in_reply_to_tweet_id=first).data["id"]
            quote = client.create_tweet(text="quote", quote_tweet_id=first).data["id"]
            asked = {
                "tweet_fields": ["conversation_id", "referenced_tweets", "created_at",
                                 "public_metrics", "reply_settings", "in_reply_to_user_id"],
                "expansions": ["author_id", "referenced_tweets.id",
                               "referenced_tweets.id.author_id"],
                "user_fields": ["created_at", "public_metrics"],
            }  # fmt: skip
            told = client.get_tweets([reply, quote, 1], **asked)
            assert [one.text for one in told.data] == ["reply", "quote"]
            assert [one.id for one in told.includes["tweets"]] == [first]
            assert {one.username for one in told.includes["users"]} == {"alice", "bob"}
            assert [one["resource_id"] for one in told.errors] == ["1"]
            assert told.data[0].conversation_id == first
            assert told.data[0].in_reply_to_user_id == alice.id
            kinds = [one.referenced_tweets[0].type for one in told.data]
            assert kinds == ["replied_to", "quoted"]
            assert ids_of([client.get_quote_tweets(first)]) == [int(quote)]
            original = client.get_tweet(first, tweet_fields=["public_metrics"]).data
            assert original.public_metrics["reply_count"] == 1
            assert original.public_metrics["quote_count"] == 1
            assert client.delete_tweet(quote).data == {"deleted": True}
            assert client.get_tweet(quote).errors[0]["title"] == "Not Found Error"

    pointed.run(script)


def test_reactions(pointed, mine, alice, bob, kind):
    tweet = post(alice, "like me")

    def script() -> None:
        with hand(kind, mine) as client:
            assert client.like(tweet).data == {"liked": True}
            assert ids_of([client.get_liking_users(tweet)]) == [bob.id]
            assert ids_of([client.get_liked_tweets(bob.id)]) == [tweet]
            assert client.unlike(tweet).data == {"liked": False}
            assert client.get_liked_tweets(bob.id).data is None
            assert client.retweet(tweet).data["retweeted"] is True
            assert ids_of([client.get_retweeters(tweet)]) == [bob.id]
            own = client.get_users_tweets(bob.id, tweet_fields=["referenced_tweets"]).data
            assert own[0].text == "RT @alice: like me"
            assert own[0].referenced_tweets[0].type == "retweeted"
            assert client.unretweet(tweet).data["retweeted"] is False
            assert client.get_retweeters(tweet).data is None
            assert client.bookmark(tweet).data == {"bookmarked": True}
            assert ids_of([client.get_bookmarks()]) == [tweet]
            assert client.remove_bookmark(tweet).data == {"bookmarked": False}
            assert client.get_bookmarks().data is None

    pointed.run(script)


def test_people(pointed, mine, alice, bob, carol, kind):
    def script() -> None:
        with hand(kind, mine) as client:
            me = client.get_me(user_fields=["created_at", "public_metrics", "description"]).data
            assert (me.id, me.username) == (bob.id, "bob")
            assert [one.id for one in client.get_users(usernames=["carol", "Alice"]).data] == [
                carol.id, alice.id,
            ]  # fmt: skip
            assert client.get_users(ids=[alice.id, 1]).errors[0]["resource_type"] == "user"
            assert client.follow_user(alice.id).data["following"] is True
            assert ids_of([client.get_users_following(bob.id)]) == [alice.id]
            assert ids_of([client.get_users_followers(alice.id)]) == [bob.id]
            assert client.unfollow_user(alice.id).data["following"] is False
            assert client.get_users_following(bob.id).data is None
            assert client.mute(carol.id).data == {"muting": True}
            assert ids_of([client.get_muted()]) == [carol.id]
            assert client.unmute(carol.id).data == {"muting": False}
            # tweepy has no verb for a block any more; its lower floor has.
            blocks = f"/2/users/{bob.id}/blocking"
            body = {"target_user_id": str(carol.id)}
            done = client._make_request("POST", blocks, json=body, user_auth=True)
            assert done.data == {"blocking": True}
            assert ids_of([client.get_blocked()]) == [carol.id]
            done = client._make_request("DELETE", f"{blocks}/{carol.id}", user_auth=True)
            assert done.data == {"blocking": False}
            assert client.get_blocked().data is None

    pointed.run(script)


def test_lists(pointed, mine, alice, bob, kind):
    tweet = post(alice, "on a list")

    def script() -> None:
        with hand(kind, mine) as client:
            made = client.create_list("Birds", description="early", private=False).data
            number = made["id"]
            assert client.add_list_member(number, alice.id).data["is_member"] is True
            assert ids_of([client.get_list_members(number)]) == [alice.id]
            assert ids_of([client.get_list_tweets(number)]) == [tweet]
            assert ids_of([client.get_list_memberships(alice.id)]) == [int(number)]
            assert client.follow_list(number).data == {"following": True}
            assert ids_of([client.get_list_followers(number)]) == [bob.id]
            assert ids_of([client.get_followed_lists(bob.id)]) == [int(number)]
            assert client.unfollow_list(number).data == {"following": False}
            assert client.pin_list(number).data == {"pinned": True}
            assert ids_of([client.get_pinned_lists()]) == [int(number)]
            assert client.unpin_list(number).data == {"pinned": False}
            assert client.update_list(number, name="Owls").data == {"updated": True}
            told = client.get_list(
                number, list_fields=["created_at", "member_count", "owner_id", "private"],
                expansions=["owner_id"],
            )  # fmt: skip
            assert (told.data.name, told.data.member_count) == ("Owls", 1)
            assert told.includes["users"][0].id == bob.id
            assert ids_of([client.get_owned_lists(bob.id)]) == [int(number)]
            assert client.remove_list_member(number, alice.id).data["is_member"] is False
            assert client.delete_list(number).data == {"deleted": True}
            assert client.get_list(number).errors

    pointed.run(script)


def test_own_replies_are_hidden(pointed, mine, alice, bob, kind):
    reply = post(alice, "rude", in_reply_to_id=post(bob, "calm"))

    def script() -> None:
        with hand(kind, mine) as client:
            assert client.hide_reply(reply).data == {"hidden": True}
            assert client.unhide_reply(reply).data == {"hidden": False}
            with pytest.raises(tweepy.Forbidden):
                client.hide_reply(post_of_alice)

    post_of_alice = post(alice, "her own")
    pointed.run(script)


def test_timelines_are_read_to_the_end(pointed, mine, alice, bob, drain_outbox, kind):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    begun = clock.now() - timedelta(seconds=2)
    said = [post(alice, f"{number} for @bob") for number in range(23)]
    later = clock.now() + timedelta(minutes=1)
    drain_outbox()
    newest_first = said[::-1]

    def script() -> None:
        with hand(kind, mine) as client:
            for method, given in (
                ("get_users_tweets", [alice.id]),
                ("get_users_mentions", [bob.id]),
                ("get_home_timeline", []),
            ):
                pages = client.pages(method, *given, max_results=10)
                assert ids_of(pages) == newest_first, method
                assert [page.meta["result_count"] for page in pages] == [10, 10, 3]
                newest = pages[0].meta
                assert newest["newest_id"] == str(said[-1])
                assert "next_token" not in pages[-1].meta
                newer = client.pages(method, *given, max_results=10, since_id=said[2])
                assert ids_of(newer) == newest_first[:20], method
                cut = getattr(client, method)(*given, until_id=said[5], max_results=10)
                assert ids_of([cut]) == said[4::-1], method
                recent = client.pages(
                    method, *given, max_results=10, start_time=begun, end_time=later,
                    tweet_fields=["created_at"],
                )  # fmt: skip
                assert ids_of(recent) == newest_first, method
                none = getattr(client, method)(*given, end_time=begun)
                assert none.data is None
            own = client.get_users_tweets(alice.id, exclude=["replies", "retweets"])
            assert ids_of([own]) == newest_first[:10]
            followers = client.pages("get_users_followers", alice.id, max_results=1)
            assert ids_of(followers) == [bob.id]

    pointed.run(script)


def test_search_and_counts(pointed, mine, alice, bob, drain_outbox, kind):
    said = [post(alice, f"tea number {number} #cup") for number in range(23)]
    post(bob, "coffee #cup")
    drain_outbox()
    newest_first = said[::-1]
    now = clock.now()

    def script() -> None:
        with hand(kind, mine) as client:
            for method in ("search_recent_tweets", "search_all_tweets"):
                pages = client.pages(method, "tea from:alice", max_results=10)
                assert ids_of(pages) == newest_first, method
                exact = getattr(client, method)(
                    "(tea OR coffee) #cup -from:alice", expansions=["author_id"],
                    tweet_fields=["created_at"], start_time=now - timedelta(hours=1),
                )  # fmt: skip
                assert [one.text for one in exact.data] == ["coffee #cup"]
                assert exact.includes["users"][0].username == "bob"
            for method in ("get_recent_tweets_count", "get_all_tweets_count"):
                counts = getattr(client, method)("tea", granularity="day")
                assert counts.meta["total_tweet_count"] == 23
                assert sum(one["tweet_count"] for one in counts.data) == 23
            with pytest.raises(tweepy.BadRequest, match="errors processing"):
                client.search_recent_tweets("tea (")
            assert client.search_recent_tweets("nothing_at_all").data is None

    pointed.run(script)


def test_refusals_are_told(pointed, mine, app, alice, bob, kind):
    tweet = post(alice, "hers")
    nobody = Credentials(**{**_fields(mine), "bearer": "wrong", "access_token_secret": "wrong"})

    def script() -> None:
        with hand(kind, mine) as client:
            with pytest.raises(tweepy.Forbidden, match=r"."):
                client.delete_tweet(tweet)
            with pytest.raises(tweepy.BadRequest, match=r"max_results.*between 5 and 100"):
                client.get_users_tweets(alice.id, max_results=101)
            with pytest.raises(tweepy.BadRequest, match="valid id"):
                client.get_tweet("abc")
            with pytest.raises(tweepy.BadRequest, match="280"):
                client.create_tweet(text="x" * 281)
            with pytest.raises(tweepy.NotFound) as told:
                client._make_request("GET", "/2/nowhere")
            assert told.value.response.headers["content-type"] == "application/problem+json"
            # What there is not: direct messages, compliance jobs.
            for method, given in (("get_dm_events", []), ("get_compliance_jobs", ["tweets"])):
                with pytest.raises(tweepy.NotFound):
                    getattr(client, method)(*given)
            with pytest.raises(tweepy.HTTPException) as told:
                client._make_request("PATCH", "/2/tweets")
            assert _status(told.value) == 405
        with hand(kind, nobody) as client:
            for user_auth in (False, True):
                with pytest.raises(tweepy.Unauthorized, match="Unauthorized"):
                    client.get_me(user_auth=user_auth)

    pointed.run(script)


def test_who_keeps_somebody_out_is_respected(pointed, mine, alice, bob, carol, kind):
    shut, blocked = post(alice, "for followers"), post(carol, "not for bob")
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())

    def script() -> None:
        with hand(kind, mine) as client:
            told = client.get_users_tweets(alice.id)
            assert told.errors[0]["title"] == "Authorization Error"
            assert client.get_tweet(shut).errors
            assert client.follow_user(alice.id).data == {"following": False, "pending_follow": True}
            for method, given in (("follow_user", carol.id), ("like", blocked)):
                with pytest.raises(tweepy.Forbidden, match="block"):
                    getattr(client, method)(given)
            with pytest.raises(tweepy.Forbidden, match="block"):
                client.create_tweet(text="@carol", in_reply_to_tweet_id=blocked)

    pointed.run(script)


def test_pages_lead_back(pointed, mine, alice, kind):
    said = [post(alice, f"{number}") for number in range(13)]

    def script() -> None:
        with hand(kind, mine) as client:
            first = client.get_users_tweets(alice.id, max_results=5)
            second = client.get_users_tweets(
                alice.id, max_results=5, pagination_token=first.meta["next_token"]
            )
            back = client.get_users_tweets(
                alice.id, max_results=5, pagination_token=second.meta["previous_token"]
            )
            assert ids_of([first, second]) == said[:2:-1]
            assert ids_of([back]) == ids_of([first])

    pointed.run(script)


def _fields(credentials: Credentials) -> dict[str, Any]:
    return {name: getattr(credentials, name) for name in Credentials.__slots__}


def _status(error: Any) -> int:
    # requests says status_code, aiohttp status.
    response = error.response
    found: int = getattr(response, "status_code", 0) or response.status
    return found
