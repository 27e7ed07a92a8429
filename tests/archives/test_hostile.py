"""Archives that were made to do harm, or that a bad line has cut: one sentence each, no rows."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

import pytest

from apps.archives import report
from apps.archives.models import ArchiveImport, ArchiveItem
from apps.archives.reading import archive as archive_module
from apps.archives.reading import scanning, sources
from apps.archives.reading.archive import read_archive
from apps.archives.reading.errors import BadArchive
from apps.tweets.models import Tweet
from tests.archives.made import js, tweet, written, ytd, zipped

GOOD = js("tweets", [{"tweet": tweet(1)}])


def zip_of(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def outside(path: Path) -> Path:
    return zip_of(path, ("data/tweets.js", GOOD.encode()), ("../../etc/cron.d/x", b"x"))


def absolute(path: Path) -> Path:
    return zip_of(path, ("data/tweets.js", GOOD.encode()), ("/etc/passwd", b"x"))


def of_windows(path: Path) -> Path:
    return zip_of(path, ("data/tweets.js", GOOD.encode()), ("C:/evil.exe", b"x"))


def link(path: Path) -> Path:
    info = zipfile.ZipInfo("data/tweets.js")
    info.external_attr = 0o120777 << 16
    return zip_of(path, (info, b"/etc/passwd"))


def bomb(path: Path) -> Path:
    return zip_of(path, ("data/tweets.js", b" " * 40_000_000))


def cut(path: Path) -> Path:
    whole = zip_of(path, ("data/tweets.js", GOOD.encode() * 2_000)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def rotten(path: Path) -> Path:
    whole = bytearray(zip_of(path, ("data/tweets.js", GOOD.encode() * 500)).read_bytes())
    at = whole.index(b"data/tweets.js") + 60
    whole[at : at + 40] = b"\xff" * 40
    path.write_bytes(whole)
    return path


def no_zip(path: Path) -> Path:
    path.write_bytes(b"<html>Your download has expired</html>")
    return path


def another_zip(path: Path) -> Path:
    return zip_of(path, ("holiday/sun.txt", b"no posts"))


def endless_directory(path: Path) -> Path:
    path.write_bytes(b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 65_000, 65_000, 0xFFFFFFF0, 0, 0))
    return path


def locked(path: Path) -> Path:
    whole = bytearray(zip_of(path, ("data/tweets.js", GOOD.encode())).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + place] |= 1
    path.write_bytes(whole)
    return path


def contents(content: bytes | str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        return zipped(ytd(path.with_suffix(""), [tweet(1)], files={"data/tweets.js": content}))

    return make


def bad_manifest(path: Path) -> Path:
    folder = ytd(
        path.with_suffix(""), [tweet(1)], files={"data/manifest.js": "window.x = [[[ oops"}
    )
    return zipped(folder)


def no_table(path: Path) -> Path:
    return zipped(written(path.with_suffix(""), {"tweets.csv": "a,b,c\n1,2,3\n"}))


def huge_field(path: Path) -> Path:
    head = "tweet_id,timestamp,text\n1,2012-05-31 14:59:11 +0000,"
    return zipped(written(path.with_suffix(""), {"tweets.csv": f'{head}"{"x" * 300_000}'}))


def table_in_latin(path: Path) -> Path:
    head = "tweet_id,timestamp,text\n1,2012-05-31 14:59:11 +0000,"
    return zipped(written(path.with_suffix(""), {"tweets.csv": head.encode() + b"caf\xe9\n"}))


HOSTILE: list[tuple[Callable[[Path], Path], str]] = [
    (outside, "outside"),
    (absolute, "outside"),
    (of_windows, "outside"),
    (link, "link"),
    (bomb, "bomb"),
    (cut, "damaged"),
    (rotten, "damaged"),
    (no_zip, "not_an_archive"),
    (another_zip, "not_an_archive"),
    (endless_directory, "too_many_files"),
    (locked, "encrypted"),
    (bad_manifest, "no_manifest"),
    (no_table, "no_table"),
    (huge_field, "element_too_large"),
    (table_in_latin, "not_utf8"),
    (contents(GOOD[:-3]), "cut_off"),
    (contents(GOOD.encode("utf-16")), "not_utf8"),
    (contents(GOOD.replace("hello", "caf\u00e9").encode("latin-1")), "not_utf8"),
    (contents("window.YTD.tweets.part0 = " + "[" * 5_000), "too_deep"),
    (contents('window.YTD.tweets.part0 = [{"a":' + '{"a":' * 5_000), "too_deep"),
    (contents('window.YTD.tweets.part0 = [ {"tweet": "' + "x" * 6_000_000), "element_too_large"),
    (contents("window.YTD.tweets.part0 = alert(1)"), "no_array"),
    (contents("window.YTD.tweets.part0 = [ 1, 2, 3 ]"), "no_array"),
]


@pytest.mark.parametrize(
    ("make", "code"), HOSTILE, ids=[f"{n}-{c}" for n, (_, c) in enumerate(HOSTILE)]
)
def test_a_hostile_archive_is_refused_by_name(tmp_path, make, code):
    path = make(tmp_path / "evil.zip")

    with pytest.raises(BadArchive) as refusal:
        read_archive(path, into=tmp_path / "sorted")

    assert refusal.value.code == code
    said = report.failure_text(code, refusal.value.about)
    assert "%" not in said
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    "odd",
    [
        {"source": "<" * 1_000_000},
        {"entities": {"urls": [{"url": f"https://t.co/{n}", "expanded_url": "https://e.com"}
                               for n in range(30_000)]}, "full_text": "https://t.co/" * 30_000},
        {"entities": {"media": [{"url": "e", "expanded_url": "x" * 1_000_000}]}},
        {"entities": {"urls": [{"url": "e", "expanded_url": "https://" + "x" * 1_000_000}]}},
        {"full_text": "hello " + "&amp;" * 200_000},
        {"full_text": "hello " + "@" * 1_000_000},
    ],
    ids=["tags", "links", "page", "address", "entities", "text"],
)  # fmt: skip
def test_what_is_made_to_cost_time_or_memory_costs_little(tmp_path, odd):
    folder = ytd(tmp_path / "a", [tweet(1) | odd])

    _, posts = read_archive(folder, into=tmp_path / "sorted")

    (post,) = posts.after(0)
    assert len(post.as_line()) < 700_000


def test_a_quote_that_never_ends_is_looked_for_once(tmp_path):
    content = 'window.x = {"a": "' + '\\"' * 2_000_000
    folder = ytd(tmp_path / "a", [tweet(1)], files={"data/manifest.js": content})

    with pytest.raises(BadArchive, match="no_manifest"):
        read_archive(folder, into=tmp_path / "sorted")


def test_a_link_in_a_folder_is_refused(tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1)])
    (folder / "data/passwd.js").symlink_to("/etc/passwd")

    with pytest.raises(BadArchive, match="link"):
        read_archive(folder, into=tmp_path / "sorted")


def test_too_much_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_TEXT_BYTES", 100)
    folder = ytd(tmp_path / "a", [tweet(1)])

    for path in (folder, zipped(folder)):
        with pytest.raises(BadArchive, match="too_large"):
            read_archive(path, into=tmp_path / "sorted")


def test_too_many_posts_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_POSTS", 2)
    folder = ytd(tmp_path / "a", [tweet(n) for n in range(4)])

    with pytest.raises(BadArchive, match="too_large"):
        read_archive(folder, into=tmp_path / "sorted")


def test_nothing_of_a_refused_archive_is_stored(take, alice, tmp_path):
    path = contents(js("tweets", [{"tweet": tweet(n)} for n in range(5)])[:-3])(tmp_path / "e.zip")

    row = take(alice, path)

    assert (row.state, row.error) == (ArchiveImport.State.FAILED, "cut_off")
    assert not Tweet.objects.exists()
    assert not ArchiveItem.objects.exists()


class Endless(io.RawIOBase):
    """A file of so many followers, made while it is read."""

    def __init__(self, followers: int) -> None:
        self._left = followers
        self._buffer = b"window.YTD.follower.part0 = [ "
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) < size and self._left >= 0:
            one = b'{ "follower" : { "accountId" : "%d" } },\n' % (10**15 + self._left)
            self._buffer += one * min(self._left, 5_000) if self._left else b"]"
            self._left = self._left - 5_000 if self._left > 0 else -1
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        self.given += len(part)
        return part


def highest_memory(*, since_now: bool = False) -> int:
    """Bytes that this process has held at most, since it was last asked to begin anew."""
    if since_now:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (one for one in lines if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@pytest.mark.slow
def test_a_hundred_megabytes_of_followers_take_little_memory():
    followers = 2_400_000
    file = Endless(followers)
    before = highest_memory(since_now=True)

    seen = scanning.count(cast("IO[bytes]", file), "data/follower.js")

    assert seen == followers
    assert file.given > 100_000_000
    # One chunk, one element, and what the maker of the file holds.
    assert highest_memory() - before < 16_000_000
