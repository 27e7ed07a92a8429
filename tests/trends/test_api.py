"""/2/trends/by/woeid and /2/users/personalized_trends on the wire."""

import pytest

from apps.infra import clock
from apps.trends.models import TrendRule
from tests.trends.trending import trending

WORLD, PERSONALIZED = "/2/trends/by/woeid/1", "/2/users/personalized_trends"


def test_the_world_in_xs_shape(api_as, bob):
    trending("#Tide", "#Wave", voices=6)

    answer = api_as(bob).get(WORLD)

    assert answer.json() == {
        "data": [
            {"trend_name": "#Tide", "tweet_count": 7},
            {"trend_name": "#Wave", "tweet_count": 6},
        ]
    }
    assert api_as(bob).get(f"{WORLD}?max_trends=1&trend.fields=trend_name").json() == {
        "data": [{"trend_name": "#Tide"}]
    }


def test_before_anything_trends_there_is_no_data(api_as, bob):
    assert api_as(bob).get(WORLD).json() == {}
    assert api_as(bob).get(PERSONALIZED).json() == {}


def test_a_country_has_what_trends_in_its_language(api_as, bob):
    trending("#Sturm", lang="de")
    trending("#Storm", lang="en")

    def names(woeid):
        found = api_as(bob).get(f"/2/trends/by/woeid/{woeid}").json()["data"]
        return {one["trend_name"] for one in found}

    assert names(1) == {"#Sturm", "#Storm"}
    assert names(23424829) == {"#Sturm"}
    assert names(23424977) == {"#Storm"}


@pytest.mark.parametrize(
    ("woeid", "status"), [("2", 404), ("0", 400), ("x", 400), ("-1", 400), ("2147483648", 400)]
)
def test_an_unknown_place_is_refused(api_as, bob, woeid, status):
    answer = api_as(bob).get(f"/2/trends/by/woeid/{woeid}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["max_trends=0", "max_trends=51", "trend.fields=rank"])
def test_what_is_not_understood_is_refused(api_as, bob, query):
    assert api_as(bob).get(f"{WORLD}?{query}").status_code == 400


def test_ones_own_language_comes_first(api_as, bob):
    trending("#Storm", "#Wave", lang="en")
    trending("#Sturm", lang="de")
    TrendRule.objects.create(word="#Welcome", kind=TrendRule.Kind.PINNED)
    trending("#Flut", lang="de", voices=3)

    found = api_as(bob).get(PERSONALIZED, accept_language="de").json()["data"]

    names = [one["trend_name"] for one in found]
    assert names == ["#Welcome", "#Sturm", "#Flut", "#Storm", "#Wave"]
    assert found[0]["category"] == "Recommended"
    assert found[1].keys() == {"category", "post_count", "trend_name", "trending_since"}
    answer = api_as(bob).get(f"{PERSONALIZED}?personalized_trend.fields=post_count")
    assert answer.json()["data"][0].keys() == {"post_count"}
    assert found[1]["trending_since"] <= clock.now().isoformat()
