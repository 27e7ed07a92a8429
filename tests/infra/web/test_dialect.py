"""The newer words of X's API: asked in them, answered in them, at every door."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.infra import clock
from apps.infra.web import dialect
from apps.tweets.services import post_tweet

FIELDS = "post.fields=referenced_posts,public_metrics,article_title,edit_history_post_ids"


@pytest.mark.parametrize(
    ("query", "spoken"),
    [
        ("post.fields=id", True),
        ("expansions=referenced_posts.id", True),
        ("expansions=author_id%2Cpinned_post_id", True),
        ("user.fields=most_recent_post_id", True),
        ("search_count.fields=post_count", True),
        ("query=post", False),
        ("query=post.fields", False),
        ("tweet.fields=id", False),
        ("tweet.fields=post", False),
        ("", False),
    ],
)
def test_a_query_that_uses_a_newer_word_is_known(query: str, spoken: bool) -> None:
    assert dialect.is_spoken(query) is spoken


def test_a_question_is_translated() -> None:
    asked = parse_qs(
        dialect.translated(
            b"query=posts+of+tea&post.fields=id,note_post,paid_partnership&tweet.fields=lang"
            b"&expansions=referenced_posts,username,author_id&user.fields=username,pinned_post_id"
        ).decode()
    )

    assert asked == {
        "query": ["posts of tea"],
        "tweet.fields": ["id,note_tweet,lang"],
        "expansions": ["referenced_tweets.id,author_id"],
        "user.fields": ["username,pinned_tweet_id"],
    }


@pytest.fixture
def answers(api_as: Any, alice: Any, bob: Any) -> dict[str, Any]:
    """What several doors say of a quote."""
    first = post_tweet(author_id=alice.id, text="tweets and retweet_count", now=clock.now())
    quote = post_tweet(author_id=bob.id, text="q", now=clock.now(), quote_of_id=first.id)
    client = api_as(bob)
    query = f"{FIELDS}&expansions=referenced_posts.id,author_id&user.fields=public_metrics"
    return {
        where: client.get(f"/2/{path}{query}")
        for where, path in {
            "lane": f"tweets/{quote.id}?",
            "router": f"tweets?ids={quote.id}&",
            "timeline": f"users/{bob.id}/tweets?",
            "home": f"users/{bob.id}/timelines/reverse_chronological?",
        }.items()
    }


@pytest.mark.parametrize("where", ["lane", "router", "timeline", "home"])
def test_an_answer_is_in_the_newer_words(answers: dict[str, Any], where: str) -> None:
    answer = answers[where]

    assert answer.status_code == 200, answer.content
    assert int(answer.headers["content-length"]) == len(answer.content)
    told = answer.json()
    data = told["data"][0] if isinstance(told["data"], list) else told["data"]
    assert data["referenced_posts"][0]["type"] == "quoted"
    assert data["edit_history_post_ids"] == [data["id"]]
    assert data["public_metrics"]["repost_count"] == 0
    assert told["includes"]["posts"][0]["text"] == "tweets and retweet_count"
    assert told["includes"]["users"][0]["public_metrics"]["post_count"] == 1
    for word in dialect.WORDS:
        assert f'"{word}":' not in json.dumps(told).replace(" ", "")


def test_a_refusal_names_the_parameter_as_it_was_sent(api_as: Any, bob: Any) -> None:
    answer = api_as(bob).get("/2/tweets/1?post.fields=nonsense")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    assert "post.fields" in answer.json()["errors"][0]["parameters"]
