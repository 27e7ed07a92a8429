"""Real archives: what came is what the archive counts, less what is listed as not come."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from apps.archives import services_import
from apps.archives.services import ask_undo
from apps.infra import clock
from apps.tweets.models import Tweet
from tests.archives.conftest import SAMPLES
from tests.archives.test_import import profile, tables

# What each declares, and of it what its own files lack.
DECLARED = {SAMPLES[0]: (1_827, 0), SAMPLES[1]: (2_983, 2_980), SAMPLES[2]: (28_541, 0)}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_archive_comes_whole_and_goes_without_a_trace(
    take, alice, samples: Callable[[str], Path], name, run, drain_outbox, wrong_rows
):
    folder = samples(name)
    before = tables()

    row = take(alice, folder)
    drain_outbox()

    told = row.report
    declared, missing = DECLARED[name]
    excepted = sum(one["count"] for one in told["exceptions"].values())
    assert told["declared"] == declared
    assert told["exceptions"].get("file_missing", {"count": 0})["count"] == missing
    assert told["counts"]["stored"] == declared - excepted == Tweet.objects.count()
    timeline = profile(run, alice)
    assert len(timeline) == told["counts"]["stored"]
    assert timeline == sorted(timeline, reverse=True)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from search_documents")
        assert cursor.fetchone()[0] == told["counts"]["stored"]
    assert wrong_rows() == []

    ask_undo(user_id=alice.id, import_id=row.id, now=clock.now(), by_worker=False)
    while services_import.go_on(import_id=row.id):
        pass
    drain_outbox()
    from apps.media.services import sweeping

    sweeping.sweep(now=clock.now())
    assert tables() == before
