"""Other forms of a word: found where the language is known, and nowhere else."""

from urllib.parse import quote

import pytest

from apps.infra import clock
from apps.infra.resilience.deadline import late
from apps.search import queries_words, services_words, stemming
from apps.search.query import tree as t
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.services_words import learn_words
from apps.tweets.services import delete_tweet, post_tweet
from apps.tweets.services_edits import edit_tweet
from apps.tweets.services_firehose import LivePost, post_tweets


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    # A machine under load is no part of these tests.
    monkeypatch.setattr(queries_words, "LIMIT_MS", 5_000)


@pytest.fixture
def said(alice, drain_outbox):
    """Post texts in a language and let their words be learned; the ids."""

    def do(*texts, lang="und"):
        made = post_tweets(posts=[LivePost(alice.id, text, lang, "x") for text in texts],
                           now=clock.now())  # fmt: skip
        drain_outbox()
        learn_words(now=clock.now())
        return made

    return do


def found(browser, query, language="en"):
    """The texts of the posts on the page, without its marks."""
    browser.cookies.set("lang", language)
    page = browser.get(f"/search?f=live&q={quote(query)}")
    assert page.status_code == 200
    plain = page.text.replace("<mark>", "").replace("</mark>", "")
    return {text for text in TEXTS if text in plain}


TEXTS = (
    "the tide is high", "two tides a day", "tidal is another word", "walking home", "she walked",
    "der Hund bellt", "viele Hunde hier", "des Hundes Leine", "قرأت الكتاب", "كتاب قديم",
    "une chanson triste", "des chansons tristes",
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "language", "texts"),
    [
        ("tide", "en", {"the tide is high", "two tides a day"}),
        ("TIDES", "en", {"the tide is high", "two tides a day"}),
        ("walks", "en", {"walking home", "she walked"}),
        ("walks OR tides", "en", {"walking home", "she walked", "the tide is high",
                                  "two tides a day"}),
        ("tides high", "en", {"the tide is high"}),
        ("Hund", "de", {"der Hund bellt", "viele Hunde hier", "des Hundes Leine"}),
        ("Hunden", "de", {"der Hund bellt", "viele Hunde hier", "des Hundes Leine"}),
        ("كتاب", "ar", {"قرأت الكتاب", "كتاب قديم"}),
        ("الكتاب", "ar", {"قرأت الكتاب", "كتاب قديم"}),
        # Exact: quotation marks, what must not be there, a language that is another's.
        ('"tide"', "en", {"the tide is high"}),
        ("tides -tide", "en", {"two tides a day"}),
        ("chanson", "ar", {"une chanson triste"}),
        ("chanson lang:fr", "en", {"une chanson triste", "des chansons tristes"}),
    ],
)  # fmt: skip
def test_forms_of_words_are_found_in_the_language_of_reader_or_query(
    browser, said, query, language, texts
):
    said(*TEXTS[:-2])
    said(*TEXTS[-2:], lang="fr")

    assert found(browser, query, language) == texts


def test_what_was_found_is_marked(browser, said):
    said("two tides a day")

    assert "two <mark>tides</mark> a day" in browser.get("/search?q=tide").text


def test_the_api_finds_what_is_written_as_x_does(said, api_as, alice):
    one, _other = said("the tide is high", "two tides a day")

    answer = api_as(alice).get("/2/tweets/search/recent?query=tide")

    assert [tweet["id"] for tweet in answer.json()["data"]] == [str(one)]


def test_a_deleted_post_is_not_found_by_another_form_nor_an_edited_one(browser, alice, said):
    kept = post_tweet(author_id=alice.id, text="two tides a day", now=clock.now())
    gone, _ = said("the tide is high", "she walked")
    delete_tweet(user_id=alice.id, tweet_id=gone, now=clock.now())

    assert found(browser, "tides") == {"two tides a day"}

    edit_tweet(user_id=alice.id, tweet_id=kept.id, text="calm again", now=clock.now())
    assert found(browser, "tide") == set()


def tree_of(query):
    return parse(query, dialect=Dialect.WEB)


def expanded(run, query, language="en"):
    return run(stemming.with_forms(tree_of(query), language=language))


def test_an_or_holds_no_other(run, said):
    said("tides", "walked", "walking")

    tree = expanded(run, "(tide OR walk OR #tides) calm")

    assert isinstance(tree, t.And)
    either = tree.parts[0]
    assert isinstance(either, t.Or)
    assert [getattr(part, "text", "#") for part in either.parts] == [
        "tide", "tides", "walk", "walked", "walking", "#",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query", ['"tide"', "#tide", "@tide", "from:tide", "-tide", "👍", "潮", "tide.tide", "12"]
)
def test_all_else_is_as_it_was_written(run, said, query):
    said("tides of @tides 潮汐 12")
    tree = tree_of(f"calm {query}")

    assert run(stemming.with_forms(tree, language="en")) == tree


@pytest.mark.parametrize("language", ["", "ja", "xx", "ru"])
def test_a_language_without_a_stemmer_changes_nothing(run, said, language):
    said("tides")

    assert expanded(run, "tide", language) == tree_of("tide")


def test_where_postgresql_is_late_the_words_are_exact(run, said, monkeypatch):
    said("tides")

    async def too_late(*_args, **_more):
        raise late()

    monkeypatch.setattr(stemming, "forms_of", too_late)

    assert expanded(run, "tide") == tree_of("tide")


def test_the_forms_are_the_most_used_and_no_more_than_so_many(run, said, monkeypatch):
    said("tides")
    monkeypatch.setattr(services_words, "FRESH", services_words.FRESH * 0)
    said("tidings", "tided", "tiding")
    said("tided again")
    monkeypatch.setattr(stemming, "MAX_FORMS", 1)

    assert [part.text for part in expanded(run, "tide").parts] == ["tide", "tided"]


def test_every_dictionary_is_there(run, world):
    for name in stemming.DICTIONARIES.values():
        assert run(queries_words.forms_of(["word"], dictionary=name, limit=1)) == {}


def test_only_some_words_are_looked_at(run, said):
    said("tides " + " ".join(f"other{number}" for number in range(3)))
    words = " ".join(f"w{chr(97 + number)}x" for number in range(stemming.MAX_WORDS))

    assert expanded(run, f"{words} tide") == tree_of(f"{words} tide")
