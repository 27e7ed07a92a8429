"""Having things trend, without posts."""

from apps.infra import clock
from apps.trends import queries, services, store
from apps.trends.store import Pair, Voice


def trending(*names: str, lang: str = "en", voices: int = 5) -> None:
    """So many people say the last of these, and each before it one more."""
    now_ms = clock.now_ms()
    pairs = [
        Pair(now_ms, name.lower(), name, lang, Voice(b"a%d" % voice, voice))
        for place, name in enumerate(reversed(names))
        for voice in range(voices + place)
    ]
    store.add(pairs, now_ms=now_ms)
    services.roll_up(now=clock.now())
    # As a second later.
    queries.shelf.until = 0.0
