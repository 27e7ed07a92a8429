"""xdk, X's own library for Python, which speaks of posts: in the older words and the newer."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.tweets.services import post_tweet, retweet
from tests.clients.conftest import Live
from tests.clients.hosts import redirected
from tests.clients.pictures import picture
from tests.clients.test_tweepy_streams import saying
from tests.clients.tweepies import Credentials
from tests.users.oauth_clients import BACK, SCOPES

xdk: Any = pytest.importorskip("xdk", reason="xdk is not installed")
requests: Any = pytest.importorskip("requests")
NEWER = ["created_at", "public_metrics", "conversation_id", "article_title"]


@pytest.fixture
def here(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The service; what xdk knows by itself of X's addresses leads here."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with redirected({"https://api.x.com": live.url}):
        yield live


@pytest.fixture
def mine(here: Live, app: Any, bob: Any) -> Credentials:
    """Bob's."""
    return Credentials.of(app, bob)


def client_of(live: Live, **how: Any) -> Any:
    return xdk.Client(base_url=live.url, authorization_base_url=f"{live.url}/i", **how)


def post(author: Any, text: str, **other: Any) -> int:
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **other).id


def ids_of(pages: Any) -> list[int]:
    return [int(one.id if hasattr(one, "id") else one["id"]) for page in pages for one in page.data]


def test_a_person_consents(here, app, bob):
    keys = app.keys

    def script() -> None:
        client = client_of(
            here, client_id=keys.client_id, client_secret=keys.client_secret, redirect_uri=BACK,
            scope=SCOPES,
        )  # fmt: skip
        answer = here.consent("bob", client.get_authorization_url(state="s"))
        token = client.fetch_token(answer.headers["location"])
        assert token["token_type"] == "bearer"
        assert client.users.get_me().data.username == "bob"
        fresh = client.refresh_token()
        assert fresh["access_token"] != token["access_token"]
        client.session.close()

    here.run(script)


def test_a_person_consents_with_oauth_1(here, app, bob):
    from xdk.oauth1_auth import OAuth1

    keys = app.keys

    def script() -> None:
        auth = OAuth1(api_key=keys.consumer_key, api_secret=keys.consumer_secret, callback="oob")
        url = auth.start_oauth_flow().replace("https://api.x.com", here.url)
        page = here.consent("bob", url.replace("https://x.com", here.url))
        found = re.search(r'id="pin" value="(\d+)"', page.text)
        assert found
        token = auth.get_access_token(found[1])
        # One that has asked for a token goes on signing with the secret of that question.
        auth = OAuth1(
            api_key=keys.consumer_key, api_secret=keys.consumer_secret, callback="oob",
            access_token=token.access_token, access_token_secret=token.access_token_secret,
        )  # fmt: skip
        client = client_of(here, auth=auth)
        made = client.posts.create({"text": "signed by xdk"}).data
        assert made.text == "signed by xdk"
        assert client.posts.delete(made.id).data.deleted is True
        client.session.close()

    here.run(script)


def test_posts_and_what_people_do_with_them(here, mine, alice, bob):
    first = str(post(alice, "first"))

    def script() -> None:
        client = client_of(here, access_token=mine.bearer)
        reply = client.posts.create({"text": "r", "reply": {"in_reply_to_tweet_id": first}}).data
        quote = client.posts.create({"text": "q", "quote_tweet_id": first}).data
        assert ids_of(client.posts.get_quoted(first)) == [int(quote.id)]
        me = str(bob.id)
        assert client.users.like_post(me, {"tweet_id": first}).data.liked is True
        assert ids_of(client.posts.get_liking_users(first)) == [bob.id]
        assert ids_of(client.users.get_liked_posts(me)) == [int(first)]
        assert client.users.unlike_post(me, first).data.liked is False
        assert client.users.repost_post(me, {"tweet_id": first}).data.retweeted is True
        assert ids_of(client.posts.get_reposted_by(first)) == [bob.id]
        assert client.users.unrepost_post(me, first).data.retweeted is False
        assert client.users.create_bookmark(me, {"tweet_id": first}).data.bookmarked is True
        assert ids_of(client.users.get_bookmarks(me)) == [int(first)]
        assert client.users.delete_bookmark(me, first).data.bookmarked is False
        her = {"target_user_id": str(alice.id)}
        assert client.users.follow_user(me, her).data.following is True
        assert ids_of(client.users.get_following(me)) == [alice.id]
        assert client.users.unfollow_user(me, str(alice.id)).data.following is False
        assert client.users.mute_user(me, her).data.muting is True
        assert ids_of(client.users.get_muting(me)) == [alice.id]
        assert client.users.unmute_user(me, str(alice.id)).data.muting is False
        for one in (reply, quote):
            assert client.posts.delete(one.id).data.deleted is True
        client.session.close()

    here.run(script)


def test_lists(here, mine, alice, bob):
    tweet = post(alice, "on a list")

    def script() -> None:
        client = client_of(here, access_token=mine.bearer)
        made = client.lists.create({"name": "Birds", "private": False}).data.id
        assert client.lists.add_member(made, {"user_id": str(alice.id)}).data.is_member is True
        assert ids_of(client.lists.get_members(made)) == [alice.id]
        assert ids_of(client.lists.get_posts(made, post_fields=NEWER)) == [tweet]
        assert client.users.pin_list(str(bob.id), {"list_id": made}).data.pinned is True
        assert client.users.unpin_list(str(bob.id), made).data.pinned is False
        assert client.lists.update(made, {"name": "Owls"}).data.updated is True
        assert client.lists.get_by_id(made, list_fields=["member_count"]).data.member_count == 1
        assert client.lists.delete(made).data.deleted is True
        client.session.close()

    here.run(script)


def test_both_ways_of_speaking(here, mine, alice, bob, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    first = post(alice, "tea, first")
    said = [first, *(post(alice, f"tea {number}", quote_of_id=first) for number in range(12))]
    drain_outbox()

    def script() -> None:
        client = client_of(here, access_token=mine.bearer)
        for read, given in (
            (client.posts.search_recent, {"query": "tea"}),
            (client.users.get_posts, {"id": str(alice.id)}),
            (client.users.get_timeline, {"id": str(bob.id)}),
        ):
            older = list(read(**given, max_results=10))
            newer = list(
                read(
                    **given, max_results=10, post_fields=NEWER,
                    expansions=["referenced_posts", "author_id"], user_fields=["public_metrics"],
                )
            )  # fmt: skip
            assert ids_of(older) == ids_of(newer) == said[::-1]
            assert older[0].data[0].model_extra.keys() == {"edit_history_tweet_ids"}
            one = newer[0].data[0]
            assert one.edit_history_post_ids == [one.id]
            assert one.public_metrics.repost_count == 0
            assert one.referenced_posts[0].id == str(first)
            assert [each.id for each in newer[0].includes.posts] == [str(first)]
            assert newer[0].includes.users[0].public_metrics.post_count == 13
            assert not one.model_extra
        (counts,) = client.posts.get_counts_recent("tea", search_count_fields=["post_count"])
        assert counts.meta.total_post_count == 13
        assert sum(each.post_count for each in counts.data) == 13
        client.session.close()

    here.run(script)


def test_pictures(here, mine):
    sent = base64.b64encode(picture("PNG").read()).decode()

    def script() -> None:
        client = client_of(here, access_token=mine.bearer)
        whole = client.media.upload({"media": sent, "media_category": "tweet_image"}).data.id
        begun = client.media.initialize_upload(
            {"media_type": "image/png", "media_category": "tweet_image",
             "total_bytes": len(base64.b64decode(sent))}
        ).data.id  # fmt: skip
        client.media.append_upload(begun, {"media": sent, "segment_index": 0})
        assert client.media.finalize_upload(begun).data.id == begun
        alt = {"id": begun, "metadata": {"alt_text": {"text": "noise"}}}
        client.media.create_metadata(alt)
        made = client.posts.create({"text": "look", "media": {"media_ids": [whole, begun]}}).data
        told = client.posts.get_by_id(
            made.id, post_fields=["attachments"], expansions=["attachments.media_keys"],
            media_fields=["alt_text", "type", "url", "width"],
        )  # fmt: skip
        assert [one.type for one in told.includes.media] == ["photo", "photo"]
        assert [getattr(one, "alt_text", None) for one in told.includes.media] == [None, "noise"]
        assert told.data.edit_history_post_ids == [made.id]
        client.session.close()

    here.run(script)


def test_other_reads(here, mine, alice, bob):
    tweet = post(bob, "pass me on")
    passed = retweet(user_id=alice.id, tweet_id=tweet, now=clock.now()).id

    def script() -> None:
        client = client_of(here, access_token=mine.bearer)
        assert ids_of(client.users.get_reposts_of_me()) == [tweet]
        assert ids_of(client.posts.get_reposts(str(tweet))) == [passed]
        assert ids_of(client.users.search("ali")) == [alice.id]
        assert ids_of([client.users.get_by_usernames(["alice", "bob"])]) == [alice.id, bob.id]
        newer = client.users.get_by_username(
            "alice", post_fields=["id"], user_fields=["public_metrics"]
        ).data
        assert newer.id == str(alice.id)
        assert newer.public_metrics.post_count == 1
        told = client.users.get_by_ids([str(alice.id), "1"], post_fields=["id"])
        assert told.errors[0].value == "1"
        assert client.spaces.search("tea").meta.result_count == 0
        client.session.close()

    here.run(script)


def test_a_filtered_stream(here, mine, alice):
    def script() -> None:
        client = client_of(here, bearer_token=mine.app_bearer)
        made = client.stream.update_rules({"add": [{"value": "tea", "tag": "hot"}]})
        assert made.meta.summary["created"] == 1
        with saying(alice, "tea", "coffee"):
            stream = client.stream.posts(expansions=["author_id"])
            heard = next(stream)
            stream.close()
        assert heard.data.text == "tea"
        (rules,) = client.stream.get_rules()
        gone = client.stream.update_rules({"delete": {"ids": [rules.data[0].id]}})
        assert gone.meta.summary["deleted"] == 1
        client.session.close()

    here.run(script)


def test_refusals_are_told(here, mine):
    def script() -> None:
        client = client_of(here, access_token="wrong")
        with pytest.raises(requests.HTTPError, match="401"):
            client.users.get_me()
        client = client_of(here, bearer_token=mine.app_bearer)
        with pytest.raises(requests.HTTPError, match="400"):
            next(client.posts.search_recent("tea ("))
        client.session.close()

    here.run(script)
