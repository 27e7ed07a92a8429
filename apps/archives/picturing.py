"""The pictures of an archive's posts, one after the other."""

from contextlib import suppress
from dataclasses import dataclass

from apps.archives.reading.errors import BadArchive
from apps.archives.reading.records import Exceptions, Post
from apps.archives.reading.sources import Files, damage_told
from apps.infra import clock
from apps.infra.errors import Invalid
from apps.media.schemas import UploadOut
from apps.media.services import uploads

MAX_PICTURES = 4
# As `apps.media` takes them; a larger one is not even read.
MAX_BYTES = 15 * 1024 * 1024
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_GIF = "animated_gif"


@dataclass(slots=True)
class Pictures:
    """Uploads the pictures of posts. What no post takes goes with the sweep, as any upload.

    Args:
        files: of the archive; None where it cannot be read any more.
    """

    files: Files | None
    owner_id: int
    remarks: Exceptions

    def of(self, post: Post) -> tuple[list[int], bool]:
        """Uploads for a post, in order, and whether they are all that it had. Raises StoreAway."""
        if post.is_retweet:
            return [], False
        made: list[UploadOut] = []
        for name in post.files:
            if not name.lower().endswith(_PICTURES):
                self.remarks.add("video", post.id)
            elif len(made) >= MAX_PICTURES:
                self.remarks.add("picture_left", post.id)
            else:
                made += self._uploaded(name, post)
        missing = post.media_count - len(post.files)
        if missing > 0:
            self.remarks.add("picture_missing", post.id, missing)
        stills = [one for one in made if one.kind != _GIF]
        kept = stills if stills and len(stills) < len(made) else made[:MAX_PICTURES]
        wanted = max(post.media_count, len(post.files))
        return [one.id for one in kept], len(kept) == wanted

    def _uploaded(self, name: str, post: Post) -> list[UploadOut]:
        data = self._read(name)
        if data is None:
            self.remarks.add("picture_missing", post.id)
            return []
        upload = None
        with suppress(Invalid):
            upload = uploads.upload_once(
                owner_id=self.owner_id, data=data, now=clock.now(), is_counted=False
            )
        if upload is None or upload.state != "ready":
            self.remarks.add("picture_refused", post.id)
            return []
        return [upload]

    def _read(self, name: str) -> bytes | None:
        if self.files is None:
            return None
        try:
            with damage_told(name), self.files.open(name) as file:
                data = file.read(MAX_BYTES + 1)
        except (BadArchive, KeyError):
            return None
        # Too large: the first byte alone is refused like any other that is no picture.
        return data if len(data) <= MAX_BYTES else data[:1]
