"""The report of an import in words, for its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from apps.archives.queries import ImportOut
from apps.archives.report import EXCEPTIONS, OTHERS, REMARKS, failure_text

# Of one reason.
MAX_IDS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a report."""

    words: str
    count: int
    ids: tuple[str, ...] = ()
    has_more: bool = False


class Shown(NamedTuple):
    """An import for its page."""

    one: ImportOut
    failure: str
    came: list[Line]
    exceptions: list[Line]
    remarks: list[Line]
    others: list[Line]


def shown(one: ImportOut) -> Shown:
    """An import with its report in the reader's language."""
    told = one.report
    return Shown(
        one=one,
        failure=failure_text(one.error, one.error_about) if one.error else "",
        came=_came(told),
        exceptions=_lines(told.get("exceptions", {}), EXCEPTIONS),
        remarks=_lines(told.get("remarks", {}), REMARKS),
        others=[
            Line(_(OTHERS[code]), count)
            for code, count in told.get("others", {}).items()
            if code in OTHERS
        ],
    )


def _came(told: Mapping[str, Any]) -> list[Line]:
    if not told:
        return []
    counts = told["counts"]
    words = {
        "stored": _("Posts that came"),
        "already": _("Posts of yours that were here already"),
        "replies": _("Replies among them"),
        "retweets": _("Retweets among them"),
        "quotes": _("Quotes among them"),
        "pictures": _("Pictures"),
        "joined": _("Long posts with their full text"),
    }
    lines = [Line(text, counts[code]) for code, text in words.items() if counts.get(code)]
    if told.get("declared") is not None:
        lines.insert(0, Line(_("Posts by the archive’s own count"), told["declared"]))
    return lines


def _lines(found: Mapping[str, Any], words: Mapping[str, Any]) -> list[Line]:
    return [
        Line(
            str(words[code]),
            entry["count"],
            tuple(entry["ids"][:MAX_IDS]),
            entry["count"] > min(len(entry["ids"]), MAX_IDS),
        )
        for code, entry in sorted(found.items(), key=lambda item: -item[1]["count"])
        if code in words
    ]
