"""A long animation is processed by a real worker; the client asks until it is ready."""

import pytest

from apps.infra import clock, jobs
from apps.media.models import Media
from apps.media.services import sweeping
from tests.media.conftest import animation, multipart
from tests.spine import wait_for

pytestmark = pytest.mark.usefixtures("files")


def test_a_long_animation_is_ready_after_a_while(spine, api_as, alice):
    client = api_as(alice)
    data = animation(frames=90, size=(400, 300))
    body, kind = multipart(media=data, media_category="tweet_gif")

    sent = client.post("/2/media/upload", body, kind).json()["data"]
    assert sent["processing_info"] == {"state": "in_progress", "check_after_secs": 1}
    path = f"/2/media/upload?command=STATUS&media_id={sent['id']}"

    def state():
        return client.get(path).json()["data"]["processing_info"]["state"]

    wait_for(lambda: state() == "succeeded", seconds=60, why=spine.report)
    shown = client.get(f"/2/media/{sent['media_key']}?media.fields=width,variants").json()["data"]
    assert (shown["type"], shown["width"]) == ("animated_gif", 400)
    assert sent["media_key"].startswith("16_")


def test_what_a_worker_lost_is_begun_again(spine, api_as, alice, monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda *_args, **_named: None)
    body, kind = multipart(media=animation(frames=90, size=(400, 300)))
    sent = api_as(alice).post("/2/media/upload", body, kind).json()["data"]
    monkeypatch.undo()
    row = Media.objects.filter(id=sent["id"])
    assert row.get().state == "processing"

    sweeping.sweep(now=clock.now() + sweeping.LOST_AFTER)

    wait_for(lambda: row.get().state == "ready", seconds=60, why=spine.report)
