"""An import in its real lane: worker processes, the relay, and `kill -9` in the middle."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from apps.archives import services
from apps.archives.models import ArchiveImport, ArchiveItem
from apps.archives.services import ask_undo, begin_import
from apps.infra import clock
from apps.tweets.models import Tweet
from apps.users.models import User
from tests.archives.made import tweet, ytd, zipped
from tests.spine import Spine, wait_for

State = ArchiveImport.State
POSTS = 9_000


def indexed() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from search_documents")
        return int(cursor.fetchone()[0])


@pytest.mark.slow
def test_a_worker_takes_it_in_another_goes_on_and_a_third_gives_it_back(
    take: object, spine: Spine, alice: User, tmp_path, wrong_rows: Callable[[], list[object]]
):
    path = zipped(ytd(tmp_path / "a", [tweet(n, f"post {n}") for n in range(POSTS)]))
    (lane,) = (one for one in spine.workers if "archives" in one.name)

    import_id = begin_import(user_id=alice.id, path=path, name="a.zip", now=clock.now())
    rows = ArchiveImport.objects.filter(id=import_id)
    wait_for(lambda: rows.filter(done__gt=0).exists(), seconds=60, why=spine.report)
    lane.kill()
    row = rows.get()
    assert 0 < row.done < POSTS
    assert Tweet.objects.count() == row.done == ArchiveItem.objects.count()
    spine.heal()
    services.look_after(now=clock.now() + timedelta(seconds=90))
    wait_for(lambda: rows.filter(state=State.DONE).exists(), seconds=90, why=spine.report)
    spine.wait_until_drained()

    assert Tweet.objects.count() == ArchiveItem.objects.count() == indexed() == POSTS
    assert rows.get().report["counts"]["stored"] == POSTS
    assert User.objects.get(id=alice.id).tweet_count == POSTS
    assert not services.folder_of(import_id).exists()

    ask_undo(user_id=alice.id, import_id=import_id, now=clock.now())
    wait_for(lambda: not rows.exists(), seconds=90, why=spine.report)
    spine.wait_until_drained()

    assert (Tweet.objects.count(), ArchiveItem.objects.count(), indexed()) == (0, 0, 0)
    assert wrong_rows() == []
