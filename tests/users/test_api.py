"""Accounts over HTTP."""

import pytest

from apps.infra import clock
from apps.users.services import revoke_token, suspend_user


def test_me_is_the_account_of_the_token(api_as, alice):
    answer = api_as(alice).get("/2/users/me")

    assert answer.status_code == 200
    assert answer.json() == {"data": {"id": str(alice.id), "name": alice.name, "username": "alice"}}


def test_user_fields_are_told_on_request(api_as, alice):
    answer = api_as(alice).get("/2/users/me?user.fields=created_at,public_metrics,protected")

    data = answer.json()["data"]
    assert data["public_metrics"] == {
        "followers_count": 0, "following_count": 0, "tweet_count": 0, "listed_count": 0,
    }  # fmt: skip
    assert data["protected"] is False
    assert data["created_at"].endswith("Z")
    assert len(data["created_at"]) == len("2026-01-01T00:00:00.000Z")


def test_accounts_are_found_by_id_and_by_name_in_any_case(api_as, alice, bob):
    client = api_as(alice)

    for path in (f"/2/users/{bob.id}", "/2/users/by/username/BOB"):
        assert client.get(path).json()["data"]["id"] == str(bob.id)
    for path in (f"/2/users?ids={bob.id},{alice.id}", "/2/users/by?usernames=Bob,alice"):
        assert [user["username"] for user in client.get(path).json()["data"]] == ["bob", "alice"]


def test_what_is_missing_is_listed_beside_what_is_found(api_as, alice):
    answer = api_as(alice).get(f"/2/users?ids={alice.id},77")

    assert answer.status_code == 200
    assert [user["id"] for user in answer.json()["data"]] == [str(alice.id)]
    (error,) = answer.json()["errors"]
    assert error["resource_id"] == "77"
    assert (error["resource_type"], error["parameter"]) == ("user", "ids")
    assert error["type"].endswith("/resource-not-found")


def test_a_list_without_a_hit_has_no_data(api_as, alice):
    assert "data" not in api_as(alice).get("/2/users?ids=77").json()
    assert "data" not in api_as(alice).get("/2/users/77").json()


def test_a_suspended_account_is_forbidden_to_look_at(api_as, alice, bob):
    suspend_user(user_id=bob.id, now=clock.now())

    answer = api_as(alice).get(f"/2/users/{bob.id}").json()

    assert "data" not in answer
    assert answer["errors"][0]["title"] == "Forbidden"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer \xe9"]
)
def test_without_a_good_token_nothing_opens(api, alice, authorization):
    answer = api.get("/2/users/me", authorization=authorization)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["title"] == "Unauthorized"


def test_a_revoked_token_fails_at_once(api_as, alice):
    client = api_as(alice)
    assert client.get("/2/users/me").status_code == 200

    revoke_token(token=client.token, now=clock.now())

    assert client.get("/2/users/me").status_code == 401


def test_a_suspended_person_is_out_at_once(api_as, alice):
    client = api_as(alice)
    assert client.get("/2/users/me").status_code == 200

    suspend_user(user_id=alice.id, now=clock.now())

    assert client.get("/2/users/me").status_code == 401


def test_a_token_without_the_scope_may_not(api_as, alice):
    answer = api_as(alice, scopes="tweet.read").get("/2/users/me")

    assert answer.status_code == 403
    assert answer.json()["code"] == "missing_scope"
    assert "users.read" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/2/users?ids=abc", "ids"),
        ("/2/users?ids=", "ids"),
        ("/2/users?ids=99999999999999999999", "ids"),
        ("/2/users?ids=-1", "ids"),
        ("/2/users", "ids"),
        ("/2/users?ids=" + ",".join(map(str, range(1, 102))), "ids"),
        ("/2/users/9223372036854775808", "id"),
        ("/2/users/by/username/a-b", "username"),
        ("/2/users/by?usernames=alice,sixteencharacters", "usernames"),
        ("/2/users/me?user.fields=shoe_size", "user.fields"),
        ("/2/users/me?expansions=shoes", "expansions"),
    ],
)
def test_bad_parameters_are_named(api_as, alice, path, parameter):
    answer = api_as(alice).get(path)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-request")
    assert [list(error["parameters"]) for error in answer.json()["errors"]] == [[parameter]]
