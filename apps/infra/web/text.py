"""Text as people read it: addresses, short counts, relative times."""

import re
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

_THREE_DIGITS = 100


def web_address(value: str) -> str:
    """The address when it is a plain http or https one, else an empty string."""
    return value if re.match(r"https?://[^\s<>\"']+$", value, re.IGNORECASE) else ""


def compact(count: int) -> str:
    """A count in at most four characters and a letter, rounded down: 999, 1.2K, 18.6K, 3M; in
    other languages a short word stands for the letter."""
    for limit, words in (
        # Translators: how billions, millions and thousands are written short: 1.2B, 1.2M, 1.2K.
        (1_000_000_000, gettext_noop("%(n)sB")),
        (1_000_000, gettext_noop("%(n)sM")),
        (1_000, gettext_noop("%(n)sK")),
    ):
        if count >= limit:
            whole, tenth = divmod(count * 10 // limit, 10)
            if whole >= _THREE_DIGITS or tenth == 0:
                return _(words) % {"n": formats.number_format(whole, use_l10n=True)}
            return _(words) % {"n": formats.number_format(whole + tenth / 10, decimal_pos=1)}
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
    # Formats in the letters of PHP's date().
    return formats.date_format(local, _("j M") if same_year else _("j M Y"))


def left(end: datetime, *, now: datetime) -> str:
    """How long until an end: minutes, hours or days, whole ones and at least one minute."""
    time = max(end - now, timedelta(minutes=1))
    if time < timedelta(hours=1):
        count = time // timedelta(minutes=1)
        return ngettext("%(n)d minute left", "%(n)d minutes left", count) % {"n": count}
    if time < timedelta(days=1):
        count = time // timedelta(hours=1)
        return ngettext("%(n)d hour left", "%(n)d hours left", count) % {"n": count}
    return ngettext("%(n)d day left", "%(n)d days left", time.days) % {"n": time.days}


def exact(moment: datetime) -> str:
    """Day and time in the reader's zone: 22 Nov 2026, 07:42."""
    return formats.date_format(timezone.localtime(moment), _("j M Y, H:i"))
