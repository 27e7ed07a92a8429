"""One object of an archive becomes one post: v1.1 objects of Grailbird, and those of YTD."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from apps.archives.reading.records import Post
from apps.archives.reading.texts import (
    MAX_SHORT,
    MAX_TEXT,
    clean,
    dicts,
    id_of,
    is_address,
    lang_of,
    long_links,
    program_of,
    quote_in,
    seconds_of,
    unescaped,
)

# A post has four pictures, or one video.
MAX_FILES = 16
_RETWEET = re.compile(r"RT @(\w{1,20}): ")

FilesOf = Callable[[int], list[str]]


class BadPost(ValueError):
    """This object is no post; `code` says why."""

    def __init__(self, code: str, post_id: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.post_id = post_id


def post_of(found: object, *, files_of: FilesOf) -> Post:
    """The post that an element says, its wrapper taken off.

    Args:
        files_of: the archive's files for a post.

    Raises:
        BadPost.
    """
    data = found.get("tweet", found) if isinstance(found, dict) else None
    if not isinstance(data, dict):
        raise BadPost("unreadable")
    post_id = id_of(data, "id_str", "id")
    text = data.get("full_text", data.get("text"))
    if post_id is None or not isinstance(text, str):
        raise BadPost("unreadable", post_id)
    at = seconds_of(data.get("created_at"))
    if at is None:
        raise BadPost("no_time", post_id)
    post = Post(id=post_id, at=at, text="")
    post.lang, post.source = lang_of(data.get("lang")), program_of(data.get("source"))
    post.in_reply_to_id = id_of(data, "in_reply_to_status_id_str", "in_reply_to_status_id")
    post.in_reply_to_user_id = id_of(data, "in_reply_to_user_id_str", "in_reply_to_user_id")
    post.newest_id = _newest(data.get("edit_info"))
    _say(post, data, text[:MAX_TEXT], files_of)
    return post


def _say(post: Post, data: Mapping[str, Any], text: str, files_of: FilesOf) -> None:
    urls, media = _entities(data)
    retweeted = data.get("retweeted_status")
    match = _RETWEET.match(text)
    if isinstance(retweeted, dict):
        _retweet(post, retweeted)
    else:
        post.text = long_links(clean(unescaped(text)), urls)
        if match:
            post.is_retweet, post.retweet_of_id = True, _source_of(media)
        else:
            post.quote_of_id, post.quote_link = quote_in(urls)
    if media:
        short = clean(str(media[0].get("url") or ""))
        page = clean(str(media[0].get("expanded_url") or ""))
        if len(short) <= MAX_SHORT and is_address(short):
            post.media_link = short
            post.media_page = page if is_address(page) else ""
        post.media_count = len(media)
        if isinstance(retweeted, dict):
            post.text = post.text.replace(post.media_link or "\0", post.media_page)
    post.files = _in_order(files_of(post.id), media)[:MAX_FILES]


def _retweet(post: Post, original: Mapping[str, Any]) -> None:
    """Grailbird gives the original, whole, while the retweet's own text was cut."""
    user = original.get("user")
    name = str(user.get("screen_name") or "") if isinstance(user, dict) else ""
    urls, _ = _entities(original)
    text = clean(unescaped(str(original.get("full_text") or original.get("text") or "")[:MAX_TEXT]))
    post.is_retweet, post.retweet_of_id = True, id_of(original, "id_str", "id")
    post.text = f"RT @{clean(name)}: {long_links(text, urls)}" if name else long_links(text, urls)
    if name and post.retweet_of_id:
        post.quote_link = f"https://twitter.com/{clean(name)}/status/{post.retweet_of_id}"


def _entities(data: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Links, and pictures: `extended_entities` has all of them, `entities` one."""
    plain, extended = data.get("entities"), data.get("extended_entities")
    plain = plain if isinstance(plain, dict) else {}
    extended = extended if isinstance(extended, dict) else {}
    return dicts(plain.get("urls")), dicts(extended.get("media")) or dicts(plain.get("media"))


def _source_of(media: list[dict[str, Any]]) -> int | None:
    """The post that a retweet's picture came with: the one thing that names the original."""
    for one in media:
        found = id_of(one, "source_status_id_str", "source_status_id")
        if found:
            return found
    return None


def _newest(edits: object) -> int | None:
    """The last of a post's versions."""
    if not isinstance(edits, dict):
        return None
    later = edits.get("edit")
    control = later.get("editControlInitial") if isinstance(later, dict) else edits.get("initial")
    ids = control.get("editTweetIds") if isinstance(control, dict) else None
    return id_of({"id": ids[-1]}, "id") if isinstance(ids, list) and ids else None


def _in_order(files: list[str], media: list[dict[str, Any]]) -> list[str]:
    """A post's files as its pictures stand, by the key in their names; the others behind."""
    rank: dict[str, int] = {}
    for place, one in enumerate(media):
        addresses = [str(one.get("media_url_https") or one.get("media_url") or "")]
        video = one.get("video_info")
        for variant in dicts(video.get("variants")) if isinstance(video, dict) else []:
            addresses.append(str(variant.get("url") or "").partition("?")[0])
        for address in addresses:
            rank[address.rpartition("/")[2].rpartition(".")[0]] = place

    def place_of(name: str) -> tuple[int, str]:
        key = name.rpartition("/")[2].partition("-")[2].rpartition(".")[0]
        return rank.get(key, len(media)), name

    return sorted(files, key=place_of)
