"""Bringing an archive in a real browser: the page goes on by itself, with scripts and without."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from apps.archives import services_import
from apps.archives.models import ArchiveImport
from tests.archives.made import tweet, ytd, zipped

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
PATH = "/settings/archive"
Work = Callable[[], None]


@pytest.fixture
def worker(site: Any, django_db_blocker: Any) -> Work:
    """Do what a worker would: beside the browser, in a thread without an event loop."""

    def run() -> None:
        with django_db_blocker.unblock():
            for row in ArchiveImport.objects.order_by("id"):
                while services_import.go_on(import_id=row.id):
                    pass
            connections.close_all()

    def work() -> None:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    return work


def archive(tmp_path: Path, name: str) -> Path:
    return zipped(ytd(tmp_path / name, [tweet(n, f"{name} {n}") for n in range(3)], count=4))


def test_the_page_goes_on_by_itself(tab: Any, worker: Work, tmp_path: Path, shots: Path | None):
    page = tab("norafeld")
    page.goto(PATH)
    page.set_input_files("#archive-file", archive(tmp_path, "scripted"))
    page.click("text=Upload and import")
    page.wait_for_url(f"**{PATH}")
    page.get_by_text("Waiting for its turn.").wait_for()
    page.evaluate("window.isTheSame = true")

    worker()

    page.get_by_text("All done").wait_for()
    assert page.evaluate("window.isTheSame")
    page.reload()
    assert page.get_by_text("The archive counts it, but it is not in its file").is_visible()
    if shots:
        page.screenshot(path=shots / "archive.png", full_page=True)
    page.click("text=Give all of it back")
    page.click("dialog >> text=Remove all of it")
    page.get_by_text("All that it brought is being taken away.").wait_for()
    worker()
    page.get_by_text("Nothing was brought yet").wait_for()


def test_without_scripts_it_is_loaded_again_by_itself(tab: Any, worker: Work, tmp_path: Path):
    page = tab("dmitris", javascript=False)
    page.goto(PATH)
    page.set_input_files("#archive-file", archive(tmp_path, "plain"))
    page.click("text=Upload and import")
    page.get_by_text("Waiting for its turn.").wait_for()

    worker()

    page.get_by_text("All done").wait_for(timeout=30_000)
    page.click("text=Give all of it back")
    page.click("text=Remove all of it")
    page.get_by_text("is being taken away").wait_for()


def test_a_file_that_is_too_large_is_not_sent(tab: Any, tmp_path: Path):
    page = tab("quietbird")
    page.goto(PATH)
    page.evaluate("document.getElementById('archive-file').dataset.max = 10")

    page.set_input_files("#archive-file", archive(tmp_path, "large"))

    said = page.evaluate("document.getElementById('archive-file').validationMessage")
    assert said == "This file is too large to be uploaded."
