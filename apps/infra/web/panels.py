"""What apps above show beside every page: made once per language and process, not per page.

A panel comes from memory and is the same for all readers; `refresh` sees to it, before a page, that
the memory is not too old. So a page waits for no query, and its frame is kept without the panels.
"""

import logging
from typing import Protocol

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

log = logging.getLogger(__name__)


class Panel(Protocol):
    """One part of the right column."""

    async def refresh(self) -> None:
        """Make sure that what is in memory is fresh enough; does not raise."""

    def html(self, language: str | None) -> SafeString:
        """The panel as it is in memory."""


# Apps above put it there.
beside_page: list[Panel] = []


async def refresh() -> None:
    """Have every panel look whether it is fresh enough."""
    for panel in beside_page:
        await panel.refresh()


def shown(language: str | None) -> SafeString:
    """All panels, in their order. One that fails is left out: also the page that says that
    something broke has this frame."""
    return format_html_join("", "{}", ((_shown(panel, language),) for panel in beside_page))


def _shown(panel: Panel, language: str | None) -> str:
    try:
        return panel.html(language)
    except Exception:
        log.exception("a panel could not be shown")
        return ""
