"""`manage.py seed_client_tests`: the keys open what they should, and only in development."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.ops import client_tests
from apps.users.models import Application, User
from tests.http import Client


def seeded() -> dict[str, str]:
    out = io.StringIO()
    call_command("seed_client_tests", "--json", stdout=out)
    keys: dict[str, str] = json.loads(out.getvalue())
    return keys


def test_the_keys_open_the_door(world: None, many_months: None, loop: Any) -> None:
    keys = seeded()

    assert sorted(keys) == [
        "x_app_bearer", "x_as", "x_at", "x_bearer", "x_ck", "x_cs", "x_other",
    ]  # fmt: skip
    me = Client(loop, keys["x_bearer"]).get("/2/users/me").json()["data"]
    assert me["username"] == "client_tests"
    assert keys["x_at"].partition("-")[0] == me["id"]
    program = Client(loop, keys["x_app_bearer"])
    other = program.get(f"/2/users/{keys['x_other']}").json()["data"]
    assert other["id"] != me["id"]
    found = program.get("/2/users/by?usernames=Twitter,TwitterDev").json()["data"]
    assert [one["id"] for one in found] == ["783214", "2244994945"]
    wanted = ",".join(str(one) for one in client_tests._TWEETS)
    assert len(program.get(f"/2/tweets?ids={wanted}").json()["data"]) == len(client_tests._TWEETS)
    assert program.get("/2/lists/84839422").json()["data"]["name"] == "Official"
    hidden = Client(loop, keys["x_bearer"]).request(
        "PUT", f"/2/tweets/{client_tests._ANSWER}/hidden", body=b'{"hidden":true}',
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert hidden.json() == {"data": {"hidden": True}}


def test_a_second_run_makes_new_keys_and_nothing_else(
    world: None, many_months: None, loop: Any
) -> None:
    first, second = seeded(), seeded()

    assert User.objects.count() == len(client_tests._PEOPLE)
    assert Application.objects.count() == 1
    assert Client(loop, first["x_bearer"]).get("/2/users/me").status_code == 401
    assert Client(loop, second["x_bearer"]).get("/2/users/me").status_code == 200


def test_it_is_for_development(world: None, settings: Any) -> None:
    settings.IS_DEVELOPMENT = False

    with pytest.raises(CommandError, match="not a development site"):
        seeded()
    assert not User.objects.exists()
