"""Timelines over HTTP, and the hot lane beside the router."""

import pytest

from apps.graph.services import follow_user, mute_user
from apps.infra import clock
from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.tweets import services
from apps.users.services import revoke_token, set_protected


def post(author, text, **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def home(person, query=""):
    return f"/2/users/{person.id}/timelines/reverse_chronological" + (query and f"?{query}")


def ids(answer):
    return [tweet["id"] for tweet in answer.json().get("data", [])]


def all_pages(client, path):
    """Every id, page by page, and the number of pages."""
    found, token, pages = [], "", 0
    while True:
        answer = client.get(path + (f"&pagination_token={token}" if token else ""))
        assert answer.status_code == 200
        found += ids(answer)
        pages += 1
        token = answer.json()["meta"].get("next_token")
        if not token:
            return found, pages


@pytest.fixture
def bob_follows_alice(alice, bob):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())


def test_home_holds_what_followees_posted(api_as, alice, bob, carol, bob_follows_alice):
    first, second = post(alice, "one"), post(alice, "two")
    post(carol, "nobody follows me")

    answer = api_as(bob).get(home(bob))

    assert ids(answer) == [str(second.id), str(first.id)]
    assert answer.json()["meta"] == {
        "result_count": 2, "newest_id": str(second.id), "oldest_id": str(first.id),
    }  # fmt: skip


def test_an_empty_home_has_no_data(api_as, alice):
    assert api_as(alice).get(home(alice)).json() == {"meta": {"result_count": 0}}


def test_pages_have_no_gap_and_no_repeat(api_as, alice, bob, bob_follows_alice):
    posted = [str(post(alice, f"{n}").id) for n in range(11)]

    found, pages = all_pages(api_as(bob), home(bob, "max_results=3"))

    assert found == posted[::-1]
    assert pages <= 5


def test_pages_can_be_turned_back_whatever_was_posted_meanwhile(
    api_as, alice, bob, bob_follows_alice
):
    for n in range(6):
        post(alice, f"{n}")
    client, path = api_as(bob), home(bob, "max_results=2")
    first = client.get(path)
    second = client.get(f"{path}&pagination_token={first.json()['meta']['next_token']}")
    third = client.get(f"{path}&pagination_token={second.json()['meta']['next_token']}")
    newer = post(alice, "meanwhile")

    back = client.get(f"{path}&pagination_token={third.json()['meta']['previous_token']}")
    front = client.get(f"{path}&pagination_token={back.json()['meta']['previous_token']}")
    top = client.get(f"{path}&pagination_token={front.json()['meta']['previous_token']}")

    assert "previous_token" not in first.json()["meta"]
    assert ids(back) == ids(second)
    assert ids(front) == ids(first)
    assert ids(top) == [str(newer.id)]


@pytest.mark.parametrize("surface", ["home", "tweets"])
def test_a_window_of_ids_or_times(api_as, alice, bob, bob_follows_alice, surface):
    tweets = [post(alice, f"{n}") for n in range(5)]
    path = home(bob) if surface == "home" else f"/2/users/{alice.id}/tweets"
    client = api_as(bob)

    between = client.get(f"{path}?since_id={tweets[0].id}&until_id={tweets[3].id}")
    before_all = client.get(f"{path}?end_time=2010-01-01T00:00:00Z")
    after_all = client.get(f"{path}?start_time=2010-01-01T00:00:00Z")
    never = client.get(f"{path}?start_time=2999-01-01T00:00:00Z")

    assert ids(between) == [str(tweets[2].id), str(tweets[1].id)]
    assert "next_token" not in between.json()["meta"]
    assert ids(before_all) == ids(never) == []
    assert len(ids(after_all)) == 5


@pytest.mark.parametrize("surface", ["home", "tweets"])
def test_replies_and_retweets_can_be_left_out(
    api_as, alice, bob, carol, bob_follows_alice, surface
):
    other = post(carol, "from outside")
    plain = post(alice, "plain")
    reply = post(alice, "reply", in_reply_to_id=other.id)
    again = services.retweet(user_id=alice.id, tweet_id=other.id, now=clock.now())
    path = home(bob) if surface == "home" else f"/2/users/{alice.id}/tweets"
    client = api_as(bob)

    assert len(ids(client.get(path))) == 3
    assert ids(client.get(f"{path}?exclude=replies")) == [str(again.id), str(plain.id)]
    assert ids(client.get(f"{path}?exclude=retweets")) == [str(reply.id), str(plain.id)]
    assert ids(client.get(f"{path}?exclude=replies,retweets")) == [str(plain.id)]


def test_a_profile_goes_back_to_the_first_tweet(api_as, alice, bob):
    posted = [str(post(alice, f"{n}").id) for n in range(12)]

    found, _pages = all_pages(api_as(bob), f"/2/users/{alice.id}/tweets?max_results=5")

    assert found == posted[::-1]


def test_a_profile_of_nobody(api_as, alice):
    answer = api_as(alice).get("/2/users/5/tweets").json()

    assert answer["meta"] == {"result_count": 0}
    assert answer["errors"][0]["resource_type"] == "user"


def test_a_profile_that_is_not_open_says_so(api_as, alice, bob, carol):
    tweet = post(alice, "for followers")
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    path = f"/2/users/{alice.id}/tweets"

    for reader in (alice, carol):
        assert ids(api_as(reader).get(path)) == [str(tweet.id)]
    answer = api_as(bob).get(path).json()
    assert answer["meta"] == {"result_count": 0}
    assert answer["errors"][0]["title"] == "Authorization Error"


def test_a_home_timeline_is_its_owner_s(api_as, alice, bob):
    answer = api_as(alice).get(home(bob))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_account")


def test_a_revoked_token_opens_no_home_at_once(api_as, alice):
    client = api_as(alice)
    assert client.get(home(alice)).status_code == 200

    revoke_token(token=client.token, now=clock.now())

    assert client.get(home(alice)).status_code == 401


def test_a_mute_holds_on_the_next_read(api_as, alice, bob, bob_follows_alice):
    post(alice, "one")
    client = api_as(bob)
    assert len(ids(client.get(home(bob)))) == 1

    mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())

    assert ids(client.get(home(bob))) == []


QUERIES = [
    "",
    "max_results=5",
    "tweet.fields=author_id,created_at,public_metrics,referenced_tweets",
    "expansions=author_id,referenced_tweets.id&user.fields=protected",
    "exclude=replies&max_results=1",
    "max_results=0",
    "max_results=101",
    "max_results=",
    "pagination_token=nonsense",
    "tweet.fields=shoes",
    "tweet.fields=",
    "since_id=x&until_id=y",
    "start_time=yesterday",
    "start_time=0001-01-01T00:00:00Z&end_time=9999-12-31T23:59:59Z",
    "max_results=%FF%FE",
    "max_results=5&max_results=7",
    "%00=%00",
    "tweet.fields=%ED%A0%80",
    "pagination_token=&next_token=",
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_hot_lane_and_the_router_give_the_same_bytes(
    api_as, alice, bob, carol, bob_follows_alice, query
):
    first = post(carol, "from outside")
    post(alice, "plain")
    post(alice, "reply", in_reply_to_id=first.id)
    services.retweet(user_id=alice.id, tweet_id=first.id, now=clock.now())
    client = api_as(bob)
    router = client.through(Edge(handler.api))

    hot = client.get(home(bob, query), x_request_id="r1")
    cold = router.get(home(bob, query), x_request_id="r1")

    assert hot.content == cold.content
    assert hot.status_code == cold.status_code
    assert hot.headers["content-type"] == cold.headers["content-type"]


@pytest.mark.parametrize("who", ["x", "", "0", "9" * 20, "5", "%00", "é", "1%2f2"])
def test_both_doors_refuse_the_same_paths(api_as, bob, who):
    client = api_as(bob)
    path = f"/2/users/{who}/timelines/reverse_chronological"

    hot = client.get(path, x_request_id="r1")
    cold = client.through(Edge(handler.api)).get(path, x_request_id="r1")

    assert 400 <= hot.status_code < 500
    assert (hot.status_code, hot.content) == (cold.status_code, cold.content)


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic x"])
def test_both_doors_refuse_the_same_callers(api, bob, authorization):
    hot = api.get(home(bob), x_request_id="r1", authorization=authorization)
    cold = api.through(Edge(handler.api)).get(
        home(bob), x_request_id="r1", authorization=authorization
    )

    assert (hot.status_code, hot.content) == (401, cold.content)
    assert hot.headers["www-authenticate"] == cold.headers["www-authenticate"]
