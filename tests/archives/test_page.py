"""The page of the settings: bringing an archive, watching it, giving it back."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.archives import services_import
from apps.archives.models import ArchiveImport
from apps.infra import jobs
from apps.infra.web import long_uploads
from apps.tweets.models import Tweet
from apps.users.models import User
from tests.archives.conftest import SAMPLES
from tests.archives.made import post_id, tweet, ytd, zipped
from tests.browsing import Browser

PATH = "/settings/archive"
AsUser = Callable[[User], Browser]
State = ArchiveImport.State


@pytest.fixture
def worker(take: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Does what was asked of workers so far."""
    asked: list[int] = []
    monkeypatch.setattr(jobs, "start", lambda name, **how: asked.append(how["import_id"]))

    def work() -> None:
        while asked:
            if services_import.go_on(import_id=asked[0]):
                continue
            asked.pop(0)

    return work


def brought(browser: Browser, path: Path, **how: Any) -> Any:
    with path.open("rb") as file:
        return browser.post(f"{PATH}/upload", files={"archive": (path.name, file)}, **how)


def test_an_archive_is_brought_watched_and_given_back(worker, alice, browser_as, tmp_path):
    member = browser_as(alice)
    assert "Nothing was brought yet" in member.get(PATH).text

    answer = brought(member, zipped(ytd(tmp_path / "mine", [tweet(1, "a"), tweet(2, "b")])))

    assert (answer.status_code, answer.headers["location"]) == (302, PATH)
    row = ArchiveImport.objects.get()
    page = member.get(PATH).text
    assert "Waiting for its turn" in page
    assert f'hx-get="{PATH}/{row.id}" hx-trigger="every 2s"' in page
    assert '<meta http-equiv="refresh" content="5">' in page
    worker()
    part = member.get(f"{PATH}/{row.id}", htmx=True).text
    assert "All done" in part
    assert "hx-get" not in part
    assert "<html" not in part
    assert "Posts that came" in member.get(PATH).text
    assert set(Tweet.objects.values_list("id", flat=True)) == {post_id(1), post_id(2)}

    asked = member.get(f"{PATH}/{row.id}/undo").text
    assert "Give back mine.zip?" in asked
    assert member.post(f"{PATH}/{row.id}/undo").status_code == 302
    assert "is being taken away" in member.get(PATH).text
    worker()

    assert not Tweet.objects.exists()
    assert "Nothing was brought yet" in member.get(PATH).text
    assert member.get(f"{PATH}/{row.id}", htmx=True).headers["hx-redirect"] == PATH
    assert list(Path(settings.ARCHIVE_DIR).iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_real_archives_come_by_the_page(worker, alice, browser_as, samples, name, tmp_path):
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(samples(name).rglob("*")):
            if one.is_file():
                archive.write(one, one.relative_to(samples(name)).as_posix())
    member = browser_as(alice)

    brought(member, packed)
    worker()

    told = ArchiveImport.objects.get().report
    excepted = sum(one["count"] for one in told["exceptions"].values())
    assert told["counts"]["stored"] == told["declared"] - excepted == Tweet.objects.count()
    assert f"<dd>{told['declared']}</dd>" in member.get(PATH).text
    for tweet_id in Tweet.objects.order_by("id").values_list("id", flat=True)[::997]:
        assert member.get(f"/alice/status/{tweet_id}").status_code == 200


def test_the_report_says_what_did_not_come_and_why(worker, alice, bob, browser_as, take, tmp_path):
    take(bob, ytd(tmp_path / "b", [tweet(1, "taken")]))
    folder = ytd(tmp_path / "a", [tweet(1, "mine?"), tweet(2, "RT @bob: x")], count=4)
    member = browser_as(alice)
    brought(member, zipped(folder))
    worker()

    page = re.sub(r"<[^>]+>", " ", member.get(PATH).text)

    assert "A post with this number is here already, by somebody else" in page
    assert str(post_id(1)) in page
    assert "Retweets kept as text" in page
    assert "The archive counts it, but it is not in its file" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip at all", "This is not an archive of X"),
        (b"PK\x03\x04 cut", "damaged or incomplete"),
    ],
)
def test_a_file_that_is_no_archive_is_refused_in_words(
    worker, alice, browser_as, tmp_path, content, words
):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    member = browser_as(alice)

    brought(member, path)
    worker()

    page = member.get(PATH).text
    assert words in page
    assert "Remove it" in page
    assert not Tweet.objects.exists()


def test_names_of_files_are_text(worker, alice, browser_as, tmp_path):
    folder = zipped(ytd(tmp_path / "a", [tweet(1)]))
    path = folder.rename(tmp_path / "<script>alert(1)<i>.zip")
    member = browser_as(alice)

    brought(member, path)

    assert "<script>alert(1)" not in member.get(PATH).text
    assert "&lt;script&gt;alert(1)" in member.get(PATH).text


def test_nothing_is_chosen(worker, alice, browser_as):
    answer = browser_as(alice).post(f"{PATH}/upload", files={"other": ("x", io.BytesIO(b"x"))})

    assert answer.status_code == 422
    assert "Choose the file" in answer.text


def test_a_file_over_the_limit_is_refused_and_the_command_is_named(
    worker, alice, browser_as, tmp_path, settings
):
    settings.ARCHIVE_MAX_BYTES = 1_000_000
    path = tmp_path / "big.zip"
    path.write_bytes(b"x" * 1_200_000)
    member = browser_as(alice)

    answer = brought(member, path)

    assert answer.status_code == 303
    page = member.get(answer.headers["location"]).text
    assert "larger than 1 MB" in page
    assert "manage.py import_archive twitter.zip --user alice" in page
    assert not ArchiveImport.objects.exists()


def test_a_body_that_says_no_length_is_bounded_too(worker, alice, browser_as, settings):
    settings.ARCHIVE_MAX_BYTES = 1_000_000
    member = browser_as(alice)

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    async def parts() -> Any:
        for part in endless():
            yield part

    answer = member.raw(f"{PATH}/upload", parts(), "multipart/form-data; boundary=x")

    assert answer.status_code == 303
    assert "too_large" in answer.headers["location"]
    assert list(Path(settings.ARCHIVE_DIR).glob("upload-*")) == []


def test_few_upload_at_once(worker, alice, browser_as, tmp_path, monkeypatch):
    monkeypatch.setattr(long_uploads, "AT_ONCE", 0)

    answer = brought(browser_as(alice), zipped(ytd(tmp_path / "a", [tweet(1)])))

    assert answer.status_code == 503
    assert not ArchiveImport.objects.exists()


@pytest.mark.parametrize(
    ("method", "headers", "statuses"),
    [("PUT", {}, {403, 405}), ("POST", {"content-length": "9999999999999"}, {303})],
)
def test_a_body_that_is_not_taken_is_not_read(worker, alice, browser_as, method, headers, statuses):
    member = browser_as(alice)
    read = 0

    async def parts() -> Any:
        nonlocal read
        for _ in range(40):
            read += 1
            yield b"x" * 65_536

    answer = member._run(
        member._client.request(method, f"{PATH}/upload", content=parts(), headers=headers)
    )

    assert answer.status_code in statuses
    assert read == 0


def test_visitors_bring_nothing_and_see_nothing(worker, alice, browser, browser_as, tmp_path):
    path = zipped(ytd(tmp_path / "a", [tweet(1)]))

    answer = brought(browser, path)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert browser.get(PATH).headers["location"].startswith("/login")
    assert not ArchiveImport.objects.exists()


def test_an_import_is_its_owners_alone(worker, alice, bob, browser_as, tmp_path):
    member, other = browser_as(alice), browser_as(bob)
    brought(member, zipped(ytd(tmp_path / "secret", [tweet(1)])))
    worker()
    row = ArchiveImport.objects.get()

    assert "secret.zip" not in other.get(PATH).text
    assert other.get(f"{PATH}/{row.id}").status_code == 404
    assert other.get(f"{PATH}/{row.id}/undo").status_code == 404
    other.post(f"{PATH}/{row.id}/undo")
    worker()

    row.refresh_from_db()
    assert row.state == State.DONE
    assert Tweet.objects.count() == 1


def test_a_form_without_its_token_brings_nothing(worker, alice, browser_as, tmp_path):
    member = browser_as(alice)
    member.cookies.delete("csrftoken")

    answer = brought(member, zipped(ytd(tmp_path / "a", [tweet(1)])))

    assert answer.status_code == 403
    assert not ArchiveImport.objects.exists()
    assert list(Path(settings.ARCHIVE_DIR).glob("*")) == []
