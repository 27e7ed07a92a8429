"""The third door: pages, files and the description of the API, through the whole application."""

from apps.infra.conf import BASE_DIR
from tests.factories import UserFactory


def test_a_page_comes_with_its_policies(api):
    answer = api.get("/login")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-request-id"]
    assert "csrftoken" in answer.headers["set-cookie"]


def test_a_form_from_elsewhere_is_refused(api):
    answer = api.post("/login", b"username=a&password=b", "application/x-www-form-urlencoded")

    assert answer.status_code == 403


def test_a_file_comes_whole(api):
    answer = api.get("/static/css/app.css")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.content == (BASE_DIR / "static/css/app.css").read_bytes()


def test_an_unknown_page_is_a_page_too(api):
    answer = api.get("/no/such/page/at/all")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_the_description_names_every_route(api):
    described = api.get("/2/openapi.json").json()

    assert described["openapi"].startswith("3.")
    # That there is none which nobody guards, tests/users/test_matrix.py says.
    assert set(described["paths"]) >= {
        "/2/tweets", "/2/tweets/{id}", "/2/users", "/2/users/by", "/2/users/me",
        "/2/users/by/username/{username}", "/2/users/{id}", "/2/users/{id}/following",
        "/2/users/{source_user_id}/following/{target_user_id}", "/2/users/{id}/followers",
        "/2/users/{id}/likes", "/2/users/{id}/likes/{tweet_id}", "/2/users/{id}/retweets",
        "/2/users/{id}/retweets/{source_tweet_id}", "/2/users/{id}/tweets",
        "/2/users/{id}/timelines/reverse_chronological",
    }  # fmt: skip
    home = described["paths"]["/2/users/{id}/timelines/reverse_chronological"]["get"]
    assert {"max_results", "pagination_token", "tweet.fields", "since_id", "exclude"} <= {
        one["name"] for one in home["parameters"]
    }
    post = described["paths"]["/2/tweets"]["post"]
    assert "201" in post["responses"]
    body = post["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) >= {"text", "reply", "quote_tweet_id", "reply_settings"}


def test_who_is_called_like_a_door_for_machines_has_a_page(world, api):
    for name in ("metrics_fan", "healthzone", "readyz2"):
        UserFactory(username=name)
        answer = api.get(f"/{name}")

        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"], name
