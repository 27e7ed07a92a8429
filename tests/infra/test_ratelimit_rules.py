"""The table of limits: complete, without doubles, sane."""

import pytest

from apps.infra.resilience import rules
from apps.users.permissions import OPERATIONS
from twitterlite.openapi.document import schema

LISTED = [operation for group in rules.TABLE for operation in group.operations]
DESCRIBED = {
    f"{method.upper()} {path}" for path, methods in schema()["paths"].items() for method in methods
}


def group_of(operation):
    method, path = operation.split(" ", 1)
    route = path.removeprefix("/").replace("{", "<int:").replace("}", ">")
    return rules.group_of(method, route)


def test_no_operation_is_in_two_groups():
    assert len(LISTED) == len(set(LISTED))
    assert len({group.name for group in rules.TABLE}) == len(rules.TABLE)


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() & DESCRIBED))
def test_every_operation_that_is_offered_has_a_group_of_its_kind(operation):
    assert operation in LISTED
    assert operation in next(
        group.operations for group in rules.TABLE if group.name == group_of(operation)
    )


@pytest.mark.parametrize("operation", LISTED)
def test_whoever_may_ask_has_a_limit(operation):
    group = next(group for group in rules.TABLE if operation in group.operations)
    assert group.person > 0
    if operation in OPERATIONS:
        assert bool(group.application) >= OPERATIONS[operation].app_only


@pytest.mark.parametrize(
    ("method", "route", "group"),
    [
        ("HEAD", "2/tweets/<id>", "posts"),
        ("GET", "2/tweets/<str:id>", "posts"),
        ("GET", "2/nothing", "other_reads"),
        ("GET", "", "other_reads"),
        ("PATCH", "2/tweets/<id>", "other_writes"),
        ("POST", "2/tweets/", "other_writes"),
    ],
)
def test_every_request_is_in_some_group(method, route, group):
    assert rules.group_of(method, route) == group


def test_windows_have_names():
    assert rules.PERSON["home"].window == "15 minutes"
    assert rules.PERSON["post"].window == "3 hours"
    assert rules.PERSON["like"].window == "24 hours"
