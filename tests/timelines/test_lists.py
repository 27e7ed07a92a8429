"""Timelines of lists."""

from apps.graph import services_lists
from apps.graph.services import block_user, follow_user, mute_user
from apps.infra import clock
from apps.tweets import services
from apps.users.services import set_protected, suspend_user
from tests.timelines.test_api import all_pages, ids, post


def make(owner, *members, **how):
    found = services_lists.create_list(owner_id=owner.id, name="news", now=clock.now(), **how)
    for one in members:
        services_lists.add_member(
            user_id=owner.id, list_id=found.id, member_id=one.id, now=clock.now()
        )
    return found


def tweets_of(found, query=""):
    return f"/2/lists/{found.id}/tweets" + (query and f"?{query}")


def test_a_list_merges_its_members_newest_first(api_as, alice, bob, carol):
    found = make(carol, alice, bob)
    posted = [str(post(one, f"{n}").id) for n in range(4) for one in (alice, bob)]
    post(carol, "not a member")
    again = services.retweet(user_id=bob.id, tweet_id=int(posted[0]), now=clock.now())

    answer = api_as(carol).get(tweets_of(found))

    assert ids(answer) == [str(again.id), *posted[::-1]]
    assert answer.json()["meta"] == {
        "result_count": 9, "newest_id": str(again.id), "oldest_id": posted[0],
    }  # fmt: skip


def test_its_pages_have_no_gap_and_no_repeat_and_turn_back(api_as, alice, bob, carol):
    found = make(carol, alice, bob)
    posted = [str(post(one, f"{n}").id) for n in range(6) for one in (alice, bob)]
    client, path = api_as(carol), tweets_of(found, "max_results=5")

    assert all_pages(client, path)[0] == posted[::-1]
    first = client.get(path)
    second = client.get(f"{path}&pagination_token={first.json()['meta']['next_token']}")
    back = client.get(f"{path}&pagination_token={second.json()['meta']['previous_token']}")
    assert ids(back) == ids(first)


def test_an_empty_list_has_no_data(api_as, alice):
    assert api_as(alice).get(tweets_of(make(alice))).json() == {"meta": {"result_count": 0}}


def test_what_its_reader_may_not_see_is_left_out(api_as, alice, bob, carol):
    found = make(carol, alice, bob, carol)
    kept = [str(post(carol, f"{n}").id) for n in range(6)]
    for n in range(30):
        post(alice, f"{n}")
    own = str(post(bob, "muted, but not here").id)
    gone = post(bob, "gone")
    mute_user(muter_id=carol.id, muted_id=bob.id, now=clock.now())
    services.delete_tweet(user_id=bob.id, tweet_id=gone.id, now=clock.now())
    path = tweets_of(found, "max_results=3")

    set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert all_pages(api_as(carol), path)[0] == [own, *kept[::-1]]
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=False, now=clock.now())
    assert len(all_pages(api_as(carol), path)[0]) == 37
    suspend_user(user_id=alice.id, now=clock.now())
    assert all_pages(api_as(carol), path)[0] == [own, *kept[::-1]]


def test_a_list_that_its_reader_may_not_see(api_as, alice, bob, carol):
    secret, public = make(carol, alice, is_private=True), make(carol, alice)
    post(alice, "hello")
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())

    for found in (secret, public):
        answer = api_as(bob).get(tweets_of(found)).json()
        assert answer["meta"] == {"result_count": 0}
        assert answer["errors"][0]["resource_type"] == "list"
    assert "errors" in api_as(alice).get(tweets_of(secret)).json()
    assert len(ids(api_as(alice).get(tweets_of(public)))) == 1
    assert len(ids(api_as(carol).get(tweets_of(secret)))) == 1
