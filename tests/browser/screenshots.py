"""`make screenshots`: the main pages of the demo world, in three widths and two themes.

A service of its own is started on engines of its own, shown around, and stopped; nothing of it is
left but the pictures. `--url` takes a running one with the demo world instead.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "var" / "screenshots"
WIDTHS = {1280: 1000, 768: 1024, 390: 844}
THEMES = ("light", "dark")
READER, PASSWORD = "alice", "demo-alice-2006"
READY_SECONDS = 180.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
# A page is still when its letters and the pictures in view are there.
STILL = """async () => {
  await document.fonts.ready;
  const seen = [...document.images].filter(i => i.getBoundingClientRect().top < innerHeight);
  await Promise.all(seen.map(i => i.decode().catch(() => {})));
}"""


def _conversation(page: Any) -> None:
    page.goto("/thabo_wx")
    page.locator("article", has_text="best sound in the weather").locator("time").first.click()
    page.wait_for_selector(".focal")


def _composing(page: Any) -> None:
    page.goto("/compose")
    page.fill(
        "main textarea",
        "Proof is back from the printer. The red is exactly the red of the old ferry funnel. #maps",
    )


Visit = str | Callable[[Any], None]
FOR_VISITORS: dict[str, Visit] = {"landing": "/", "login": "/login"}
FOR_MEMBERS: dict[str, Visit] = {
    "home": "/home",
    "tweet": _conversation,
    "profile": "/priya_nightsky",
    "followers": "/alice/followers",
    "compose": _composing,
    "search": "/search?q=sea",
    "notifications": "/notifications",
    "lists": "/lists",
    "bookmarks": "/bookmarks",
    "settings": "/settings/appearance",
}


def main() -> int:
    """Take the pictures; 0 if all pages answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the pictures")
    parser.add_argument("--url", help="a running service with the demo world")
    parser.add_argument("--only", default="", help="names of pages, comma-separated")
    given = parser.parse_args()
    chromium = next(
        (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), ""
    )
    if not chromium:
        print("No Chromium on PATH. On Debian: apt-get install chromium", file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    only = {name for name in given.only.split(",") if name}
    with _service(given.url) as url:
        count = _take(url, chromium, given.out, only)
    print(f"  {count} pictures in {given.out}")
    return 0


@contextmanager
def _service(url: str | None) -> Iterator[str]:
    """The address of a service with the demo world; our own is stopped at the end."""
    if url:
        yield url
        return
    from apps.infra.engines import ports, process

    home = Path(tempfile.mkdtemp(prefix="twitterlite-screenshots-"))
    if account := process.engine_account():
        os.chown(home, *account)
    port = ports.choose(taken=[])
    log = (home / "up.log").open("w")
    print("  starting a service with the demo world")
    service = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT,
        env=_environment(home),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        _await(service, f"http://127.0.0.1:{port}/readyz", home / "up.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(60)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path) -> dict[str, str]:
    engines = {"DATABASE_URL", "REDIS_STATE_URL", "REDIS_CACHE_URL", "DJANGO_SETTINGS_MODULE"}
    kept = {key: value for key, value in os.environ.items() if key not in engines}
    return kept | {"VAR_DIR": str(home / "var"), "RATE_LIMIT_FACTOR": "1000"}


def _await(service: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return when the service answers.

    Raises:
        RuntimeError: it ended, or did not answer in time; the message has the end of its log.
    """

    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and service.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"The service did not start:\n{log.read_text()[-2000:]}")


def _take(url: str, chromium: str, out: Path, only: set[str]) -> int:
    from playwright.sync_api import sync_playwright

    count = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        state = _log_in(browser, url)
        for pages, storage in ((FOR_VISITORS, None), (FOR_MEMBERS, state)):
            context = browser.new_context(
                base_url=url, storage_state=storage, reduced_motion="reduce", locale="en-GB"
            )
            page = context.new_page()
            for name, visit in pages.items():
                if not only or name in only:
                    count += _sizes(page, name, visit, out)
            context.close()
        browser.close()
    return count


def _log_in(browser: Any, url: str) -> Any:
    page = browser.new_page(base_url=url)
    page.goto("/login")
    page.fill("[name=username]", READER)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/home*")
    state = page.context.storage_state()
    page.context.close()
    return state


def _sizes(page: Any, name: str, visit: Visit, out: Path) -> int:
    """Show one page in every width and theme; say its name when it is done."""
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            if isinstance(visit, str):
                page.goto(visit)
            else:
                visit(page)
            page.evaluate(STILL)
            page.screenshot(path=out / f"{name}-{width}-{theme}.png", animations="disabled")
    made = len(WIDTHS) * len(THEMES)
    print(f"  {name:<14} {made} pictures", flush=True)
    return made


if __name__ == "__main__":
    sys.exit(main())
