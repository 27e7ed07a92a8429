"""Lists over HTTP: for their owner, other people, applications and those who may see nothing."""

import pytest

from apps.graph import services_lists
from apps.graph.models import List, ListFollower, ListMember, PinnedList
from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.users.services import issue_token, set_protected, suspend_user
from tests.factories import UserFactory
from tests.http import Client

FIELDS = "list.fields=created_at,description,follower_count,member_count,owner_id,private"


def make(owner, name="news", **how):
    return services_lists.create_list(owner_id=owner.id, name=name, now=clock.now(), **how)


def add(found, owner, *people):
    for one in people:
        services_lists.add_member(
            user_id=owner.id, list_id=found.id, member_id=one.id, now=clock.now()
        )


def put(client, path, body):
    headers = {"content-type": "application/json"}
    return client.request("PUT", path, body=body, headers=headers)


def found_ids(answer):
    assert answer.status_code == 200, answer.content
    return [int(one["id"]) for one in answer.json().get("data", [])]


def test_a_list_is_made_changed_and_deleted(api_as, alice):
    client = api_as(alice)

    made = client.post("/2/lists", {"name": " news ", "description": "of today"})
    assert made.status_code == 201
    data = made.json()["data"]
    assert data == {"id": data["id"], "name": "news"}
    path = f"/2/lists/{data['id']}"
    assert client.get(path).json() == {"data": data}
    full = client.get(f"{path}?{FIELDS}").json()["data"]
    assert full.pop("created_at")[-5] == "."
    assert full == data | {
        "description": "of today", "follower_count": 0, "member_count": 0,
        "owner_id": str(alice.id), "private": False,
    }  # fmt: skip

    assert put(client, path, b'{"name": "old", "private": true}').json() == {
        "data": {"updated": True}
    }
    full = client.get(f"{path}?{FIELDS}").json()["data"]
    assert (full["name"], full["description"], full["private"]) == ("old", "of today", True)

    assert client.delete(path).json() == {"data": {"deleted": True}}
    assert client.get(path).json()["errors"][0]["resource_type"] == "list"
    assert client.delete(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": " "}, {"name": "x" * 26}, {"name": "a\x00"}, {"name": 5},
     {"name": None}, {"name": "x", "description": "x" * 101}, {"name": "x", "private": "yes"},
     {"name": "x", "colour": "red"}, [], "x"],
)  # fmt: skip
def test_a_bad_list_is_refused(api_as, alice, body):
    found = make(alice)

    assert api_as(alice).post("/2/lists", body).status_code == 400
    if isinstance(body, dict) and body.get("name", "") is not None:
        answer = put(api_as(alice), f"/2/lists/{found.id}", str(body).replace("'", '"').encode())
        assert answer.status_code == 400


def test_members_come_and_go(api_as, alice, bob, carol):
    found, client = make(alice), api_as(alice)
    path = f"/2/lists/{found.id}/members"

    for one in (bob, carol, bob):
        answer = client.post(path, {"user_id": str(one.id)})
        assert (answer.status_code, answer.json()) == (200, {"data": {"is_member": True}})
    assert found_ids(api_as(bob).get(path)) == [carol.id, bob.id]
    assert found_ids(api_as(bob).get(f"/2/users/{carol.id}/list_memberships")) == [found.id]
    for _ in range(2):
        assert client.delete(f"{path}/{bob.id}").json() == {"data": {"is_member": False}}
    assert found_ids(client.get(path)) == [carol.id]
    data = client.get(f"/2/lists/{found.id}?list.fields=member_count").json()["data"]
    assert data["member_count"] == 1


def test_who_can_be_put_on_a_list(api_as, alice, bob, carol):
    path = f"/2/lists/{make(alice).id}/members"
    block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now())
    suspend_user(user_id=carol.id, now=clock.now())

    for target, status in ((bob.id, 403), (carol.id, 404), (5, 404), ("x", 400), (alice.id, 200)):
        answer = api_as(alice).post(path, {"user_id": str(target)})
        assert answer.status_code == status


def test_only_its_owner_changes_a_list(api, api_as, alice, bob):
    found, secret = make(alice), make(alice, is_private=True)
    add(found, alice, bob)

    for one, status in ((found, 403), (secret, 404)):
        path, client = f"/2/lists/{one.id}", api_as(bob)
        assert put(client, path, b'{"name": "x"}').status_code == status
        assert client.delete(path).status_code == status
        assert client.post(f"{path}/members", {"user_id": str(bob.id)}).status_code == status
        assert client.delete(f"{path}/members/{bob.id}").status_code == status
        assert api.delete(path).status_code == 401
    assert ListMember.objects.count() == 1
    assert List.objects.count() == 2


def test_following_a_list(api_as, alice, bob):
    found, client = make(alice), api_as(bob)
    path = f"/2/users/{bob.id}/followed_lists"

    for _ in range(2):
        answer = client.post(path, {"list_id": str(found.id)})
        assert answer.json() == {"data": {"following": True}}
    assert found_ids(client.get(path)) == [found.id]
    assert found_ids(api_as(alice).get(f"/2/lists/{found.id}/followers")) == [bob.id]
    data = client.get(f"/2/lists/{found.id}?list.fields=follower_count").json()["data"]
    assert data["follower_count"] == 1
    for _ in range(2):
        assert client.delete(f"{path}/{found.id}").json() == {"data": {"following": False}}
    assert client.get(path).json() == {"meta": {"result_count": 0}}
    assert List.objects.get(id=found.id).follower_count == 0


def test_pinning_lists(api_as, alice, bob, monkeypatch):
    monkeypatch.setattr(services_lists, "MAX_PINNED", 2)
    lists, client = [make(alice, f"{n}") for n in range(3)], api_as(bob)
    path = f"/2/users/{bob.id}/pinned_lists"

    for one in (*lists[:2], lists[0]):
        assert client.post(path, {"list_id": str(one.id)}).json() == {"data": {"pinned": True}}
    assert client.post(path, {"list_id": str(lists[2].id)}).json()["code"] == "limit_reached"
    answer = client.get(f"{path}?expansions=owner_id")
    assert found_ids(answer) == [lists[1].id, lists[0].id]
    assert answer.json()["includes"]["users"][0]["username"] == "alice"
    assert answer.json()["meta"] == {"result_count": 2}
    for _ in range(2):
        assert client.delete(f"{path}/{lists[1].id}").json() == {"data": {"pinned": False}}
    assert found_ids(client.get(path)) == [lists[0].id]


@pytest.mark.parametrize("what", ["followed_lists", "pinned_lists"])
def test_nobody_acts_for_another(api_as, alice, bob, what):
    found, path = make(alice), f"/2/users/{bob.id}/{what}"

    assert api_as(alice).post(path, {"list_id": str(found.id)}).status_code == 403
    assert api_as(alice).delete(f"{path}/{found.id}").json()["code"] == "not_your_account"
    if what == "pinned_lists":
        assert api_as(alice).get(path).status_code == 403


def about(found, owner, member):
    """Addresses at which a list may show up, with the ids that they show."""
    return [
        (f"/2/lists/{found.id}/members", member.id),
        (f"/2/lists/{found.id}/followers", owner.id),
        (f"/2/users/{owner.id}/owned_lists", found.id),
        (f"/2/users/{owner.id}/followed_lists", found.id),
        (f"/2/users/{member.id}/list_memberships", found.id),
    ]


def sees(client, found, owner, member):
    """Whether a reader sees a list; at all its addresses alike."""
    shown = ["data" in client.get(f"/2/lists/{found.id}").json()]
    for path, wanted in about(found, owner, member):
        shown.append(wanted in found_ids(client.get(path)))
    assert len(set(shown)) == 1, shown
    return shown[0]


def test_who_sees_a_list(api_as, alice, bob, carol):
    found = make(alice)
    add(found, alice, carol)
    services_lists.follow_list(user_id=alice.id, list_id=found.id, now=clock.now())
    dave = UserFactory(username="dave")
    follow_user(follower_id=dave.id, followee_id=alice.id, now=clock.now())
    readers = {one.username: api_as(one) for one in (alice, bob, carol, dave)}

    def seen_by():
        return {name for name, client in readers.items() if sees(client, found, alice, carol)}

    assert seen_by() == {"alice", "bob", "carol", "dave"}
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    assert seen_by() == {"alice", "carol", "dave"}
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert seen_by() == {"alice", "dave"}
    services_lists.update_list(user_id=alice.id, list_id=found.id, is_private=True, now=clock.now())
    assert seen_by() == {"alice"}


def test_what_one_may_not_see_one_cannot_follow(api_as, alice, bob):
    secret, public = make(alice, is_private=True), make(alice)
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    for what in ("followed_lists", "pinned_lists"):
        path = f"/2/users/{bob.id}/{what}"
        assert api_as(bob).post(path, {"list_id": str(secret.id)}).status_code == 404
        assert api_as(bob).post(path, {"list_id": str(public.id)}).status_code == 403
        assert api_as(bob).post(path, {"list_id": "5"}).status_code == 404


def test_a_list_that_becomes_private_loses_others(alice, bob):
    found = make(alice)
    for one in (alice, bob):
        services_lists.follow_list(user_id=one.id, list_id=found.id, now=clock.now())
        services_lists.pin_list(user_id=one.id, list_id=found.id, now=clock.now())

    after = services_lists.update_list(
        user_id=alice.id, list_id=found.id, is_private=True, now=clock.now()
    )

    assert after.follower_count == 1
    assert {one.user_id for one in ListFollower.objects.all()} == {alice.id}
    assert {one.user_id for one in PinnedList.objects.all()} == {alice.id}


def test_nothing_of_a_deleted_list_is_left(alice, bob):
    found = make(alice)
    add(found, alice, bob)
    services_lists.follow_list(user_id=bob.id, list_id=found.id, now=clock.now())
    services_lists.pin_list(user_id=bob.id, list_id=found.id, now=clock.now())

    services_lists.delete_list(user_id=alice.id, list_id=found.id, now=clock.now())

    left = [model.objects.count() for model in (List, ListMember, ListFollower, PinnedList)]
    assert left == [0, 0, 0, 0]


def test_the_limits(alice, bob, carol, monkeypatch):
    monkeypatch.setattr(services_lists, "MAX_LISTS", 2)
    monkeypatch.setattr(services_lists, "MAX_MEMBERS", 1)
    found = make(alice)
    make(alice)
    make(bob)
    with pytest.raises(services_lists.TooMany):
        make(alice)
    add(found, alice, bob, bob)
    with pytest.raises(services_lists.TooMany):
        add(found, alice, carol)


def test_lists_come_page_by_page_both_ways(api_as, alice):
    made = [make(alice, f"{n}").id for n in range(5)]
    client, path = api_as(alice), f"/2/users/{alice.id}/owned_lists?max_results=2"

    first = client.get(path)
    second = client.get(f"{path}&pagination_token={first.json()['meta']['next_token']}")
    third = client.get(f"{path}&pagination_token={second.json()['meta']['next_token']}")
    back = client.get(f"{path}&pagination_token={third.json()['meta']['previous_token']}")

    assert found_ids(first) + found_ids(second) + found_ids(third) == made[::-1]
    assert found_ids(back) == found_ids(second)
    assert "next_token" not in third.json()["meta"]


def test_suspended_people_and_their_lists_are_left_out(api_as, alice, bob, carol):
    found, theirs = make(alice), make(bob)
    add(found, alice, bob, carol)
    add(theirs, bob, carol)
    suspend_user(user_id=bob.id, now=clock.now())
    client = api_as(carol)

    assert found_ids(client.get(f"/2/lists/{found.id}/members")) == [carol.id]
    assert found_ids(client.get(f"/2/users/{carol.id}/list_memberships")) == [found.id]
    assert client.get(f"/2/users/{bob.id}/owned_lists").json()["errors"][0]["title"] == "Forbidden"
    assert "errors" in client.get(f"/2/lists/{theirs.id}").json()


READING = [
    "/2/lists/{list}", "/2/lists/{list}/members", "/2/lists/{list}/followers",
    "/2/lists/{list}/tweets", "/2/users/{me}/owned_lists", "/2/users/{me}/list_memberships",
    "/2/users/{me}/followed_lists", "/2/users/{me}/pinned_lists",
]  # fmt: skip


@pytest.mark.parametrize("path", READING)
def test_the_scope_of_reading(loop, api, alice, path):
    where = path.format(me=alice.id, list=make(alice).id)

    def status(scopes):
        token = issue_token(user_id=alice.id, now=clock.now(), scopes=scopes)
        return Client(loop, token).get(where).status_code

    assert status("list.read tweet.read users.read") == 200
    assert status("list.write tweet.read users.read") == 403
    assert api.get(where).status_code == 401


def test_the_scope_of_writing(loop, alice, bob):
    found = make(alice)
    token = issue_token(user_id=alice.id, now=clock.now(), scopes="list.read tweet.read users.read")
    client, me, it = Client(loop, token), f"/2/users/{alice.id}", f"/2/lists/{found.id}"

    assert client.post("/2/lists", {"name": "x"}).status_code == 403
    assert put(client, it, b'{"name": "x"}').status_code == 403
    assert client.delete(it).status_code == 403
    assert client.post(f"{it}/members", {"user_id": str(bob.id)}).status_code == 403
    assert client.delete(f"{it}/members/{bob.id}").status_code == 403
    for what in ("followed_lists", "pinned_lists"):
        assert client.post(f"{me}/{what}", {"list_id": str(found.id)}).status_code == 403
        assert client.delete(f"{me}/{what}/{found.id}").status_code == 403


@pytest.mark.parametrize(
    "query", ["max_results=0", "max_results=101", "pagination_token=x", "list.fields=colour"]
)
def test_bad_pages_are_refused(api_as, alice, query):
    path = f"/2/users/{alice.id}/owned_lists?{query}"

    assert api_as(alice).get(path).status_code == 400


def test_an_account_says_on_how_many_public_lists_it_is(api_as, alice, bob, carol):
    public, private = make(alice), make(alice, "quiet", is_private=True)
    add(public, alice, bob, carol)
    add(public, alice, bob)
    add(private, alice, bob)

    def listed(one):
        found = api_as(alice).get(f"/2/users/{one.id}?user.fields=public_metrics").json()
        return found["data"]["public_metrics"]["listed_count"]

    assert (listed(bob), listed(carol)) == (1, 1)
    services_lists.remove_member(
        user_id=alice.id, list_id=public.id, member_id=carol.id, now=clock.now()
    )
    assert listed(carol) == 0
    services_lists.update_list(
        user_id=alice.id, list_id=private.id, is_private=False, now=clock.now()
    )
    assert listed(bob) == 2
    services_lists.update_list(
        user_id=alice.id, list_id=public.id, is_private=True, now=clock.now()
    )
    assert listed(bob) == 1
    for one in (public, private):
        services_lists.delete_list(user_id=alice.id, list_id=one.id, now=clock.now())
    assert listed(bob) == 0
