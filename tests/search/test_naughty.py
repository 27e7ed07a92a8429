"""No string breaks the index or a search, and what is stored is found again."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from apps.infra import clock
from apps.infra.stores import postgres
from apps.search import queries, queries_ids
from apps.search.query.errors import QueryError
from apps.search.query.parser import parse
from apps.tweets.services_firehose import LivePost, post_tweets

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
BLNS = CORPUS / "adversarial" / "blns" / "blns.json"
PATHS = ("/2/tweets/search/recent", "/2/tweets/counts/recent", "/2/users/search")
OURS = [
    "", " ", "\x00", "\ufffe", "((((", '"', "'; drop table search_documents; --", "\\", "%", "_",
    "{{7*7}}", "<script>alert(1)</script>", "a" * 600, "-", "OR", "from:", "🏳️‍🌈", "ﷺ" * 100,
    "'a' <-> 'b'", "a & b | !c", ":*", "point_radius:[0 0 1km]", "min_likes:0", "word " * 90,
]  # fmt: skip


@pytest.mark.parametrize("text", OURS, ids=ascii)
def test_no_query_of_ours_breaks_a_search(api_as, browser, bob, text):
    for path in PATHS:
        answer = api_as(bob).get(f"{path}?query={quote(text, safe='')}")
        assert answer.status_code in {200, 400}, answer.content
    assert browser.get(f"/search?q={quote(text, safe='')}").status_code in {200, 400}


@pytest.mark.slow
@pytest.mark.skipif(not BLNS.exists(), reason="the list of naughty strings is not here")
def test_no_string_of_the_big_list_breaks_a_search(api_as, browser, alice, bob, drain_outbox):
    texts = [text for text in json.loads(BLNS.read_text()) if text.strip() and "\x00" not in text]
    made = post_tweets(
        posts=[LivePost(alice.id, text, "und", "x") for text in texts], now=clock.now()
    )
    drain_outbox()
    client, found = api_as(bob), 0

    for text, tweet_id in zip(texts, made, strict=True):
        phrase = '"' + text.replace('"', " ") + '"'
        for query in (text, phrase):
            # Newest first: the one that is meant comes first.
            asked = f"{PATHS[0]}?until_id={tweet_id + 1}&query={quote(query, safe='')}"
            answer = client.get(asked)
            assert answer.status_code in {200, 400}, (query, answer.content)
        assert browser.get(f"/search?q={quote(text, safe='')}").status_code in {200, 400}
        try:
            parse(phrase)
        except QueryError:
            continue
        if '"' not in text:
            found += 1
            assert str(tweet_id) in {one["id"] for one in answer.json()["data"]}, text
    assert found > 250


def test_a_search_that_takes_too_long_is_ended_with_advice(api_as, browser, bob, monkeypatch):
    monkeypatch.setattr(queries_ids, "LIMIT_MS", 50)
    monkeypatch.setattr(queries, "COUNT_LIMIT_MS", 50)

    with postgres.connect() as raw, raw.transaction():
        raw.execute("lock table search_documents in access exclusive mode")
        for path in PATHS[:2]:
            answer = api_as(bob).get(f"{path}?query=tea")
            assert answer.status_code == 503
            assert answer.json()["code"] == "search_too_slow"
            assert "rarer word" in answer.json()["detail"]
            assert answer.headers["retry-after"]
        assert browser.get("/search?q=tea").status_code == 503
        # Nothing else waits for it.
        assert browser.get("/public").status_code == 200
    assert api_as(bob).get(f"{PATHS[0]}?query=tea").status_code == 200
