"""/2/tweets/search, counts and /2/users/search on the wire."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from apps.graph.services import block_user, follow_user
from apps.graph.services_lists import add_member, create_list, remove_member
from apps.infra import clock, ids
from apps.media.services.uploads import upload_once
from apps.tweets.services import delete_tweet, post_tweet, retweet
from apps.tweets.services_import import TweetRow, ensure_partitions, import_tweets
from apps.users.services import set_protected, suspend_user, unsuspend_user
from apps.users.services_apps import create_application
from apps.users.services_tokens import app_only_token
from tests.factories import UserFactory
from tests.http import Client
from tests.media.conftest import animation, files, picture  # noqa: F401 - a fixture

RECENT, ALL = "/2/tweets/search/recent", "/2/tweets/search/all"
COUNTS = "/2/tweets/counts/recent"


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def asked(path, query, **parameters):
    rest = "".join(f"&{name}={quote(str(value))}" for name, value in parameters.items())
    return f"{path}?query={quote(query, safe='')}{rest}"


@pytest.fixture
def found(api_as, bob):
    """Ids that a search of bob's finds, newest first."""

    def find(query, who=None, path=RECENT, **parameters):
        answer = api_as(who or bob).get(asked(path, query, **parameters))
        assert answer.status_code == 200, answer.content
        return [int(one["id"]) for one in answer.json().get("data", [])]

    return find


@pytest.fixture
def total(api_as, bob):
    """How many posts a count of bob's says there are."""

    def count(query, who=None, path=COUNTS, **parameters):
        answer = api_as(who or bob).get(asked(path, query, **parameters))
        assert answer.status_code == 200, answer.content
        return answer.json()["meta"]["total_tweet_count"]

    return count


def test_a_search_answers_in_xs_shape(api_as, alice, bob, drain_outbox):
    first = say(alice, "salt wind #tide")
    second = say(alice, "wind and rain")
    drain_outbox()

    path = asked(RECENT, "wind from:alice", expansions="author_id", **{"tweet.fields": "lang"})
    answer = api_as(bob).get(path)

    body = answer.json()
    assert [one["id"] for one in body["data"]] == [str(second), str(first)]
    assert body["data"][0]["author_id"] == str(alice.id)
    assert body["includes"]["users"][0]["username"] == "alice"
    assert body["meta"] == {
        "newest_id": str(second), "oldest_id": str(first), "result_count": 2,
    }  # fmt: skip


@pytest.mark.usefixtures("files")
def test_pictures_are_found_also_where_they_are_passed_on(found, alice, bob, drain_outbox):
    still, moving = (
        upload_once(owner_id=alice.id, data=data, now=clock.now()).id
        for data in (picture(), animation())
    )
    say(alice, "only words")
    photo = say(alice, "look at it", media_ids=[still])
    gif = say(alice, "look, it moves", media_ids=[moving])
    passed_on = retweet(user_id=bob.id, tweet_id=photo, now=clock.now()).id
    drain_outbox()

    assert found("look has:media") == [passed_on, gif, photo]
    assert found("look has:images -is:retweet") == [photo]
    assert found("look -has:images") == [gif]


def test_nothing_found_has_no_data(api_as, bob):
    answer = api_as(bob).get(asked(RECENT, "nobodysaidthis"))

    assert answer.json() == {"meta": {"result_count": 0}}


def test_operators_find_what_they_say(found, alice, bob, drain_outbox):
    first = say(alice, "Ein Café in 東京都 #Tide @bob $ABC https://example.com/sea")
    answer = say(bob, "no sea here", in_reply_to_id=first)
    quoted = say(bob, "look", quote_of_id=first)
    copy = retweet(user_id=bob.id, tweet_id=first, now=clock.now()).id
    drain_outbox()

    assert found("cafe -is:retweet") == [first]
    assert found("cafe") == [copy, first]
    assert found("東京 -is:retweet") == [first]
    assert found("#tide @bob $abc url:example.com -is:retweet") == [first]
    assert found("to:alice") == [answer]
    assert found("retweets_of:alice") == [copy]
    assert found(f"quotes_of_tweet_id:{first}") == [quoted]
    assert found(f"conversation_id:{first} is:reply") == [answer]
    assert found('(sea OR look) from:bob -"no sea"') == [quoted]
    assert found(f"from:{bob.id} has:links") == [copy]
    assert found("cafe min_replies:1") == [first]
    assert found("from:nobodyhere") == []


def test_paging_reaches_the_end_without_gap_or_repeat_while_others_post(
    api_as, alice, bob, drain_outbox
):
    posts = [say(alice, f"wave {n}") for n in range(47)]
    drain_outbox()
    client, token = api_as(bob), ""
    seen: list[int] = []

    while True:
        name = "next_token" if len(seen) % 20 else "pagination_token"
        more = {name: token} if token else {}
        body = client.get(asked(RECENT, "wave", max_results=10, **more)).json()
        seen += [int(one["id"]) for one in body["data"]]
        say(alice, f"wave {len(seen)} more")
        drain_outbox()
        token = body["meta"].get("next_token")
        if not token:
            break

    assert seen == posts[::-1]


def test_the_window_is_of_ids_or_times(found, alice, drain_outbox):
    posts = [say(alice, f"wave {n}") for n in range(5)]
    drain_outbox()
    soon = (clock.now() + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    early = (clock.now() - timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert found("wave", since_id=posts[1]) == posts[:1:-1]
    assert found("wave", until_id=posts[3]) == posts[2::-1]
    assert found("wave", start_time=early, end_time=soon) == posts[::-1]
    assert found("wave", start_time=soon, path=ALL) == []


def test_recent_is_seven_days_and_all_is_everything(api_as, found, alice, bob):
    from apps.search import services

    now = clock.now()
    moments = [now - timedelta(days=days) for days in (6, 8, 400)]
    old = [ids.at_ms(clock.to_ms(moment)) + 7 for moment in moments]
    ensure_partitions(tweet_ids=old)
    rows = [
        TweetRow(id=one, author_id=alice.id, text="old wave", created_at=moment)
        for one, moment in zip(old, moments, strict=True)
    ]
    import_tweets(rows=rows)
    services.index_tweets(tweet_ids=old)

    assert found("wave") == old[:1]
    assert found("wave", path=ALL, max_results=500) == old
    early = moments[2].strftime("%Y-%m-%dT%H:%M:%SZ")
    refused = api_as(bob).get(asked(RECENT, "wave", start_time=early))
    assert refused.status_code == 400
    assert "start_time" in refused.json()["errors"][0]["parameters"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_results": 9}, {"max_results": 101}, {"max_results": "x"}, {"sort_order": "size"},
        {"next_token": "nonsense"}, {"since_id": "x"}, {"start_time": "yesterday"},
        {"next_token": "p000000000000122"},
        {"start_time": "2020-01-02T00:00:00Z", "end_time": "2020-01-01T00:00:00Z"},
        {"tweet.fields": "shoe_size"},
    ],
)  # fmt: skip
def test_bad_parameters_are_refused_by_name(api_as, bob, parameters):
    answer = api_as(bob).get(asked(RECENT, "wave", **parameters))

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["title"] == "Invalid Request"


def test_a_query_is_required(api_as, bob):
    assert api_as(bob).get(RECENT).status_code == 400


def test_a_bad_query_is_pointed_at(api_as, bob):
    answer = api_as(bob).get(asked(RECENT, "wind fron:alice"))

    assert answer.status_code == 400
    body = answer.json()
    (error,) = body["errors"]
    assert body["type"] == "https://api.twitter.com/2/problems/invalid-request"
    assert error["parameters"] == {"query": ["wind fron:alice"]}
    assert "from" in error["advice"]
    assert (error["position"], error["length"]) == (5, 10) or error["position"] == 5
    assert "(at position 6)" in error["message"]


def test_all_takes_longer_queries(api_as, bob):
    long = " OR ".join(f"word{n}" for n in range(100))

    assert api_as(bob).get(asked(RECENT, long)).status_code == 400
    assert api_as(bob).get(asked(ALL, long)).status_code == 200


# ── Who may see what, on the very next request ───────────────────────────────


def test_what_is_deleted_is_gone_before_the_index_knows(found, total, alice, drain_outbox):
    kept, gone = say(alice, "wave one"), say(alice, "wave two")
    drain_outbox()
    assert (found("wave"), total("wave")) == ([gone, kept], 2)

    delete_tweet(user_id=alice.id, tweet_id=gone, now=clock.now())

    assert (found("wave"), total("wave")) == ([kept], 1)


def test_a_retweet_goes_with_its_original(found, total, alice, carol, drain_outbox):
    first = say(alice, "wave")
    copy = retweet(user_id=carol.id, tweet_id=first, now=clock.now()).id
    drain_outbox()
    assert (found("wave"), total("wave")) == ([copy, first], 2)

    delete_tweet(user_id=alice.id, tweet_id=first, now=clock.now())

    assert (found("wave"), total("wave")) == ([], 0)


def test_protected_posts_are_for_followers(found, total, alice, bob, carol, drain_outbox):
    post = say(alice, "wave")
    drain_outbox()
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())

    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert (found("wave"), total("wave")) == ([], 0)
    assert (found("wave", carol), total("wave", carol)) == ([post], 1)
    assert (found("wave", alice), total("wave", alice)) == ([post], 1)


def test_blocks_hold_both_ways(found, total, alice, bob, drain_outbox):
    mine, theirs = say(bob, "wave"), say(alice, "wave")
    drain_outbox()

    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    assert (found("wave"), total("wave")) == ([mine], 1)
    assert (found("wave", alice), total("wave", alice)) == ([theirs], 1)


def test_a_list_finds_what_its_members_say_for_who_may_see_it(
    found, total, alice, bob, carol, drain_outbox
):
    now = clock.now()
    kinds = {"open": False, "closed": True}
    lists = {
        name: create_list(owner_id=carol.id, name=name, is_private=is_private, now=now).id
        for name, is_private in kinds.items()
    }
    for list_id in lists.values():
        add_member(user_id=carol.id, list_id=list_id, member_id=alice.id, now=now)
    said = say(alice, "tea")
    other = say(carol, "tea too")
    drain_outbox()

    assert found(f"list:{lists['open']}") == [said]
    assert found(f"tea -list:{lists['open']}") == [other]
    assert total(f"tea list:{lists['open']}") == 1
    assert found(f"list:{lists['closed']}") == []
    assert found(f"list:{lists['closed']}", who=carol) == [said]
    assert found("list:12345") == []

    remove_member(user_id=carol.id, list_id=lists["open"], member_id=alice.id, now=now)
    assert found(f"list:{lists['open']}") == []


def test_the_suspended_are_not_found(found, total, alice, drain_outbox):
    post = say(alice, "wave")
    drain_outbox()

    suspend_user(user_id=alice.id, now=clock.now())
    assert (found("wave"), total("wave")) == ([], 0)

    unsuspend_user(user_id=alice.id, now=clock.now())
    assert (found("wave"), total("wave")) == ([post], 1)


def test_a_page_is_filled_up_behind_what_is_hidden(found, alice, carol, drain_outbox):
    seen = [say(carol, f"wave {n}") for n in range(12)]
    for n in range(60):
        say(alice, f"wave {n} of many")
    drain_outbox()
    suspend_user(user_id=alice.id, now=clock.now())

    assert found("wave", max_results=10) == seen[:1:-1]


@pytest.mark.parametrize("path", [RECENT, ALL, COUNTS, "/2/tweets/counts/all", "/2/users/search"])
def test_a_token_with_its_scopes_is_needed(api, api_as, bob, path):
    assert api.get(asked(path, "wave")).status_code == 401
    assert api_as(bob, scopes="like.read").get(asked(path, "wave")).status_code == 403


def test_an_application_sees_what_a_visitor_sees(api_as, loop, alice, bob, drain_outbox):
    hidden, shown = say(alice, "wave"), say(bob, "wave")
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    drain_outbox()
    keys = create_application(owner_id=alice.id, name="App", now=clock.now())
    token = app_only_token(application_id=keys.application_id, now=clock.now())
    client = Client(loop, token)

    assert [one["id"] for one in client.get(asked(RECENT, "wave")).json()["data"]] == [str(shown)]
    assert client.get(asked(COUNTS, "wave")).json()["meta"]["total_tweet_count"] == 1
    assert client.get(asked("/2/users/search", "bob")).status_code == 403
    assert hidden < shown


# ── Counts ───────────────────────────────────────────────────────────────────


def test_counts_have_every_bucket_cut_to_the_window(api_as, alice, bob, drain_outbox):
    start = (clock.now() - timedelta(hours=3)).replace(minute=20, second=30, microsecond=0)
    for _ in range(3):
        say(alice, "wave")
    say(alice, "calm")
    drain_outbox()

    asked_for = asked(COUNTS, "wave", start_time=start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    body = api_as(bob).get(asked_for).json()

    data = body["data"]
    assert data[0]["start"] == start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert data[0]["end"] == data[1]["start"]
    assert data[1]["start"].endswith(":00:00.000Z")
    assert [one["end"] for one in data[:-1]] == [one["start"] for one in data[1:]]
    assert {one["tweet_count"] for one in data[:-2]} == {0}
    assert body["meta"] == {"total_tweet_count": 3}
    assert sum(one["tweet_count"] for one in data) == 3


@pytest.mark.parametrize(("size", "least"), [("minute", 10_080), ("hour", 168), ("day", 7)])
def test_counts_of_a_week(api_as, bob, size, least):
    body = api_as(bob).get(asked(COUNTS, "wave", granularity=size)).json()

    assert least <= len(body["data"]) <= least + 1
    assert body["meta"] == {"total_tweet_count": 0}


def test_counts_of_everything_come_in_pages(api_as, alice, bob):
    from apps.search import services

    moments = [clock.now() - timedelta(days=days) for days in (1, 40, 100)]
    old = [ids.at_ms(clock.to_ms(moment)) + 7 for moment in moments]
    ensure_partitions(tweet_ids=old)
    rows = [
        TweetRow(id=one, author_id=alice.id, text="wave", created_at=moment)
        for one, moment in zip(old, moments, strict=True)
    ]
    import_tweets(rows=rows)
    services.index_tweets(tweet_ids=old)
    start = (clock.now() - timedelta(days=110)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token, counted = "", 0
    data: list[dict[str, str]] = []

    while True:
        more = {"next_token": token} if token else {}
        path = asked("/2/tweets/counts/all", "wave", granularity="day", start_time=start, **more)
        body = api_as(bob).get(path).json()
        data = body["data"] + data
        counted += body["meta"]["total_tweet_count"]
        token = body["meta"].get("next_token")
        if not token:
            break

    assert counted == 3
    assert data[0]["start"].startswith(start[:-1])
    assert [one["end"] for one in data[:-1]] == [one["start"] for one in data[1:]]


# ── People ───────────────────────────────────────────────────────────────────


def test_people_are_found_by_the_beginning_of_their_names(api_as, bob):
    known = UserFactory(username="marina", name="Zoë", followers_count=5)
    more = UserFactory(username="mar", name="Someone")
    named = UserFactory(username="x1", name="Marlene", followers_count=9)
    UserFactory(username="omar", name="Omar")
    gone = UserFactory(username="marius", followers_count=99)
    suspend_user(user_id=gone.id, now=clock.now())

    def people(query, **parameters):
        answer = api_as(bob).get(asked("/2/users/search", query, **parameters)).json()
        users = [int(user["id"]) for user in answer.get("data", [])]
        return users, answer["meta"].get("next_token")

    assert people("mar")[0] == people("@MAR")[0] == [more.id, named.id, known.id]
    assert people("zoë")[0] == [known.id]
    assert people("%")[0] == people("_a")[0] == []
    first, token = people("mar", max_results=2)
    assert first == [more.id, named.id]
    assert people("mar", max_results=2, next_token=token) == ([known.id], None)

    block_user(blocker_id=known.id, blocked_id=bob.id, now=clock.now())
    assert people("mar")[0] == [more.id, named.id]
