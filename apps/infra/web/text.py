"""Text as people read it: addresses, short counts, relative times."""

import re
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _

_THREE_DIGITS = 100


def web_address(value: str) -> str:
    """The address when it is a plain http or https one, else an empty string."""
    return value if re.match(r"https?://[^\s<>\"']+$", value, re.IGNORECASE) else ""


def compact(count: int) -> str:
    """A count in at most four characters and a letter, rounded down: 999, 1.2K, 18.6K, 3M."""
    for limit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if count >= limit:
            whole, tenth = divmod(count * 10 // limit, 10)
            if whole >= _THREE_DIGITS or tenth == 0:
                return f"{formats.number_format(whole, use_l10n=True)}{letter}"
            return f"{formats.number_format(whole + tenth / 10, decimal_pos=1)}{letter}"
    return str(count)


def ago(moment: datetime, *, now: datetime) -> str:
    """How long ago: now, 5m, 3h for a day, then the day, and the year when it is another one."""
    past = now - moment
    if past < timedelta(minutes=1):
        return _("now")
    if past < timedelta(hours=1):
        return _("%(n)dm") % {"n": past.seconds // 60}
    if past < timedelta(days=1):
        return _("%(n)dh") % {"n": past.seconds // 3600}
    local = timezone.localtime(moment)
    same_year = local.year == timezone.localtime(now).year
    return formats.date_format(local, "j M" if same_year else "j M Y")


def exact(moment: datetime) -> str:
    """Day and time in the reader's zone: 22 Nov 2026, 07:42."""
    return formats.date_format(timezone.localtime(moment), "j M Y, H:i")
