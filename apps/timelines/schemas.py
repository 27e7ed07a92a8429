"""What leaves this app, beside pages of tweets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at to explain a timeline.

    `speaks_for`: the tweet is shown (True), is not (False), or it decides nothing (None).
    """

    what: str
    detail: str
    speaks_for: bool | None = None
