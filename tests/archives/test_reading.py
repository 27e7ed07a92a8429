"""Reading archives of every generation, by small ones that are made up. No database."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.archives.reading.archive import read_archive
from apps.archives.reading.records import Post, Summary
from tests.archives.made import NOON, js, photo, post_id, said_at, tweet, written, ytd, zipped

OLD_JSON = """Grailbird.data.tweets_%s =
 [ {
\t"source" : "<a href=\\"http:\\/\\/example.com\\">Old \\u0026 Co</a>",
\t"entities" : { "user_mentions" : [ ], "media" : [ ], "hashtags" : [ ], "urls" : [ {
\t\t"url" : "http:\\/\\/t.co\\/abc", "expanded_url" : "http:\\/\\/example.com\\/long" } ] },
\t"geo" : { },
\t"id_str" : "%d", "text" : "%s", "id" : %d, "created_at" : "%s",
\t"user" : { "screen_name" : "me_on_x", "id" : 7, "id_str" : "7" }
} ]"""


def read(path: Path) -> tuple[Summary, list[Post]]:
    summary, posts = read_archive(path, into=path.parent / "sorted")
    return summary, list(posts.after(0))


def texts(path: Path) -> list[str]:
    return [post.text for post in read(path)[1]]


def seconds(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


@pytest.mark.parametrize("kind", ["tweet", "tweets"])
def test_posts_come_by_their_ids_whatever_the_order_of_the_file(tmp_path, kind):
    folder = ytd(tmp_path / "a", [tweet(3, "c"), tweet(1, "a"), tweet(2, "b")], kind=kind)

    summary, posts = read(folder)

    assert [post.text for post in posts] == ["a", "b", "c"]
    assert (summary.declared, summary.read, summary.username) == (3, 3, "me_on_x")
    assert posts[0].at == int(NOON.timestamp()) + 60
    assert posts[0].source == "Twitter Web App"


def test_a_zip_says_the_same_as_its_folder(tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1, "a")])

    assert texts(zipped(folder)) == texts(zipped(folder, inside="twitter-2022/")) == ["a"]


def test_the_manifest_says_which_files_count(tmp_path):
    parts = {"tweets ": ("data/tweets-part1.js", [{"tweet": tweet(2, "second part")}], 1)}
    folder = ytd(tmp_path / "a", [tweet(1, "first part")], more={})
    manifest = (folder / "data/manifest.js").read_text()
    entry = {"fileName": "data/odd-name.js", "globalName": "YTD.tweets.part1", "count": "1"}
    files = manifest.replace('"count": "1"}]', f'"count": "1"}}, {json.dumps(entry)}]')
    (folder / "data/manifest.js").write_text(files)
    (folder / "data/odd-name.js").write_text(js("tweets", parts["tweets "][1]))
    # Left over from an older archive that was unzipped to the same place.
    (folder / "data/tweet.js").write_text(js("tweet", [{"tweet": tweet(9, "left over")}]))

    summary, posts = read(folder)

    assert [post.text for post in posts] == ["first part", "second part"]
    assert summary.declared == 2


def test_without_a_manifest_the_usual_names_count(tmp_path):
    folder = written(
        tmp_path / "a",
        {
            "data/tweets.js": js("tweets", [{"tweet": tweet(1, "a")}]),
            "data/tweets-part1.js": js("tweets", [{"tweet": tweet(2, "b")}]),
        },
    )

    summary, posts = read(folder)

    assert [post.text for post in posts] == ["a", "b"]
    assert summary.declared is None


@pytest.mark.parametrize(
    "content",
    [
        "window.YTD.tweets.part0 = [ ]",
        "window.YTD.tweets.part0 = [ ];\n",
        "[]",
        "\ufeffwindow.YTD.tweets.part0 = [ ]",
    ],
)
def test_an_empty_list_may_be_written_in_many_ways(tmp_path, content):
    folder = ytd(tmp_path / "a", [], files={"data/tweets.js": content})

    assert texts(folder) == []


@pytest.mark.parametrize(
    "content",
    [
        "window.YTD.tweets.part0 = [{tweet: {id: '%(id)s', full_text: 'it\\'s \"so\"',"
        " created_at: '%(at)s',},},];",
        'YTD.tweets.part0=[ { \'tweet\' : { "id_str" : "%(id)s",'
        ' full_text : "it\'s \\"so\\"", created_at : "%(at)s", } , } , ]',
    ],
)
def test_javascript_that_is_no_json_is_read(tmp_path, content):
    filled = content % {"id": post_id(1), "at": said_at(post_id(1))}
    folder = ytd(tmp_path / "a", [tweet(1)], files={"data/tweets.js": filled})

    assert texts(folder) == ['it\'s "so"']


def test_brackets_and_quotes_in_texts_end_nothing(tmp_path):
    odd = 'a } ] " \\" [ { , ] \' \\ end'
    folder = ytd(tmp_path / "a", [tweet(1, odd), tweet(2, "}" * 300_000), tweet(3, "next")])

    assert texts(folder) == [odd, "}" * 40_000, "next"]


def test_entities_are_undone_once_and_links_are_long_again(tmp_path):
    urls = [
        {"url": "https://t.co/a", "expanded_url": "https://example.com/?a=1&b=2"},
        {"url": "https://t.co/ab", "expanded_url": "https://example.org/"},
        {"url": "https://t.co/bad", "expanded_url": "javascript:alert(1)"},
    ]
    text = "&lt;b&gt; &amp;amp; &copy; https://t.co/ab https://t.co/a https://t.co/bad"
    folder = ytd(tmp_path / "a", [tweet(1, text, entities={"urls": urls})])

    assert texts(folder) == [
        "<b> &amp; &copy; https://example.org/ https://example.com/?a=1&b=2 https://t.co/bad"
    ]


def test_of_an_edited_post_the_last_version_counts(tmp_path):
    first, last = post_id(1), post_id(2)
    versions = [str(first), str(last)]
    control = {"editControlInitial": {"editTweetIds": versions}, "initialTweetId": str(first)}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "frist", edit_info={"initial": {"editTweetIds": versions}}),
            tweet(2, "first", edit_info={"edit": control}),
            # Its newer version is not in the archive: it counts itself.
            tweet(3, "alone", edit_info={"initial": {"editTweetIds": ["1", str(post_id(9))]}}),
        ],
    )

    summary, posts = read(folder)

    assert [post.text for post in posts] == ["first", "alone"]
    assert summary.exceptions.found == {"edited": {"count": 1, "ids": [str(first)]}}


def test_a_long_post_gets_its_text_from_its_note(tmp_path):
    whole = "Once upon a time there was a very long post & more https://t.co/x " + "and more " * 60
    note = {
        "noteTweetId": "42",
        "createdAt": "2021-05-04T12:01:00.000Z",
        "core": {
            "text": whole,
            "urls": [{"shortUrl": "https://t.co/x", "expandedUrl": "https://example.com/x"}],
        },
    }
    other = note | {"core": {"text": "Nothing of the kind was ever said by anybody here."}}
    cut = "@bob Once upon a time there was a very long post &amp; more… https://t.co/self"
    folder = ytd(
        tmp_path / "a",
        [tweet(1, cut), tweet(2, "another minute, Once upon a time")],
        more={
            "noteTweet": ("data/note-tweet.js", [{"noteTweet": one} for one in (other, note)], 2)
        },
    )

    summary, posts = read(folder)

    assert posts[0].text == "@bob " + whole.replace("https://t.co/x", "https://example.com/x")
    assert posts[0].is_joined
    assert posts[1].text == "another minute, Once upon a time"
    assert summary.others["notes_joined"] == 1


def test_retweets_are_known_by_their_beginning(tmp_path):
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "RT @bob: what he said and mo…"),
            tweet(2, "a RT @bob: quoted by hand"),
            tweet(
                3,
                "RT @bob: look https://t.co/pic1",
                entities={"media": [photo(9) | {"source_status_id_str": "12345"}]},
            ),
        ],
    )

    _, posts = read(folder)

    assert [post.is_retweet for post in posts] == [True, False, True]
    assert [post.retweet_of_id for post in posts] == [None, None, 12345]


def test_a_link_to_a_post_is_a_quote_and_replies_name_their_parent(tmp_path):
    link = {"url": "https://t.co/q", "expanded_url": "https://x.com/bob/status/12345?s=20"}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "see https://t.co/q", entities={"urls": [link]}),
            tweet(2, "yes", in_reply_to_status_id_str="777", in_reply_to_user_id="778"),
        ],
    )

    _, posts = read(folder)

    assert (posts[0].quote_of_id, posts[0].quote_link) == (12345, link["expanded_url"])
    assert (posts[1].in_reply_to_id, posts[1].in_reply_to_user_id) == (777, 778)


def test_files_of_pictures_are_found_by_id_and_ordered_by_key(tmp_path):
    one = post_id(1)
    media = [photo(one, "BBB"), photo(one, "AAA")]
    folder = ytd(
        tmp_path / "a",
        [tweet(1, "two https://t.co/pic1", extended_entities={"media": media})],
        files={
            f"data/tweets_media/{one}-AAA.jpg": b"a",
            f"data/tweets_media/{one}-BBB.jpg": b"b",
            f"data/tweets_media/{one}1-CCC.jpg": b"of another post",
            f"data/profile_media/{one}-DDD.jpg": b"of no post",
        },
    )

    (post,) = read(folder)[1]

    assert [name.rpartition("-")[2] for name in post.files] == ["BBB.jpg", "AAA.jpg"]
    assert (post.media_link, post.media_count) == ("https://t.co/pic1", 2)


def test_what_is_no_post_is_counted_and_the_rest_comes(tmp_path):
    bad: list[Any] = [
        {"tweet": {"id_str": "5"}},
        {"tweet": tweet(1) | {"created_at": "yesterday"}},
        {"something": "else"},
    ]
    content = js("tweets", [*bad, {"tweet": tweet(2, "good")}]).replace(
        '"something": "else"', "nonsense !"
    )
    folder = ytd(tmp_path / "a", [], count=6, files={"data/tweets.js": content})

    summary, posts = read(folder)

    assert [post.text for post in posts] == ["good"]
    assert summary.exceptions.count("unreadable") == 2
    assert summary.exceptions.count("no_time") == 1
    assert summary.exceptions.found["fewer_than_declared"]["count"] == 2


def test_half_of_a_surrogate_pair_and_nul_are_replaced(tmp_path):
    content = js("tweets", [{"tweet": tweet(1, "CUT")}]).replace("CUT", "cut \\ud83d\\u0000 here")
    folder = ytd(tmp_path / "a", [], count=1, files={"data/tweets.js": content})

    assert texts(folder) == ["cut \ufffd here"]


@pytest.mark.parametrize(
    ("at", "second"),
    [
        ("Thu May 31 18:30:39 +0000 2012", seconds(2012, 5, 31, 18, 30, 39)),
        ("2012-05-31 14:59:11 +0000", seconds(2012, 5, 31, 14, 59, 11)),
    ],
)
def test_grailbird_months_in_both_forms_of_dates(tmp_path, at, second):
    tweet_id = 208_000_000_000_000_000
    content = OLD_JSON % (
        "2012_05",
        tweet_id,
        "so \\ud83d\\ude00 http:\\/\\/t.co\\/abc",
        tweet_id,
        at,
    )
    index = [{"file_name": "data/js/tweets/2012_05.js", "year": 2012, "month": 5, "tweet_count": 1}]
    folder = written(
        tmp_path / "a",
        {
            "data/js/tweets/2012_05.js": content,
            "data/js/tweet_index.js": f"var tweet_index =  {json.dumps(index)}",
            "data/js/user_details.js": 'var user_details = {"screen_name": "me_on_x", "id": "7"}',
        },
    )

    summary, posts = read(folder)

    assert posts[0].text == "so 😀 http://example.com/long"
    assert (posts[0].at, posts[0].source) == (second, "Old & Co")
    assert (summary.declared, summary.user_id, summary.generation) == (1, 7, "grailbird")


def test_grailbird_retweets_have_their_original_whole(tmp_path):
    found = {
        "id": 300, "id_str": "300", "text": "RT @bob: cut ...", "created_at": said_at(post_id(1)),
        "entities": {"urls": [], "media": []}, "user": {"screen_name": "me_on_x"},
        "retweeted_status": {
            "id": 200, "id_str": "200", "text": "not cut &amp; long", "entities": {"urls": []},
            "user": {"screen_name": "bob"},
        },
    }  # fmt: skip
    content = f"Grailbird.data.tweets_2012_05 = \n {json.dumps([found])}"
    folder = written(tmp_path / "a", {"data/js/tweets/2012_05.js": content})

    (post,) = read(folder)[1]

    assert post.text == "RT @bob: not cut & long"
    assert (post.retweet_of_id, post.quote_link) == (200, "https://twitter.com/bob/status/200")


HEADER = (
    '"tweet_id","in_reply_to_status_id","in_reply_to_user_id","retweeted_status_id",'
    '"retweeted_status_user_id",%s"timestamp","source","text","expanded_urls"\n'
)


@pytest.mark.parametrize(
    ("name", "extra"),
    [("data/csv/2012_05.csv", ""), ("tweets.csv", '"retweeted_status_timestamp",')],
)
def test_grailbird_tables(tmp_path, name, extra):
    empty = '"",' if extra else ""
    content = HEADER % extra + (
        f'"12345","100","7","","",{empty}"2008-05-31 14:59:11 +0000","web",'
        '"see http://t.co/a, ""quoted""\nnext line","http://example.com/long,http://example.com/long"\n'
        f'"12346","","","99","8",{empty}"2008-05-31 15:00:00 +0000","web","RT @bob: x",""\n'
    )
    folder = written(tmp_path / "a", {name: content})

    summary, posts = read(folder)

    assert posts[0].text == 'see http://example.com/long, "quoted"\nnext line'
    assert (posts[0].in_reply_to_id, posts[0].at) == (100, seconds(2008, 5, 31, 14, 59, 11))
    assert (posts[1].is_retweet, posts[1].retweet_of_id) == (True, 99)
    assert summary.generation == "grailbird-csv"
