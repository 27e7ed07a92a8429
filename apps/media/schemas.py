"""What leaves this app."""

from dataclasses import dataclass
from datetime import datetime

# The number before the id in a media key, as X has it.
PREFIXES = {"photo": 3, "animated_gif": 16}


def media_key_of(kind: str, media_id: int) -> str:
    """The name by which X's clients know a picture: `3_<id>`, of an animated GIF `16_<id>`."""
    return f"{PREFIXES[kind]}_{media_id}"


def media_id_of(media_key: str) -> int:
    """The id in a media key of ours."""
    return int(media_key.partition("_")[2])


def is_photo(media_key: str) -> bool:
    """Whether it names a picture that does not move."""
    return media_key.startswith("3_")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantOut:
    """One file of a picture."""

    name: str
    content_type: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaOut:
    """A picture that is ready; sizes in pixels of the largest variant.

    `url` is the largest variant (of a GIF the animation), `preview_url` a still, at most 680 px
    wide and high. `placeholder` is a blurhash.
    """

    id: int
    owner_id: int
    tweet_id: int | None
    type: str
    width: int
    height: int
    alt_text: str
    placeholder: str
    url: str
    preview_url: str
    variants: tuple[VariantOut, ...]

    @property
    def media_key(self) -> str:
        """The name by which X's clients know it."""
        return media_key_of(self.type, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOut:
    """An upload on its way, or done, as its owner may know it.

    `received` counts the bytes that have come, or that the upload had in the end.
    """

    id: int
    kind: str
    state: str
    mime: str
    width: int
    height: int
    received: int
    error: str
    expires_at: datetime | None

    @property
    def media_key(self) -> str:
        """The name by which X's clients know it; its number may change when the content is seen."""
        return media_key_of(self.kind, self.id)
