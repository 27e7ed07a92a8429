"""The description itself: valid OpenAPI 3.1, and nothing left out."""

import pytest
from openapi_spec_validator import validate

from apps.graph import rendering_lists
from apps.media import rendering as media_rendering
from apps.tweets import rendering as tweet_rendering
from apps.users import rendering as user_rendering
from apps.users.permissions import OPERATIONS
from tests.conformance.world import operations
from twitterlite.openapi.answers import ANSWERS
from twitterlite.openapi.document import schema
from twitterlite.openapi.outside import OUTSIDE

NAMES = operations()


def test_it_is_valid():
    validate(schema())
    assert schema()["openapi"] == "3.1.0"


def test_it_is_what_is_served(api):
    assert api.get("/2/openapi.json").json() == schema()


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_described_completely(name):
    operation = NAMES[name]

    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert operation["tags"]
    assert "security" in operation
    for one in operation["parameters"]:
        assert one["description"], one["name"]
        assert "title" not in one["schema"]
    is_outside = name.split(" ")[1] in OUTSIDE
    assert name in ANSWERS or is_outside, f"{name} needs a row in twitterlite/openapi/answers.py"
    if name in OPERATIONS:
        assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys()
        for response in operation["responses"].values():
            assert "x-rate-limit-reset" in response["headers"]
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) < 300 and status != "204":
            assert response["content"], status


def test_operation_ids_are_their_own():
    ids = [operation["operationId"] for operation in NAMES.values()]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("User", user_rendering._FIELDS),
        ("Tweet", tweet_rendering._FIELDS),
        ("List", rendering_lists._FIELDS),
        ("Media", media_rendering._FIELDS),
    ],
)
def test_every_field_that_is_told_is_described(name, fields):
    assert fields.keys() <= schema()["components"]["schemas"][name]["properties"].keys()
