"""Reads of pictures."""

import time
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relationship
from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.infra.stores.cache import LocalCache
from apps.media.pictures import EXTENSIONS, GIF, JPEG
from apps.media.schemas import MediaOut, VariantOut
from apps.users import queries as user_queries

PHOTO = "photo"
MAX_ID = (1 << 63) - 1
# Names of files, largest first; the stills of an animation are JPEGs.
_PHOTO_NAMES = ("large", "medium", "small")
MAX_CACHED = 20_000
_COLUMNS = "id, owner_id, tweet_id, kind, key, mime, width, height, alt_text, placeholder"


_READY = "state = 'ready' and hidden_at is null and (expires_at is null or expires_at > %s)"
# Pictures that are on tweets.
_attached: LocalCache[int, MediaOut] = LocalCache("m", max_items=MAX_CACHED, name="media")


def address_of(media_id: int, key: str, name: str) -> str:
    """Where a file is for everybody who knows the address."""
    return f"{settings.MEDIA_URL}{media_id}/{key}/{name}"


async def media_of(ids: Iterable[int]) -> dict[int, MediaOut]:
    """Pictures that are ready, by id; others are left out.

    Whoever asks sees to it that the reader may see the tweet.
    """
    wanted = list(set(ids))
    if not wanted:
        return {}
    rows = await aiopostgres.fetch(
        f"select {_COLUMNS} from media where id = any(%s) and {_READY}",
        (wanted, clock.now()),
    )
    return {row[0]: _from_row(row) for row in rows}


def in_memory() -> Mapping[int, MediaOut]:
    """Pictures on tweets that this process has read lately; the caller has caught up."""
    return _attached.young


async def attached_media(ids: Iterable[int]) -> dict[int, MediaOut]:
    """Pictures that are on tweets, by id, from the process's cache, else PostgreSQL.

    Whoever asks has caught up with the invalidation log, and sees to it that the reader may see
    the tweets.
    """
    found, missing = _attached.known(ids)
    if missing:
        started = time.monotonic()
        for media_id, media in (await media_of(missing)).items():
            if media.tweet_id is not None:
                _attached.put(media_id, media, started=started)
                found[media_id] = media
    return found


def _from_row(row: aiopostgres.Row) -> MediaOut:
    media_id, owner_id, tweet_id, kind, key, mime, width, height, alt_text, placeholder = row
    still = mime if kind == PHOTO else JPEG
    variants = tuple(
        VariantOut(
            name=name,
            content_type=(kind_of := mime if name == "large" else still),
            url=address_of(media_id, key, f"{name}.{EXTENSIONS[kind_of]}"),
        )
        for name in _PHOTO_NAMES
    )
    return MediaOut(
        id=media_id,
        owner_id=owner_id,
        tweet_id=tweet_id,
        type=kind,
        width=width,
        height=height,
        alt_text=alt_text,
        placeholder=placeholder,
        url=variants[0].url,
        preview_url=variants[-1].url,
        variants=variants,
    )


async def visible_media(*, viewer_id: int, ids: Sequence[int]) -> dict[int, MediaOut]:
    """Pictures that are on tweets, or the viewer's own, without those of accounts that are
    suspended, protected from the viewer, or one side of a block.

    Args:
        viewer_id: 0 for a visitor.
    """
    found = await media_of(ids)
    owners = {media.owner_id for media in found.values()} - {viewer_id}
    people = await user_queries.users_by_ids(owners)
    stands = await graph_queries.relationships(viewer_id, list(owners)) if owners else {}
    nobody = Relationship()

    def may_see(media: MediaOut) -> bool:
        if media.owner_id == viewer_id:
            return True
        owner, stand = people.get(media.owner_id), stands.get(media.owner_id, nobody)
        return (
            media.tweet_id is not None
            and owner is not None
            and not owner.is_suspended
            and not (stand.blocking or stand.blocked_by)
            and (stand.following or not owner.is_protected)
        )

    return {media_id: media for media_id, media in found.items() if may_see(media)}


async def is_served(*, media_id: int, key: str) -> bool:
    """Whether the files of a picture may be handed out to somebody who knows its key."""
    if media_id > MAX_ID:
        return False
    rows = await aiopostgres.fetch(
        f"select key from media where id = %s and {_READY}",
        (media_id, clock.now()),
    )
    return bool(rows) and bool(key) and rows[0][0] == key


def type_of(name: str) -> str:
    """The content type of a file by its name, "" if no file of ours has such a name."""
    stem, _, extension = name.partition(".")
    types = {extension: mime for mime, extension in EXTENSIONS.items()}
    if stem not in _PHOTO_NAMES or (extension == EXTENSIONS[GIF] and stem != "large"):
        return ""
    return types.get(extension, "")
