"""A served site and a real Chromium. Skipped where there is none."""

import os
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from apps.infra.conf import BASE_DIR
from apps.infra.engines import ports, process
from tests.browser.scene import Scene
from tests.conftest import empty_world
from tests.factories import PASSWORD
from tests.spine import environment_of, wait_for

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]


@dataclass
class Site:
    """A running site and what is on it."""

    url: str
    scene: Scene


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The application behind a real server, with a small world; one for all tests of a module."""
    with django_db_blocker.unblock():
        empty_world()
        scene = Scene()
        environment = environment_of("twitterlite.settings.test")
        connections.close_all()
    log = tmp_path_factory.mktemp("site") / "web.log"
    port = ports.choose(taken=[])
    server = process.spawn(
        [sys.executable, "-m", "uvicorn", "twitterlite.asgi:application", "--port", str(port),
         "--log-level", "warning"],
        log=log,
        env=environment,
        cwd=BASE_DIR,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with urllib.request.urlopen(f"{url}/about", timeout=5) as response:
            return bool(response.status == 200)

    try:
        wait_for(answers, why=lambda: log.read_text()[-2000:])
        yield Site(url=url, scene=scene)
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def chromium(site: Site) -> Iterator[Any]:
    """A Chromium, started when the world is made: while it runs, this thread has an event loop,
    and Django refuses to write."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def tab(site: Site, chromium: Any) -> Iterator[Open]:
    """A new tab: `tab("norafeld", width=390, theme="dark")`. Console errors fail the test."""
    contexts, complaints = [], []

    def make(
        username: str = "", *, width: int = 1280, height: int = 1000, theme: str = "light",
        javascript: bool = True,
    ) -> Any:  # fmt: skip
        context = chromium.new_context(
            base_url=site.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if username:
            page.goto("/login")
            page.fill("[name=username]", username)
            page.fill("[name=password]", PASSWORD)
            page.click("main button")
            page.wait_for_url("**/home")
        return page

    make.complaints = complaints  # type: ignore[attr-defined]
    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def shots() -> Path | None:
    """Where pictures go: SHOTS_DIR, else nowhere."""
    folder = os.environ.get("SHOTS_DIR")
    return Path(folder) if folder else None
