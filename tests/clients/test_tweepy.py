"""tweepy logs in by each of its flows, and does with it what people do."""

import re
from typing import Any

import pytest

from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.services_tokens import issue_oauth1
from tests.clients.conftest import Live
from tests.users.oauth_clients import BACK, App, register

tweepy = pytest.importorskip("tweepy", reason="tweepy is not installed")
requests = pytest.importorskip("requests")

SCOPE = [
    "tweet.read", "tweet.write", "users.read", "follows.read", "follows.write", "offline.access",
]  # fmt: skip


def _closed(client: Any) -> None:
    client.session.close()


def test_an_application_reads_for_itself(pointed, app, alice):
    tweet = post_tweet(author_id=alice.id, text="for everybody", now=clock.now())

    def script() -> None:
        keys = app.keys
        handler = tweepy.OAuth2AppHandler(keys.consumer_key, keys.consumer_secret)
        client = tweepy.Client(handler._bearer_token)
        assert client.get_user(username="alice").data.id == alice.id
        assert client.get_tweet(tweet.id).data.text == "for everybody"
        assert [one.id for one in client.get_users_tweets(alice.id).data] == [tweet.id]
        assert client.get_users_followers(alice.id).data is None
        with pytest.raises(tweepy.Forbidden, match="Application-Only is forbidden"):
            client.create_tweet(text="no", user_auth=False)
        with pytest.raises(tweepy.Forbidden):
            client.get_me(user_auth=False)
        _closed(client)

    pointed.run(script)


def test_wrong_keys_are_told(pointed, app):
    def script() -> None:
        with pytest.raises(tweepy.TweepyException, match="token_type"):
            tweepy.OAuth2AppHandler(app.keys.consumer_key, "wrong")

    pointed.run(script)


@pytest.mark.parametrize("is_confidential", [True, False])
def test_a_person_consents_with_pkce(pointed, alice, bob, api, is_confidential):
    app = register(alice, api, is_confidential=is_confidential)

    def script() -> None:
        handler = tweepy.OAuth2UserHandler(
            client_id=app.keys.client_id,
            redirect_uri=BACK,
            scope=SCOPE,
            client_secret=app.keys.client_secret or None,
        )
        answer = pointed.consent("bob", handler.get_authorization_url())
        token = handler.fetch_token(answer.headers["location"])
        assert set(token["scope"]) == set(SCOPE)
        _post_and_follow(tweepy.Client(token["access_token"]), alice, bob, user_auth=False)

        fresh = handler.refresh_token(
            pointed.url + "/2/oauth2/token",
            refresh_token=token["refresh_token"],
            auth=handler.auth,
            client_id=app.keys.client_id,
        )
        assert fresh["refresh_token"] != token["refresh_token"]
        client = tweepy.Client(fresh["access_token"])
        assert client.get_me(user_auth=False).data.id == bob.id
        with pytest.raises(tweepy.Forbidden, match=r"bookmark\.read"):
            client.get_bookmarks()
        _closed(client)
        handler.close()

    pointed.run(script)


def _post_and_follow(client: Any, alice: Any, bob: Any, **how: Any) -> None:
    me = client.get_me(user_fields=["created_at"], **how).data
    assert (me.id, me.username) == (bob.id, "bob")
    tweet = client.create_tweet(text="hello & goodbye ☂", **how).data
    assert client.get_tweet(tweet["id"], **how).data.text == "hello & goodbye ☂"
    assert client.follow_user(alice.id, **how).data["following"]
    assert [one.id for one in client.get_users_following(bob.id, **how).data] == [alice.id]
    assert client.delete_tweet(tweet["id"], **how).data["deleted"]
    _closed(client)


def _three_legged(pointed: Live, app: App, **how: Any) -> tuple[str, str]:
    keys = app.keys
    handler = tweepy.OAuth1UserHandler(keys.consumer_key, keys.consumer_secret, **how)
    url = handler.get_authorization_url(signin_with_twitter="callback" in how)
    answer = pointed.consent("bob", url)
    if "callback" in how and how["callback"] != "oob":
        found = re.search(r"oauth_verifier=(\w+)", answer.headers["location"])
    else:
        found = re.search(r'id="pin" value="(\d+)"', answer.text)
    assert found
    handler.oauth.close()
    made: tuple[str, str] = handler.get_access_token(found[1])
    handler.oauth.close()
    return made


@pytest.mark.parametrize("callback", ["oob", BACK])
def test_a_person_consents_with_oauth_1(pointed, app, alice, bob, callback):
    def script() -> None:
        token, secret = _three_legged(pointed, app, callback=callback)
        assert token.partition("-")[0] == str(bob.id)
        keys = app.keys
        client = tweepy.Client(
            consumer_key=keys.consumer_key,
            consumer_secret=keys.consumer_secret,
            access_token=token,
            access_token_secret=secret,
        )
        _post_and_follow(client, alice, bob, user_auth=True)

    pointed.run(script)


def test_requests_may_be_signed_for_the_host_of_x(live, app, bob):
    class Redirected(requests.adapters.HTTPAdapter):  # type: ignore[misc,name-defined]
        """Sends what was signed for another host pointed."""

        def send(self, request: Any, *given: Any, **how: Any) -> Any:
            request.url = request.url.replace("https://api.twitter.com", live.url)
            return super().send(request, *given, **how)

    keys = app.keys
    token, secret = issue_oauth1(
        application_id=keys.application_id, user_id=bob.id, now=clock.now()
    )

    def script() -> None:
        client = tweepy.Client(
            consumer_key=keys.consumer_key,
            consumer_secret=keys.consumer_secret,
            access_token=token,
            access_token_secret=secret,
        )
        client.session.mount("https://api.twitter.com", Redirected())
        assert client.get_me(user_fields=["public_metrics"]).data.id == bob.id
        assert client.create_tweet(text="signed for another host").data["id"]
        _closed(client)

    live.run(script)
