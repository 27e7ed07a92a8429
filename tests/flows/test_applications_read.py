"""An application without a person sees in lists what a visitor sees."""

from apps.graph import services_lists
from apps.infra import clock
from apps.tweets import services
from apps.users.services import set_protected
from apps.users.services_apps import create_application
from apps.users.services_tokens import app_only_token
from tests.http import Client


def post(author, text, **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def test_an_application_sees_what_a_visitor_sees(loop, alice, bob, carol, drain_outbox):
    now = clock.now()
    lists = {}
    for is_private in (False, True):
        made = services_lists.create_list(
            owner_id=alice.id, name="news", is_private=is_private, now=now
        )
        lists[is_private] = made.id
        for one in (bob, carol):
            services_lists.add_member(user_id=alice.id, list_id=made.id, member_id=one.id, now=now)
    first = post(alice, "first")
    shown, closed = (post(one, "@alice", quote_of_id=first.id) for one in (bob, carol))
    for one in (bob, carol):
        services.retweet(user_id=one.id, tweet_id=first.id, now=now)
    set_protected(user_id=carol.id, protected=True, now=now)
    drain_outbox()
    keys = create_application(owner_id=alice.id, name="App", now=now)
    client = Client(loop, app_only_token(application_id=keys.application_id, now=now))

    def ids(path):
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        return [int(one["id"]) for one in answer.json().get("data", [])]

    tweet, public, secret = f"/2/tweets/{first.id}", lists[False], lists[True]
    assert ids(f"{tweet}/quote_tweets") == [shown.id]
    assert ids(f"{tweet}/retweeted_by") == [bob.id]
    assert len(ids(f"{tweet}/retweets")) == 1
    assert ids(f"/2/users/{alice.id}/mentions") == [shown.id]
    assert ids(f"/2/users/{carol.id}/mentions") == []
    assert ids(f"/2/lists/{public}/tweets")[-1] == shown.id
    assert closed.id not in ids(f"/2/lists/{public}/tweets")
    assert ids(f"/2/users/{alice.id}/owned_lists") == [public]
    assert ids(f"/2/users/{bob.id}/list_memberships") == [public]
    assert "errors" in client.get(f"/2/users/{carol.id}/list_memberships").json()
    for what in ("", "/tweets", "/members", "/followers"):
        assert "errors" in client.get(f"/2/lists/{secret}{what}").json()
    for path in (f"{tweet}/liking_users", "/2/users/reposts_of_me"):
        assert client.get(path).status_code == 403
