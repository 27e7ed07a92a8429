"""A disk without room for pictures: it is said so, and nothing is half there."""

import errno
import os
from pathlib import Path

import pytest

from apps.media.models import Media
from apps.media.store import NoRoom
from tests.media.conftest import multipart, path_of, picture
from tests.media.verbs import append, begin, finalize, once

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def full(monkeypatch):
    """From the file on that is named, the disk is full: `full(1)` takes one more."""

    def begin_to_be(taken, why=errno.ENOSPC):
        left = iter(range(taken))

        def fsync(_file):
            if next(left, None) is None:
                raise OSError(why, os.strerror(why))

        monkeypatch.setattr("apps.media.store.os.fsync", fsync)

    return begin_to_be


def everything_in(files):
    return [path for path in files._root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("taken", [0, 1, 3])
@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EDQUOT])
def test_of_an_upload_in_one_piece_nothing_is_kept(alice, files, full, taken, why):
    full(taken, why)

    with pytest.raises(NoRoom, match="no room"):
        once(alice)

    assert everything_in(files) == []
    assert not Media.objects.filter(owner_id=alice.id).exists()


def test_an_upload_in_segments_is_finalized_when_there_is_room(alice, files, full, monkeypatch):
    data = picture()
    upload = begin(alice, len(data))
    with monkeypatch.context():
        append(upload, alice, 0, data)
    full(1)

    with pytest.raises(NoRoom):
        finalize(upload, alice)

    assert [path.name for path in everything_in(files)] == ["segment-0"]
    monkeypatch.undo()
    assert finalize(upload, alice).state == "ready"


def test_a_segment_that_finds_no_room_may_come_again(alice, files, full, monkeypatch):
    data = picture()
    upload = begin(alice, len(data))
    full(0)

    with pytest.raises(NoRoom):
        append(upload, alice, 0, data)

    assert everything_in(files) == []
    full(100)
    append(upload, alice, 0, data)
    assert finalize(upload, alice).state == "ready"


def test_the_client_is_told_and_when_to_come_again(api_as, alice, full):
    body, kind = multipart(media=picture(), media_category="tweet_image")
    full(0)

    answer = api_as(alice).post("/2/media/upload", body, content_type=kind)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "no room" in answer.json()["detail"]


def test_a_folder_that_is_not_there_is_said_to_readers_and_writers(api, api_as, alice, settings):
    client = api_as(alice)
    body, kind = multipart(media=picture(), media_category="tweet_image")
    media_id = client.post("/2/media/upload", body, content_type=kind).json()["data"]["id"]
    found = client.get(f"/2/media/3_{media_id}?media.fields=url").json()["data"]
    settings.MEDIA_DIR = Path("/dev/null/media")

    read = api.get(path_of(found["url"]))
    written = client.post("/2/media/upload", body, content_type=kind)

    for answer in (read, written):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "cannot be reached" in answer.json()["detail"]
    assert Media.objects.filter(owner_id=alice.id).count() == 1
