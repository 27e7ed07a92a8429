"""How the parts of the site are, in words for everybody: no names of machines, no messages.

Built on the checks of /readyz, which are made at most every few seconds, however many ask.
"""

import asyncio
import time
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.infra.resilience import brownout
from apps.infra.resilience.brownout import Level
from apps.infra.telemetry.health import Finding, check_all

KEPT_SECONDS = 5.0
SLOW_MS = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the page; `state` is `ok`, `slow` or `down`."""

    name: str
    state: str
    sentence: str


# By the first part of a check's name: what it is for people, and what they notice without it.
_PARTS = {
    "postgres": (
        gettext_noop("Reading and posting"),
        gettext_noop("Nothing can be posted, and most pages do not open. Nothing is lost."),
    ),
    "relay": (
        gettext_noop("New posts on their way to followers"),
        gettext_noop("New posts are stored, and reach followers later."),
    ),
    "redis_state": (
        gettext_noop("Timelines"),
        gettext_noop("Timelines open more slowly."),
    ),
    "redis_cache": (
        gettext_noop("Short-term memory"),
        gettext_noop("You will hardly notice."),
    ),
}


class _Kept:
    """The last findings, shared by all who ask."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.made_at = -KEPT_SECONDS
        self.making: asyncio.Task[list[Finding]] | None = None


_kept = _Kept()


async def findings() -> list[Finding]:
    """What the checks found, a few seconds old at most; who asks meanwhile waits for the same."""
    if time.monotonic() - _kept.made_at < KEPT_SECONDS:
        return _kept.findings
    if _kept.making is None or _kept.making.done():
        _kept.making = asyncio.get_running_loop().create_task(check_all())
    _kept.findings = await asyncio.shield(_kept.making)
    _kept.made_at = time.monotonic()
    return _kept.findings


def forget() -> None:
    """Check anew at the next question."""
    _kept.made_at = -KEPT_SECONDS


_BUSY = {
    Level.NO_EXTRAS: gettext_noop("Busy: suggestions and feeds are switched off."),
    Level.NO_GUEST_SEARCH: gettext_noop("Busy: visitors cannot search for a few minutes."),
    Level.MEMBERS_ONLY: gettext_noop("Busy: only members can read, and nothing can be uploaded."),
    Level.READ_ONLY: brownout.CHANGES.sentence,
    Level.CLOSED: brownout.ALL.sentence,
}


def _crowd() -> list[Part]:
    """The line that says what is left out because too much is going on; none if nothing is."""
    level = brownout.house.level
    if not level:
        return []
    state = "slow" if level < Level.READ_ONLY else "down"
    return [Part(_("Everybody at once"), state, _(_BUSY[level]))]


def parts(found: list[Finding]) -> list[Part]:
    """The same in plain words, one line for each part; of several machines the worst counts."""
    made = _crowd()
    for prefix, (name, harm) in _PARTS.items():
        own = [one for one in found if one.name.startswith(prefix)]
        if not own:
            continue
        if any(one.error for one in own):
            made.append(Part(_(name), "down", _(harm)))
        elif max(one.milliseconds for one in own) > SLOW_MS:
            made.append(Part(_(name), "slow", _("It answers, but slowly.")))
        else:
            made.append(Part(_(name), "ok", _("Works.")))
    return made
