"""What is over goes; what dies in between leaves nothing that is served."""

from datetime import timedelta

import pytest

from apps.infra import clock, jobs
from apps.media import pictures, tasks
from apps.media.models import Media
from apps.media.services import attaching, processing, sweeping
from apps.media.services.attaching import NotReady, detach
from apps.media.store import FolderStore
from tests.media.conftest import picture
from tests.media.verbs import append, begin, finalize, hang, once
from twitterlite import topology

pytestmark = pytest.mark.usefixtures("files")


class Killed(BaseException):
    """As if the process had been killed here."""


def test_orphans_go_with_their_files(alice, files):
    upload = begin(alice, 100)
    append(upload, alice, 0, b"half of something")
    orphan, kept = once(alice).id, once(alice).id
    hang(alice, kept)
    assert set(files.ids()) == {upload.id, orphan, kept}

    assert sweeping.sweep(now=clock.now()) == 0
    assert sweeping.sweep(now=clock.now() + timedelta(hours=24)) == 2

    assert list(files.ids()) == [kept]
    assert [row.id for row in Media.objects.all()] == [kept]


def test_the_pictures_of_a_deleted_tweet_go(alice, files):
    media_id = once(alice).id
    hang(alice, media_id)

    detach(tweet_id=77, now=clock.now())
    tasks.sweep()

    assert list(files.ids()) == []
    assert not Media.objects.exists()


def test_a_sweep_that_dies_between_files_and_row_is_finished_by_the_next(alice, files, monkeypatch):
    media_id, later = once(alice).id, clock.now() + timedelta(hours=25)
    remove = FolderStore.remove_all

    def and_die(self, media_id):
        remove(self, media_id)
        raise Killed

    monkeypatch.setattr(FolderStore, "remove_all", and_die)
    with pytest.raises(Killed):
        sweeping.sweep(now=later)
    assert list(files.ids()) == []
    assert Media.objects.filter(id=media_id).exists()

    monkeypatch.undo()
    assert sweeping.sweep(now=later) == 1


def test_a_kill_between_files_and_row_serves_nothing_and_is_swept(
    api, alice, files, monkeypatch, run
):
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)

    def die(*_args, **_named):
        raise Killed

    monkeypatch.setattr(processing, "_mark_ready", die)
    with pytest.raises(Killed):
        finalize(upload, alice)
    monkeypatch.undo()

    row = Media.objects.get(id=upload.id)
    assert "large.jpg" in files.sizes(upload.id)
    assert row.state == "processing"
    assert api.get(f"/media/{row.id}/{row.key}/large.jpg").status_code == 404
    with pytest.raises(NotReady):
        hang(alice, row.id)
    sweeping.sweep(now=clock.now() + timedelta(hours=25))
    assert list(files.ids()) == []


def test_what_a_dead_process_left_is_begun_again_but_not_for_ever(alice, files, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "start", lambda name, **what: started.append((name, what)))
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)
    Media.objects.filter(id=upload.id).update(state="processing", attempts=1, begun_at=clock.now())

    sweeping.sweep(now=clock.now())
    assert started == []
    sweeping.sweep(now=clock.now() + sweeping.LOST_AFTER)
    assert started == [("apps.media.tasks.process", {"media_id": upload.id})]

    Media.objects.filter(id=upload.id).update(attempts=sweeping.MAX_ATTEMPTS)
    sweeping.sweep(now=clock.now() + sweeping.LOST_AFTER)
    assert Media.objects.get(id=upload.id).state == "failed"
    assert list(files.ids()) == []


def test_a_job_finishes_what_waits_and_leaves_alone_what_is_done(alice, files):
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)
    Media.objects.filter(id=upload.id).update(state="processing", begun_at=clock.now())

    for _ in range(2):
        tasks.process(media_id=upload.id)
    tasks.process(media_id=1)

    row = Media.objects.get(id=upload.id)
    assert (row.state, row.attempts) == ("ready", 1)


def test_whoever_was_overtaken_changes_nothing(alice, files, monkeypatch):
    data = picture()
    upload = begin(alice, len(data))
    append(upload, alice, 0, data)
    render = pictures.render

    def overtaken(data):
        monkeypatch.undo()
        processing.process(media_id=upload.id, now=clock.now())
        Media.objects.filter(id=upload.id).update(alt_text="theirs")
        return render(data)

    monkeypatch.setattr(pictures, "render", overtaken)
    done = finalize(upload, alice)

    assert done.state == "ready"
    assert Media.objects.get(id=upload.id).attempts == 2
    assert set(files.sizes(upload.id)) == {"large.jpg", "medium.jpg", "small.jpg"}


def test_a_file_is_there_whole_or_not_at_all(files, monkeypatch):
    def die(_number):
        raise Killed

    monkeypatch.setattr("os.fsync", die)
    with pytest.raises(Killed):
        files.write(1 << 30, "large.jpg", b"half")
    monkeypatch.undo()

    assert files.sizes(1 << 30) == {}


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b.jpg", "", ".hidden", "x\x00.jpg"])
def test_names_of_files_are_ours(files, name):
    for verb in (files.read, files.size, lambda *args: files.write(*args, b"x")):
        with pytest.raises(FileNotFoundError):
            verb(1 << 30, name)


def test_the_jobs_are_in_the_topology():
    assert processing.PROCESS_JOB in topology.JOBS
    assert topology.SCHEDULE["apps.media.tasks.sweep"] <= 300
    assert attaching.MAX_PICTURES == 4
