"""YTD archives (2018 on): `data/manifest.js` says which files there are and what is in them."""

import re
from collections.abc import Iterator
from typing import Any

from apps.archives.reading import scanning
from apps.archives.reading.errors import BadArchive
from apps.archives.reading.literals import NotALiteral, loads
from apps.archives.reading.notes import Notes
from apps.archives.reading.posts import BadPost, post_of
from apps.archives.reading.records import Post, Summary
from apps.archives.reading.sources import Files, read_all, root_of
from apps.archives.reading.texts import dicts, id_of, moment_of

MANIFEST = "data/manifest.js"
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
# The manifest's words for posts, and the names of files where there is no manifest.
POSTS = ("tweet", "tweets", "communityTweet")
_POST_FILES = re.compile(r"data/(?:tweets?|community-tweet)(?:-part\d+)?\.js")
_NOTES = ("noteTweet",)
_NOTE_FILES = re.compile(r"data/note-tweet(?:-part\d+)?\.js")
_OTHERS = {
    "follower": "followers",
    "following": "following",
    "block": "blocked",
    "mute": "muted",
    "like": "likes",
    "deletedTweet": "deleted",
    "deletedTweets": "deleted",
}
_MEDIA = re.compile(r"(?:.*/)?(\w+)/(\d{1,19})-[^/]+")
# Folders of posts' pictures, besides those that the manifest names.
_MEDIA_FOLDERS = frozenset(
    {"tweet_media", "tweets_media", "community_tweet_media", "community_tweets_media"}
)
# `["data/tweets.js", 12]`
_Part = tuple[str, int | None]


def is_ytd(names: list[str]) -> bool:
    """Whether these are the files of such an archive."""
    return root_of(names, MANIFEST) is not None or _root_by_posts(names) is not None


def _root_by_posts(names: list[str]) -> str | None:
    roots = [root_of(names, f"data/{name}.js") for name in ("tweets", "tweet")]
    return next((root for root in roots if root is not None), None)


class Ytd:
    """One such archive."""

    def __init__(self, files: Files) -> None:
        self._files = files
        names = files.names()
        root = root_of(names, MANIFEST)
        self._has_manifest = root is not None
        self._root = root if root is not None else _root_by_posts(names) or ""
        self._names = frozenset(names)
        self._manifest = self._read_manifest()
        self._media = self._media_files(names)
        self.summary = self._summarised()

    def _read_manifest(self) -> dict[str, Any]:
        if not self._has_manifest:
            return {}
        raw = read_all(self._files, self._root + MANIFEST, limit=MAX_MANIFEST_BYTES)
        try:
            found = loads(raw[raw.index(b"=") + 1 :].strip().rstrip(b";"))
        except UnicodeDecodeError:
            raise BadArchive("not_utf8", MANIFEST) from None
        except (NotALiteral, ValueError):
            raise BadArchive("no_manifest", MANIFEST) from None
        if not isinstance(found, dict):
            raise BadArchive("no_manifest", MANIFEST)
        return found

    def _summarised(self) -> Summary:
        owner, about = self._part("userInfo"), self._part("archiveInfo")
        summary = Summary(
            generation="ytd",
            username=str(owner.get("userName") or "")[:20],
            user_id=id_of(owner, "accountId"),
            made_at=moment_of(about.get("generationDate")),
        )
        counts = [count for kind in POSTS for _, count in self._parts(kind)]
        if self._has_manifest:
            summary.declared = sum(count or 0 for count in counts)
        for kind, word in _OTHERS.items():
            summary.others[word] += sum(count or 0 for _, count in self._parts(kind))
        return summary

    def _part(self, name: str) -> dict[str, Any]:
        found = self._manifest.get(name)
        return found if isinstance(found, dict) else {}

    def _parts(self, kind: str) -> list[_Part]:
        """The files of a type, in the manifest's order; names that lead outside are refused."""
        about = self._part("dataTypes").get(kind)
        files = dicts(about.get("files")) if isinstance(about, dict) else []
        return [(str(one.get("fileName") or ""), id_of(one, "count") or 0) for one in files]

    def _files_of(self, kinds: tuple[str, ...], pattern: re.Pattern[str]) -> list[_Part]:
        if self._has_manifest:
            return [part for kind in kinds for part in self._parts(kind)]
        inside = [one.removeprefix(self._root) for one in self._names if one.startswith(self._root)]
        return [(name, None) for name in sorted(inside) if pattern.fullmatch(name)]

    def _media_files(self, names: list[str]) -> dict[int, list[str]]:
        types = self._part("dataTypes")
        about = [types.get(kind) for kind in POSTS]
        named = [str(one.get("mediaDirectory") or "") for one in about if isinstance(one, dict)]
        folders = {one.rpartition("/")[2] for one in named} | _MEDIA_FOLDERS
        found: dict[int, list[str]] = {}
        for name in names:
            match = _MEDIA.fullmatch(name)
            if match and match[1] in folders:
                found.setdefault(int(match[2]), []).append(name)
        return found

    def posts(self) -> Iterator[Post]:
        """Every post, in the order of the files; what is none is counted in the summary.

        Raises:
            BadArchive.
        """
        notes = Notes(self._objects(_NOTES, _NOTE_FILES))
        for found in self._objects(POSTS, _POST_FILES, is_counted=True):
            try:
                post = post_of(found, files_of=lambda one: self._media.get(one, []))
            except BadPost as error:
                self.summary.exceptions.add(error.code, error.post_id)
                continue
            notes.join(post)
            yield post
        self.summary.others["notes"] = notes.count
        self.summary.others["notes_joined"] = notes.joined

    def _objects(
        self, kinds: tuple[str, ...], pattern: re.Pattern[str], *, is_counted: bool = False
    ) -> Iterator[object]:
        for name, declared in self._files_of(kinds, pattern):
            full = self._root + name
            if full not in self._names:
                if is_counted and declared:
                    self.summary.exceptions.add("file_missing", name, declared)
                continue
            seen = 0
            with self._files.open(full) as file:
                for found in scanning.elements(file, name):
                    seen += 1
                    self.summary.read += is_counted
                    yield found
            if is_counted and declared is not None and declared > seen:
                self.summary.exceptions.add("fewer_than_declared", name, declared - seen)
            if is_counted and declared is not None and seen > declared:
                self.summary.declared = (self.summary.declared or 0) + seen - declared
