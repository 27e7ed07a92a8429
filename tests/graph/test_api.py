"""Following over HTTP."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.users.services import issue_token, set_protected, suspend_user
from tests.factories import UserFactory
from tests.http import Client

BASE = "users.read tweet.read"


def names(answer):
    return [user["username"] for user in answer.json().get("data", [])]


def test_following_and_its_end(api_as, alice, bob):
    client = api_as(bob)

    for _ in range(2):
        answer = client.post(f"/2/users/{bob.id}/following", {"target_user_id": str(alice.id)})
        assert answer.status_code == 200
        assert answer.json() == {"data": {"following": True, "pending_follow": False}}
    assert names(client.get(f"/2/users/{bob.id}/following")) == ["alice"]
    assert names(client.get(f"/2/users/{alice.id}/followers")) == ["bob"]

    answer = client.delete(f"/2/users/{bob.id}/following/{alice.id}")
    assert answer.json() == {"data": {"following": False}}
    assert client.get(f"/2/users/{bob.id}/following").json() == {"meta": {"result_count": 0}}


def test_a_protected_account_is_asked_first(api_as, alice, bob):
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    answer = api_as(bob).post(f"/2/users/{bob.id}/following", {"target_user_id": str(alice.id)})

    assert answer.json() == {"data": {"following": False, "pending_follow": True}}


def test_followers_come_page_by_page_without_gap_or_repeat(api_as, alice):
    people = [UserFactory() for _ in range(7)]
    for one in people:
        follow_user(follower_id=one.id, followee_id=alice.id, now=clock.now())
    client, path = api_as(alice), f"/2/users/{alice.id}/followers?max_results=3"

    found, token, sizes = [], "", []
    while True:
        answer = client.get(path + (f"&pagination_token={token}" if token else "")).json()
        found += [user["username"] for user in answer["data"]]
        sizes.append(answer["meta"]["result_count"])
        token = answer["meta"].get("next_token", "")
        if not token:
            break

    assert found == [one.username for one in reversed(people)]
    assert sizes == [3, 3, 1]


def test_pages_can_be_turned_back(api_as, alice):
    people = [UserFactory() for _ in range(5)]
    for one in people:
        follow_user(follower_id=one.id, followee_id=alice.id, now=clock.now())
    client, path = api_as(alice), f"/2/users/{alice.id}/followers?max_results=2"

    first = client.get(path)
    second = client.get(f"{path}&pagination_token={first.json()['meta']['next_token']}")
    back = client.get(f"{path}&pagination_token={second.json()['meta']['previous_token']}")

    assert "previous_token" not in first.json()["meta"]
    assert names(back) == names(first)
    again = client.get(f"{path}&pagination_token={back.json()['meta']['next_token']}")
    assert names(again) == names(second)


def test_the_lists_of_a_protected_account_are_for_its_followers(api_as, alice, bob, carol):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    path = f"/2/users/{alice.id}/followers"

    assert names(api_as(bob).get(path)) == ["bob"]
    refused = api_as(carol).get(path).json()
    assert refused["meta"] == {"result_count": 0}
    assert refused["errors"][0]["title"] == "Authorization Error"


def test_a_blocked_person_sees_no_lists_and_cannot_follow(api_as, alice, bob):
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    client = api_as(bob)

    answer = client.post(f"/2/users/{bob.id}/following", {"target_user_id": str(alice.id)})
    assert answer.status_code == 403
    assert "errors" in client.get(f"/2/users/{alice.id}/following").json()


def test_suspended_people_are_left_out(api_as, alice, bob, carol):
    for one in (bob, carol):
        follow_user(follower_id=one.id, followee_id=alice.id, now=clock.now())
    suspend_user(user_id=bob.id, now=clock.now())

    assert names(api_as(alice).get(f"/2/users/{alice.id}/followers")) == ["carol"]


@pytest.mark.parametrize(
    ("target", "status"), [("{me}", 400), ("5", 404), ("x", 400), ("9999999999999999999", 400)]
)
def test_whom_one_cannot_follow(api_as, alice, target, status):
    body = {"target_user_id": target.format(me=alice.id)}

    assert api_as(alice).post(f"/2/users/{alice.id}/following", body).status_code == status


@pytest.mark.parametrize(
    "query",
    ["max_results=0", "max_results=1001", "max_results=x", "pagination_token=x",
     "pagination_token=nzzzzzzzzzzzzz00", "next_token=n000000000000500", "max_results=%00",
     "max_results=1.0", "max_results=-1", "max_results="],
)  # fmt: skip
def test_bad_pages_are_refused(api_as, alice, query):
    answer = api_as(alice).get(f"/2/users/{alice.id}/followers?{query}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"][0]["parameters"])


EDGES = [("muting", "mute"), ("blocking", "block")]


@pytest.mark.parametrize(("what", "scope"), EDGES)
def test_muting_and_blocking_and_their_end(api_as, alice, bob, what, scope):
    client, path = api_as(bob), f"/2/users/{bob.id}/{what}"

    for _ in range(2):
        answer = client.post(path, {"target_user_id": str(alice.id)})
        assert (answer.status_code, answer.json()) == (200, {"data": {what: True}})
    assert names(client.get(path)) == ["alice"]
    for _ in range(2):
        assert client.delete(f"{path}/{alice.id}").json() == {"data": {what: False}}
    assert client.get(path).json() == {"meta": {"result_count": 0}}


@pytest.mark.parametrize(("what", "scope"), EDGES)
def test_whom_somebody_mutes_or_blocks_is_nobody_elses_business(
    loop, api, api_as, alice, bob, what, scope
):
    path = f"/2/users/{bob.id}/{what}"
    body = {"target_user_id": str(alice.id)}

    assert api_as(alice).get(path).status_code == 403
    assert api_as(alice).post(path, body).json()["code"] == "not_your_account"
    assert api_as(alice).delete(f"{path}/5").status_code == 403
    assert api.get(path).status_code == 401
    reading = issue_token(user_id=bob.id, now=clock.now(), scopes=f"{scope}.read {BASE}")
    writing = issue_token(user_id=bob.id, now=clock.now(), scopes=f"{scope}.write {BASE}")
    assert Client(loop, reading).get(path).status_code == 200
    assert Client(loop, reading).post(path, body).status_code == 403
    assert Client(loop, writing).get(path).status_code == 403
    assert Client(loop, writing).delete(f"{path}/{alice.id}").status_code == 200
    for target, status in ((str(bob.id), 400), ("5", 404), ("x", 400)):
        assert api_as(bob).post(path, {"target_user_id": target}).status_code == status


def test_blocked_people_come_in_pages_both_ways(api_as, alice):
    people = [UserFactory() for _ in range(5)]
    for one in people:
        block_user(blocker_id=alice.id, blocked_id=one.id, now=clock.now())
    client, path = api_as(alice), f"/2/users/{alice.id}/blocking?max_results=2"

    first = client.get(path)
    second = client.get(f"{path}&pagination_token={first.json()['meta']['next_token']}")
    back = client.get(f"{path}&pagination_token={second.json()['meta']['previous_token']}")

    assert names(first) + names(second) == [one.username for one in people[:0:-1]]
    assert names(back) == names(first)
