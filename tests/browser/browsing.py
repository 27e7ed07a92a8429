"""Records what a person in a hurry asks of the site: `python -m tests.browser.browsing URL NAME
PASSWORD > tests/flows/browsing.tsv`, of a service with the demo world (`make run`).

Seconds since the beginning, method and path of everything that a real browser asked for; static
files and pictures are left out, which no limit counts.
"""

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

MINUTES = 4
UNCOUNTED = ("/static/", "/media/", "/favicon", "/sw.js", "/manifest")
TAGS = ("music", "python", "photography", "news")


def deeds(page: Any, chooser: random.Random) -> Iterator[tuple[float, Callable[[], object]]]:
    """What one does, and how many seconds it takes to see it and decide on the next: a restless
    reader, not a slow one."""

    def click(selector: str) -> None:
        found = page.locator(selector).locator("visible=true")
        if number := found.count():
            found.nth(chooser.randrange(number)).click(timeout=2_000)

    def write(text: str) -> None:
        page.locator("form.write textarea").first.press_sequentially(text, delay=80)

    while True:
        yield 1.5, lambda: page.goto("/home")
        for _ in range(6):
            yield 1.0, lambda: page.mouse.wheel(0, 2_500)
        for _ in range(3):
            yield 0.7, lambda: click("article button[formaction$='/like']")
        yield 1.5, lambda: click("article a[href*='/status/']")
        yield 1.0, lambda: click("button[formaction$='/retweet']")
        yield 0.8, page.go_back
        yield 1.5, lambda: click("article a[href^='/']:not([href*='/status/'])")
        yield 0.8, lambda: click("button[formaction$='/follow']")
        for _ in range(3):
            yield 1.0, lambda: page.mouse.wheel(0, 2_500)
        yield 1.5, lambda: page.goto("/notifications")
        yield 1.5, lambda: page.goto(f"/search?q=%23{chooser.choice(TAGS)}")
        yield 1.0, lambda: page.mouse.wheel(0, 2_500)
        yield 1.0, lambda: page.goto("/home")
        yield 4.0, lambda: write("Look @a #mu")
        yield 1.0, lambda: page.goto("/explore")


def main(url: str, name: str, password: str) -> None:
    """Browse for some minutes and print what was asked for."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_context(base_url=url).new_page()
        page.goto("/login")
        page.fill("[name=username]", name)
        page.fill("[name=password]", password)
        page.click("main button")
        page.wait_for_url("**/home")
        began = time.monotonic()

        def note(request: Any) -> None:
            parts = urlsplit(request.url)
            if not parts.path.startswith(UNCOUNTED):
                print(f"{time.monotonic() - began:.1f}\t{request.method}\t{parts.path}")

        page.on("request", note)
        for seconds, deed in deeds(page, random.Random(1)):
            try:
                deed()
            except Exception as error:
                print(error, file=sys.stderr)
            page.wait_for_timeout(seconds * 1_000)
            if time.monotonic() - began > 60 * MINUTES:
                break
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
