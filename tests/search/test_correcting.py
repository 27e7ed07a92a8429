""" "Did you mean": what is offered for a query that finds nothing, and what never is."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from apps.graph.services import block_user
from apps.infra import clock
from apps.infra.stores import postgres
from apps.search import queries_words, services_words
from apps.search.models import Word
from apps.search.query import spelling
from apps.tweets.services import delete_tweet, hide_tweet, post_tweet
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    # A machine under load is no part of these tests.
    monkeypatch.setattr(queries_words, "LIMIT_MS", 5_000)


@pytest.fixture
def people(world):
    return [UserFactory.create(username=f"writer{number}") for number in range(4)]


@pytest.fixture
def learn(people, drain_outbox):
    """Have so many people write a text, and learn from it; the ids."""

    def do(text, authors=3):
        made = [
            post_tweet(author_id=author.id, text=text, now=clock.now()).id
            for author in people[:authors]
        ]
        drain_outbox()
        services_words.learn_words(now=clock.now())
        return made

    return do


def meant(browser, query, shelf=""):
    """What the page offers, as the query of its link; None where it offers nothing."""
    page = browser.get(f"/search?q={quote(query, safe='')}{shelf}")
    assert page.status_code == 200
    if 'class="meant"' not in page.text:
        return None
    hint = page.text.split('class="meant"')[1].split("</p>")[0]
    shown = hint.split("<bdi>")[1].split("</bdi>")[0]
    asked = hint.split('href="/search?q=')[1].split('"')[0].split("&amp;")[0]
    assert quote(shown.replace("&quot;", '"').replace("&#x27;", "'"), safe="") == asked.replace(
        "+", "%20"
    )
    return shown.replace("&quot;", '"')


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("lighthuose", "lighthouse"), ("LIGHTHUOSE", "lighthouse"), ("lighthouze", "lighthouse"),
        ("lighhouse", "lighthouse"), ("harbuor", "harbour"),
        ("#wadensea", "#waddensea"), ("ebbo", "ebb"),
        ("lighthuose -rain lang:en", "lighthouse -rain lang:en"),
        ("(harbuor OR quay) since:2020-01-31", "(harbour OR quay) since:2020-01-31"),
        ('"old harbuor"', '"old harbour"'), ("old  harbuor", "old  harbour"),
        ("from:writr1 lighthuose", "from:writer1 lighthouse"), ("@writre2", "@writer2"),
        ("writre2", "writer2"), ("harbour from:writr3 has:links", "harbour from:writer3 has:links"),
        ("grune", "grüne"), ("маякк", "маяк"), ("منارةة", "منارة"),
    ],
)  # fmt: skip
def test_what_many_say_is_offered_and_the_rest_of_the_query_kept(browser, learn, query, offered):
    learn("old lighthouse at the harbour, ebb #waddensea gruene grüne маяк منارة", authors=4)
    folded = {"grüne": "grune", "grune": "grune"}

    assert meant(browser, query) == (
        None if query == folded.get(offered) else folded.get(offered, offered)
    )


@pytest.mark.parametrize(
    "query",
    ["xqzvw", "la", "zz", "lighthouse harbuor -ebb xyzzyx yone ytwo ythree",
     "-lighthuose harbour nowhere",
     "海", "海辺の町", "has:links lighthouse since:2099-01-01",
     "lang:xx harbour", "o'harbuor"],
)  # fmt: skip
def test_nothing_is_offered_for_what_is_known_short_strange_or_unwanted(browser, learn, query):
    learn("old lighthouse at the harbour, ebb")

    assert meant(browser, query) is None


def test_who_finds_something_is_not_corrected(browser, learn, alice, drain_outbox):
    learn("old lighthouse")
    post_tweet(author_id=alice.id, text="lighthuose", now=clock.now())
    drain_outbox()

    assert meant(browser, "lighthuose") is None


def test_the_more_used_word_is_offered_of_two_that_are_as_near(browser, learn):
    for _ in range(3):
        Word.objects.update(seen_at=clock.now() - timedelta(hours=1))
        learn("the tower")
    learn("the lower")

    assert meant(browser, "thower") == "tower"


@pytest.mark.parametrize("authors", [1, 2])
def test_what_few_say_is_not_offered(browser, learn, people, authors):
    learn("lighthouse", authors=authors)
    assert meant(browser, "lighthuose") is None

    # The same few, often.
    learn("lighthouse again", authors=authors)
    assert meant(browser, "lighthuose") is None


GONE = {
    "deleted": lambda post, author, bob: delete_tweet(
        user_id=author.id, tweet_id=post, now=clock.now()
    ),
    "hidden": lambda post, author, bob: hide_tweet(tweet_id=post, now=clock.now()),
    "protected": lambda post, author, bob: set_protected(
        user_id=author.id, protected=True, now=clock.now()
    ),
    "suspended": lambda post, author, bob: suspend_user(user_id=author.id, now=clock.now()),
    "blocked": lambda post, author, bob: block_user(
        blocker_id=author.id, blocked_id=bob.id, now=clock.now()
    ),
}


@pytest.mark.parametrize("word", ["lighthuose", "#waddensae"])
@pytest.mark.parametrize("deed", GONE)
def test_what_is_gone_speaks_for_nothing_from_the_next_request_on(
    browser_as, learn, people, bob, deed, word
):
    posts = learn("lighthouse #waddensea")
    reader = browser_as(bob)
    assert meant(reader, word) is not None

    GONE[deed](posts[0], people[0], bob)

    assert meant(reader, word) is None


@pytest.mark.parametrize("deed", ["deleted", "hidden", "protected", "suspended"])
def test_from_what_is_gone_before_nothing_is_learned(browser, people, bob, drain_outbox, deed):
    for author in people[:3]:
        post = post_tweet(author_id=author.id, text="lighthouse", now=clock.now()).id
        drain_outbox()
        GONE[deed](post, author, bob)
    services_words.learn_words(now=clock.now())

    assert not Word.objects.exists()


@pytest.mark.parametrize("query", ["from:writre0", "@writre0", "writre0"])
@pytest.mark.parametrize("deed", ["suspended", "blocked"])
def test_names_of_whom_one_may_not_see_are_not_offered(browser_as, learn, people, bob, deed, query):
    learn("a lighthouse", authors=1)
    reader = browser_as(bob)
    assert meant(reader, query) is not None
    assert meant(reader, "writre0", "&f=user") == "@writer0"

    GONE[deed](0, people[0], bob)

    assert meant(reader, query) is None
    assert meant(reader, "writre0", "&f=user") is None


def test_a_hint_is_never_waited_for(browser, learn, monkeypatch):
    learn("lighthouse")
    monkeypatch.setattr(queries_words, "LIMIT_MS", 30)

    with postgres.connect() as raw, raw.transaction():
        raw.execute("lock table known_words in access exclusive mode")
        assert meant(browser, "lighthuose") is None
    monkeypatch.setattr(queries_words, "LIMIT_MS", 5_000)
    assert meant(browser, "lighthuose") == "lighthouse"


def test_a_post_speaks_once_and_old_ones_are_learned_by_the_command(browser, learn, people):
    posts = learn("lighthouse")
    kept = list(Word.objects.order_by("word").values())

    assert services_words.learn_words(now=clock.now()) == 0
    assert list(Word.objects.order_by("word").values()) == kept
    assert Word.objects.get(word="lighthouse").posts == posts[::-1]

    Word.objects.all().delete()
    call_command("index_search", stdout=_Nowhere(), stderr=_Nowhere())
    assert meant(browser, "lighthuose") == "lighthouse"


class _Nowhere:
    def write(self, text):
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


def test_only_so_many_of_the_newest_posts_are_learned_from(
    learn, people, drain_outbox, monkeypatch
):
    words = ["anchor", "breeze", "current", "dolphin"]
    for word in words:
        post_tweet(author_id=people[0].id, text=word, now=clock.now())
    drain_outbox()

    services_words.learn_words(now=clock.now(), limit=2)
    services_words.learn_words(now=clock.now(), limit=2)

    assert set(Word.objects.values_list("word", flat=True)) == {"current", "dolphin", "@writer0"}


def test_rare_words_are_forgotten_and_no_more_are_kept_than_may_be(learn, monkeypatch):
    learn("lighthouse", authors=3)
    learn("anchor breeze", authors=1)
    Word.objects.filter(word="anchor").update(seen_at=clock.now() - timedelta(days=8))
    services_words.tidy_words(now=clock.now())
    assert set(Word.objects.values_list("word", flat=True)) == {
        "breeze", "lighthouse", "@writer0", "@writer1", "@writer2",
    }  # fmt: skip

    monkeypatch.setattr(services_words, "MAX_WORDS", 4)
    services_words.tidy_words(now=clock.now())
    assert not Word.objects.filter(word="breeze").exists()
    assert Word.objects.count() == 4


# ── Letters ──────────────────────────────────────────────────────────────────

LETTERS = st.text("abcd", min_size=3, max_size=9)


def _edited(data, word):
    """One letter more, less, other or exchanged."""
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdz"))
    kind = data.draw(st.sampled_from(["more", "less", "other", "exchanged"]))
    head, tail = word[:place], word[place:]
    if kind == "more":
        return head + letter + tail
    if kind == "less":
        return head + tail[1:]
    if kind == "other":
        return head + letter + tail[1:]
    return head + tail[1::-1] + tail[2:]


@given(st.data(), LETTERS)
def test_whatever_is_one_letter_off_is_found(data, word):
    wrong = _edited(data, word)

    assert spelling.distance(wrong, word) <= 1
    assert spelling.distance(word, wrong) == spelling.distance(wrong, word)
    assert set(spelling.keys(wrong, without=1)) & set(spelling.keys(word, without=1))


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "", 3), ("abcd", "badc", 2),
     ("receive", "recieve", 1), ("tide", "time", 1), ("tide", "tied", 1), ("tide", "edit", 3)],
)  # fmt: skip
def test_how_far_two_words_are(one, other, far):
    assert spelling.distance(one, other) == far


def test_long_and_short_words_are_no_work():
    assert spelling.reach("ab") == spelling.reach("#ab") == spelling.reach("x" * 31) == 0
    assert (spelling.reach("abc"), spelling.reach("#abcdef")) == (1, 2)
    assert len(spelling.keys("#" + "abcdefghij" * 3, without=2)) < 500
