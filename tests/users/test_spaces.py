"""Who looks for spaces is told that there are none, and not that there is no such address."""

import pytest


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/2/spaces?ids=1YpKkzBgBlVxj,1OwGWzarWnNKQ", ["1YpKkzBgBlVxj", "1OwGWzarWnNKQ"]),
        ("/2/spaces/1YpKkzBgBlVxj", ["1YpKkzBgBlVxj"]),
    ],
)
def test_no_space_is_found_by_its_id(api_as, bob, path, told):
    answer = api_as(bob).get(path)

    assert answer.status_code == 200
    assert [one["resource_id"] for one in answer.json()["errors"]] == told
    assert {one["resource_type"] for one in answer.json()["errors"]} == {"space"}


@pytest.mark.parametrize("path", ["by/creator_ids?user_ids=1,2", "search?query=tea&state=live"])
def test_no_space_is_found_otherwise(api_as, bob, path):
    assert api_as(bob).get(f"/2/spaces/{path}").json() == {"meta": {"result_count": 0}}


@pytest.mark.parametrize("path", ["?ids=not-one", "/not-one", "/search", "/search?query=a&state=x"])
def test_what_makes_no_sense_is_refused(api_as, bob, path):
    answer = api_as(bob).get(f"/2/spaces{path}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
