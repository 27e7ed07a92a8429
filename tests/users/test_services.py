"""Accounts and tokens."""

import pytest

from apps.infra import clock
from apps.infra.errors import DomainError, Forbidden
from apps.infra.stores import invalidation
from apps.users import auth, queries, services
from apps.users.models import User

GOOD = "correct horse battery"


def test_an_account_is_found_by_name_in_any_case(world, run):
    made = services.create_user(username="Dave_1", password=GOOD, now=clock.now())

    found = run(queries.users_by_usernames(["dAVE_1"]))

    assert found == {"dave_1": made}
    assert services.authenticate(username="DAVE_1", password=GOOD) == made
    assert services.authenticate(username="dave_1", password="wrong") is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"username": "has space"}, "username"),
        ({"username": "x" * 16}, "username"),
        ({"username": "ädele"}, "username"),
        ({"username": "admin"}, "username"),
        ({"username": "ALICE"}, "username"),
        ({"password": "12345678"}, "password"),
        ({"password": "short"}, "password"),
        ({"email": "nobody"}, "email"),
        ({"name": "n" * 51}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"name": "\ud800"}, "name"),
    ],
)
def test_a_bad_sign_up_names_the_field(alice, values, field):
    given = {"username": "dave", "password": GOOD, "now": clock.now(), **values}

    with pytest.raises(DomainError) as caught:
        services.create_user(**given)

    assert caught.value.field == field
    assert User.objects.count() == 1


def test_a_token_speaks_for_its_owner_until_it_is_revoked(alice, run):
    token = services.issue_token(user_id=alice.id, now=clock.now())
    run(invalidation.catch_up())
    assert run(auth.actor_of_token(token)).user_id == alice.id
    assert run(auth.actor_of_token(token + "x")) is None

    assert services.revoke_token(token=token, now=clock.now())

    run(invalidation.catch_up())
    assert run(auth.actor_of_token(token)) is None
    assert not services.revoke_token(token=token, now=clock.now())


def test_suspension_shuts_every_token_and_the_door(alice, run):
    token = services.issue_token(user_id=alice.id, now=clock.now())
    run(auth.actor_of_token(token))

    services.suspend_user(user_id=alice.id, now=clock.now())

    run(invalidation.catch_up())
    assert run(auth.actor_of_token(token)) is None
    assert services.authenticate(username="alice", password="long enough to be good") is None
    with pytest.raises(Forbidden):
        services.issue_token(user_id=alice.id, now=clock.now())


def test_a_changed_profile_is_seen_on_the_next_read(alice, run):
    run(queries.users_by_ids([alice.id]))

    services.update_profile(
        user_id=alice.id, name="Alice L.", bio="Hi", location="", url="https://a.example",
        now=clock.now(),
    )  # fmt: skip

    run(invalidation.catch_up())
    assert run(queries.users_by_ids([alice.id]))[alice.id].name == "Alice L."


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", "http://a b"])
def test_a_web_address_must_be_one(alice, url):
    with pytest.raises(services.BadProfile):
        services.update_profile(
            user_id=alice.id, name="A", bio="", location="", url=url, now=clock.now()
        )
