"""Who did what with a tweet, over HTTP: likes, retweets, quotes, for each kind of reader."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.tweets import services
from apps.users.services import issue_token, set_protected, suspend_user
from tests.factories import UserFactory
from tests.http import Client


def post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def like(user, tweet):
    services.like_tweet(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def retweet(user, tweet):
    return services.retweet(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def names(answer):
    assert answer.status_code == 200, answer.content
    return [user["username"] for user in answer.json().get("data", [])]


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [int(tweet["id"]) for tweet in answer.json().get("data", [])]


def all_pages(client, path, what):
    """Everything forward, then everything backward from the last page."""
    pages, token = [], ""
    while True:
        answer = client.get(path + (f"&pagination_token={token}" if token else ""))
        pages.append(what(answer))
        meta = answer.json()["meta"]
        assert meta["result_count"] == len(pages[-1])
        token = meta.get("next_token")
        if not token:
            break
    back, previous = [pages[-1]], answer.json()["meta"].get("previous_token")
    while previous:
        answer = client.get(f"{path}&pagination_token={previous}")
        back.append(what(answer))
        previous = answer.json()["meta"].get("previous_token")
    # Above what is shown there may be something that is not.
    assert [page for page in back if page] == pages[::-1]
    return [one for page in pages for one in page]


@pytest.fixture
def people(world):
    return [UserFactory() for _ in range(5)]


def test_who_likes_a_tweet_latest_first(api_as, alice, people):
    tweet = post(alice)
    for one in people:
        like(one, tweet)
    path = f"/2/tweets/{tweet.id}/liking_users?max_results=2"

    found = all_pages(api_as(alice), path, names)

    assert found == [one.username for one in reversed(people)]


def test_what_an_account_likes_latest_like_first(api_as, alice, bob):
    tweets = [post(alice, f"{n}") for n in range(12)]
    for tweet in reversed(tweets):
        like(bob, tweet)
    path = f"/2/users/{bob.id}/liked_tweets?max_results=5&tweet.fields=author_id"

    assert all_pages(api_as(alice), path, ids) == [tweet.id for tweet in tweets]


def test_who_retweeted_a_tweet_and_with_which_tweets(api_as, alice, people):
    tweet = post(alice)
    made = [retweet(one, tweet) for one in people]
    client = api_as(alice)

    assert all_pages(client, f"/2/tweets/{tweet.id}/retweeted_by?max_results=2", names) == [
        one.username for one in reversed(people)
    ]
    path = f"/2/tweets/{tweet.id}/retweets?max_results=2&tweet.fields=referenced_tweets"
    assert all_pages(client, path, ids) == [one.id for one in reversed(made)]


def test_the_quotes_of_a_tweet(api_as, alice, bob):
    tweet, other = post(alice), post(alice, "other")
    made = [post(bob, f"look {n}", quote_of_id=tweet.id) for n in range(12)]
    post(bob, "not this", quote_of_id=other.id)
    answering = post(bob, "re", quote_of_id=tweet.id, in_reply_to_id=other.id)
    path = f"/2/tweets/{tweet.id}/quote_tweets?max_results=10"

    assert all_pages(api_as(alice), path, ids) == [one.id for one in reversed([*made, answering])]
    assert answering.id not in ids(api_as(alice).get(f"{path}&exclude=replies"))


def test_own_tweets_that_others_retweeted(api_as, alice, bob):
    tweets = [post(alice, f"{n}") for n in range(4)]
    for tweet in tweets[:3]:
        retweet(bob, tweet)
    retweet(alice, tweets[3])
    retweet(alice, post(bob, "of bob"))
    services.undo_retweet(user_id=bob.id, tweet_id=tweets[0].id, now=clock.now())

    found = all_pages(api_as(alice), "/2/users/reposts_of_me?max_results=1", ids)

    assert found == [tweets[2].id, tweets[1].id]
    assert api_as(bob).get("/2/users/reposts_of_me").json()["meta"]["result_count"] == 1


def test_lists_without_a_hit_have_no_data(api_as, alice):
    tweet = post(alice)
    nothing = {"meta": {"result_count": 0}}

    for path in (
        f"/2/tweets/{tweet.id}/liking_users",
        f"/2/tweets/{tweet.id}/retweeted_by",
        f"/2/tweets/{tweet.id}/retweets",
        f"/2/tweets/{tweet.id}/quote_tweets",
        f"/2/users/{alice.id}/liked_tweets",
        "/2/users/reposts_of_me",
    ):
        assert api_as(alice).get(path).json() == nothing


ABOUT = ["liking_users", "retweeted_by", "retweets", "quote_tweets"]


@pytest.mark.parametrize("what", ABOUT)
def test_a_tweet_that_the_reader_may_not_see_has_no_lists(api_as, alice, bob, carol, what):
    tweet = post(alice)
    like(alice, tweet)
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    path = f"/2/tweets/{tweet.id}/{what}"

    refused = api_as(bob).get(path).json()
    assert (refused["meta"], refused["errors"][0]["resource_type"]) == (
        {"result_count": 0}, "tweet",
    )  # fmt: skip
    assert "errors" not in api_as(carol).get(path).json()
    assert "errors" in api_as(carol).get(f"/2/tweets/5/{what}").json()


@pytest.mark.parametrize("what", ["liking_users", "retweeted_by"])
def test_people_out_of_sight_are_left_out_and_the_page_is_filled(api_as, alice, bob, what):
    tweet = post(alice)
    crowd = [UserFactory(username=f"p{n}") for n in range(6)]
    for one in crowd:
        like(one, tweet)
        retweet(one, tweet)
    suspend_user(user_id=crowd[5].id, now=clock.now())
    block_user(blocker_id=crowd[4].id, blocked_id=bob.id, now=clock.now())
    set_protected(user_id=crowd[3].id, protected=True, now=clock.now())
    path = f"/2/tweets/{tweet.id}/{what}?max_results=2"

    assert names(api_as(bob).get(path)) == ["p2", "p1"]
    assert all_pages(api_as(bob), path, names) == ["p2", "p1", "p0"]
    assert names(api_as(crowd[3]).get(path)) == ["p4", "p3"]


def test_tweets_out_of_sight_are_left_out_of_likes(api_as, alice, bob, carol):
    hidden, gone, shown = post(alice), post(bob, "gone"), post(bob, "shown")
    for tweet in (hidden, gone, shown):
        like(bob, tweet)
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    services.delete_tweet(user_id=bob.id, tweet_id=gone.id, now=clock.now())

    assert ids(api_as(carol).get(f"/2/users/{bob.id}/liked_tweets")) == [shown.id]


def test_likes_of_a_protected_account_are_for_its_followers(api_as, alice, bob, carol):
    tweet = post(alice)
    like(bob, tweet)
    follow_user(follower_id=carol.id, followee_id=bob.id, now=clock.now())
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    path = f"/2/users/{bob.id}/liked_tweets"

    assert ids(api_as(carol).get(path)) == ids(api_as(bob).get(path)) == [tweet.id]
    assert api_as(alice).get(path).json()["errors"][0]["title"] == "Authorization Error"
    assert names(api_as(carol).get(f"/2/tweets/{tweet.id}/liking_users")) == ["bob"]
    assert names(api_as(alice).get(f"/2/tweets/{tweet.id}/liking_users")) == []


def test_a_blocked_reader_and_a_suspended_account(api_as, alice, bob, carol):
    like(bob, post(alice))
    block_user(blocker_id=bob.id, blocked_id=carol.id, now=clock.now())
    path = f"/2/users/{bob.id}/liked_tweets"

    assert "errors" in api_as(carol).get(path).json()
    suspend_user(user_id=bob.id, now=clock.now())
    assert api_as(alice).get(path).json()["errors"][0]["title"] == "Forbidden"


def test_a_quote_by_somebody_blocked_is_left_out(api_as, alice, bob, carol):
    tweet = post(alice)
    post(bob, "look", quote_of_id=tweet.id)
    block_user(blocker_id=bob.id, blocked_id=carol.id, now=clock.now())

    assert ids(api_as(carol).get(f"/2/tweets/{tweet.id}/quote_tweets")) == []


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/2/tweets/{tweet}/liking_users", "like.read"),
        ("/2/users/{me}/liked_tweets", "like.read"),
        ("/2/tweets/{tweet}/retweeted_by", "tweet.read"),
        ("/2/tweets/{tweet}/retweets", "tweet.read"),
        ("/2/tweets/{tweet}/quote_tweets", "tweet.read"),
        ("/2/users/reposts_of_me", "timeline.read"),
    ],
)
def test_scopes(loop, api, alice, path, scope):
    where = path.format(me=alice.id, tweet=post(alice).id)
    every = {"like.read", "tweet.read", "users.read", "timeline.read"}

    def status(scopes):
        token = issue_token(user_id=alice.id, now=clock.now(), scopes=" ".join(scopes))
        return Client(loop, token).get(where).status_code

    assert (status(every), status(every - {scope})) == (200, 403)
    assert api.get(where).status_code == 401


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/2/tweets/5/liking_users", "max_results=101"),
        ("/2/tweets/5/quote_tweets", "max_results=9"),
        ("/2/users/5/liked_tweets", "max_results=4"),
        ("/2/tweets/5/retweets", "pagination_token=x"),
        ("/2/tweets/5/retweeted_by", "tweet.fields=nonsense&max_results=0"),
        ("/2/tweets/5/quote_tweets", "exclude=colours"),
        ("/2/users/reposts_of_me", "max_results=0"),
    ],
)
def test_bad_pages_are_refused(api_as, alice, path, query):
    assert api_as(alice).get(f"{path}?{query}").status_code == 400
