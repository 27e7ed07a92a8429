"""What an import tells at its end, as it is kept, and in words.

`exceptions` are posts that did not come; `remarks` are what came in another form, or things about
posts that did not come. Both: code → how often, and the first ids.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.archives.reading.records import Exceptions, Summary

# Why an archive as a whole is not taken. `%(about)s` is a file or a number.
FAILURES = {
    "missing": _("The file %(about)s is not there."),
    "not_an_archive": _(
        "This is not an archive of X: there are no posts in it as X or Twitter exports them."
    ),
    "damaged": _("The file is damaged or incomplete (%(about)s). Download it from X again."),
    "outside": _("The archive names a file outside of itself: %(about)s."),
    "link": _("The archive has a link in it (%(about)s). Real archives have none."),
    "encrypted": _("The archive is locked with a password (%(about)s)."),
    "bomb": _("The file %(about)s would become far larger than any real one when it is unpacked."),
    "too_large": _("The archive is larger than what is taken here (%(about)s)."),
    "too_many_files": _("The archive has more files than any real one (%(about)s)."),
    "not_utf8": _("The file %(about)s is not text in UTF-8."),
    "no_array": _("The file %(about)s is not as X writes it."),
    "cut_off": _("The file %(about)s ends in the middle. Download the archive again."),
    "too_deep": _("The file %(about)s is nested deeper than any real one."),
    "element_too_large": _("The file %(about)s has an entry larger than any real one."),
    "no_manifest": _("The list of what is in the archive cannot be read (%(about)s)."),
    "no_table": _("The table %(about)s lacks the columns that X writes."),
    "internal": _("Something broke on our side. What came is kept; you can try again."),
}
# Why a post did not come.
EXCEPTIONS = {
    "taken": _("A post with this number is here already, by somebody else"),
    "edited": _("An earlier version of a post that was edited; the last one counts"),
    "twice": _("Twice in the archive; it came once"),
    "unreadable": _("Not readable as a post"),
    "no_time": _("Its time makes no sense"),
    "time_differs": _("Its time and its number do not belong together"),
    "future": _("It is from the future"),
    "empty": _("It has neither text nor a picture"),
    "file_missing": _("The archive counts it, but its file is not there"),
    "fewer_than_declared": _("The archive counts it, but it is not in its file"),
}
# What is otherwise than it was.
REMARKS = {
    "retweet_as_text": _("Retweets kept as text: the original is not here"),
    "quote_as_link": _("Quotes kept as a link: what they quote is not here"),
    "reply_apart": _("Replies that stand alone: you may not answer that post here"),
    "shortened": _("Very long posts, cut at 4,000 characters"),
    "video": _("Videos and animations that X keeps as video: not kept here"),
    "picture_missing": _("Pictures that are not in the archive"),
    "picture_refused": _("Pictures that cannot be read or are too large"),
    "picture_left": _("Pictures beyond the fourth of a post"),
}
# What else the archive has, and what becomes of it.
OTHERS = {
    "followers": gettext_noop("Followers: only numbers of accounts on X, nobody here is meant"),
    "following": gettext_noop("People you followed: only numbers of accounts on X"),
    "blocked": gettext_noop("Blocked accounts: only numbers of accounts on X"),
    "muted": gettext_noop("Muted accounts: only numbers of accounts on X"),
    "likes": gettext_noop("Likes: they do not come, for they would be news to others"),
    "deleted": gettext_noop("Posts deleted on X: they stay deleted"),
    "notes": gettext_noop("Long posts whose full text is in the archive"),
    "notes_joined": gettext_noop("of them joined to their post"),
}
COUNTS = ("stored", "already", "replies", "retweets", "quotes", "pictures", "joined")


def begun(summary: Summary) -> dict[str, Any]:
    """The report of an archive that is read and not yet stored."""
    return {
        "generation": summary.generation,
        "username": summary.username,
        "user_id": summary.user_id,
        "made_at": summary.made_at.isoformat() if summary.made_at else None,
        "declared": summary.declared,
        "read": summary.read,
        "others": {name: count for name, count in summary.others.items() if count},
        "exceptions": summary.exceptions.found,
        "remarks": {},
        "counts": dict.fromkeys(COUNTS, 0),
    }


def exceptions_of(report: dict[str, Any]) -> Exceptions:
    """What did not come, to add to."""
    return Exceptions(report.setdefault("exceptions", {}))


def remarks_of(report: dict[str, Any]) -> Exceptions:
    """What came otherwise, to add to."""
    return Exceptions(report.setdefault("remarks", {}))


def failure_text(code: str, about: str) -> str:
    """Why an archive was not taken, in the reader's language."""
    return str(FAILURES.get(code, FAILURES["internal"])) % {"about": about}
