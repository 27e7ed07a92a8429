"""Uploads in segments and in one piece."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from apps.infra import clock
from apps.infra.errors import Invalid, NotFound, RateLimited
from apps.media import pictures
from apps.media.models import Media
from apps.media.services import uploads
from apps.media.sniffing import BadPicture
from tests.media.conftest import picture, zipped
from tests.media.verbs import append, begin, finalize, once

pytestmark = pytest.mark.usefixtures("files")


def thirds(data):
    step = len(data) // 3
    return [data[:step], data[step : 2 * step], data[2 * step :]]


def test_segments_out_of_order_and_twice(alice, files):
    data = picture(size=(200, 100))
    upload = begin(alice, len(data))
    parts = thirds(data)

    for number in (2, 0, 2, 1, 0):
        append(upload, alice, number, parts[number])
    done = finalize(upload, alice)

    assert (done.state, done.width, done.height) == ("ready", 200, 100)
    assert set(files.sizes(upload.id)) == {"large.jpg", "medium.jpg", "small.jpg"}
    row = Media.objects.get(id=upload.id)
    assert row.bytes == len(data)
    assert len(row.sha256) == 64


def test_a_segment_sent_again_replaces_the_first(alice):
    data = picture()
    upload = begin(alice, len(data))
    parts = thirds(data)

    append(upload, alice, 0, bytes(len(parts[0])))
    for number, part in enumerate(parts):
        append(upload, alice, number, part)

    assert finalize(upload, alice).state == "ready"


def test_a_missing_segment_is_named_and_may_follow(alice):
    data = picture()
    upload = begin(alice, len(data))
    parts = thirds(data)
    append(upload, alice, 0, parts[0])
    append(upload, alice, 2, parts[2])

    with pytest.raises(Invalid, match="Segment 1 is missing"):
        finalize(upload, alice)
    append(upload, alice, 1, parts[1][:-1])
    with pytest.raises(Invalid, match="bytes announced have come"):
        finalize(upload, alice)
    append(upload, alice, 1, parts[1])

    assert finalize(upload, alice).state == "ready"


def test_more_than_announced_is_refused(alice):
    upload = begin(alice, 10)
    append(upload, alice, 0, b"123456")

    with pytest.raises(Invalid, match="More has come"):
        append(upload, alice, 1, b"12345")
    with pytest.raises(Invalid, match="bytes announced"):
        finalize(upload, alice)


@pytest.mark.parametrize("segment", [-1, 1000])
def test_segments_have_numbers_up_to_999(alice, segment):
    with pytest.raises(Invalid):
        append(begin(alice, 10), alice, segment, b"1")


def test_sizes_have_limits(alice):
    for size in (0, pictures.MAX_PICTURE_BYTES + 1):
        with pytest.raises(Invalid):
            begin(alice, size, mime="image/png")
    with pytest.raises(Invalid):
        begin(alice, pictures.MAX_GIF_BYTES + 1, mime="image/gif")
    assert begin(alice, pictures.MAX_GIF_BYTES, mime="image/gif").media_key.startswith("16_")


@pytest.mark.parametrize("category", ["tweet_video", "amplify_video", "subtitles", "x"])
def test_videos_are_refused_with_a_word(alice, category):
    with pytest.raises(Invalid, match="no video"):
        begin(alice, 10, category=category)


@pytest.mark.parametrize(
    "data", [b"<svg/>", zipped(), picture()[:300], b"\x00\x00\x00\x18ftypmp42"]
)
def test_what_is_no_picture_leaves_nothing(alice, files, data):
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)

    with pytest.raises(BadPicture):
        finalize(upload, alice)
    with pytest.raises(BadPicture):
        finalize(upload, alice)
    with pytest.raises(BadPicture):
        once(alice, data)

    assert list(files.ids()) == []
    status = uploads.upload_status(media_id=upload.id, owner_id=alice.id, now=clock.now())
    assert status.state == "failed"
    assert status.error
    assert not Media.objects.exclude(state="failed").exists()


def test_an_upload_takes_nothing_more_when_it_is_over(alice):
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)
    finalize(upload, alice)

    with pytest.raises(uploads.UploadOver):
        append(upload, alice, 0, data)


def test_finalize_again_says_the_same(alice):
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)

    assert finalize(upload, alice) == finalize(upload, alice)


def test_finalize_many_times_at_once_and_one_processes(alice, files, monkeypatch):
    data = picture(size=(900, 700))
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)
    rendered, states, crowd = [], [], threading.Semaphore(0)
    render, check = pictures.render, uploads._ensure_whole

    def counted(data):
        rendered.append(1)
        return render(data)

    def crowded(media):
        # Whoever is let in waits a moment for others, who must not come.
        crowd.release()
        crowd.acquire(timeout=0.01)
        crowd.acquire(timeout=0.3)
        check(media)

    def work():
        states.append(finalize(upload, alice).state)
        connections.close_all()

    monkeypatch.setattr(pictures, "render", counted)
    monkeypatch.setattr(uploads, "_ensure_whole", crowded)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rendered) == 1
    assert len(states) == 4
    assert set(states) <= {"processing", "ready"}
    assert finalize(upload, alice).state == "ready"
    assert set(files.sizes(upload.id)) == {"large.jpg", "medium.jpg", "small.jpg"}


def test_of_somebody_elses_upload_nobody_is_told(alice, bob):
    data = picture()
    upload = begin(alice, len(data))

    with pytest.raises(NotFound):
        append(upload, bob, 0, data)
    with pytest.raises(NotFound):
        finalize(upload, bob)
    with pytest.raises(NotFound):
        uploads.set_alt_text(media_id=upload.id, owner_id=bob.id, text="x", now=clock.now())


def test_alt_text_has_a_limit(alice):
    media_id = once(alice).id

    for text in ("x" * 1_001, "a\x00b"):
        with pytest.raises(Invalid):
            uploads.set_alt_text(media_id=media_id, owner_id=alice.id, text=text, now=clock.now())


def test_unused_uploads_have_a_limit(alice, bob, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNUSED", 3)
    for _ in range(3):
        begin(alice, 10)

    with pytest.raises(RateLimited):
        begin(alice, 10)
    begin(bob, 10)
    later = clock.now() + timedelta(hours=25)
    uploads.begin_upload(owner_id=alice.id, total_bytes=10, now=later)
