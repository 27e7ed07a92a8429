"""The picture of an account and the one over its profile: cut to their shape, kept while shown."""

import io
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from apps.media import pictures, queries
from apps.media.models import Media
from apps.media.pictures import EXTENSIONS
from apps.media.services import uploads
from apps.media.sniffing import BadPicture
from apps.users import services as user_services

Which = Literal["avatar", "banner"]
# Wide and high, in pixels: twice what the largest page shows.
SHAPES: dict[Which, tuple[int, int]] = {"avatar": (256, 256), "banner": (1200, 400)}
_QUALITY = 90


def cut(data: bytes, shape: tuple[int, int]) -> bytes:
    """The middle of a picture in a shape, as JPEG; of an animation the first frame.

    Raises:
        BadPicture: not a picture of ours, unreadable, or over a limit.
    """
    pictures.inspect(data)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPicture(_("This picture cannot be read.")) from error
    fitted = ImageOps.fit(upright, shape, Image.Resampling.LANCZOS)
    # What is see-through gets paper behind it.
    page = Image.new("RGBA", shape, "white")
    page.alpha_composite(fitted)
    out = io.BytesIO()
    page.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def set_profile_picture(*, user_id: int, which: Which, data: bytes, now: datetime) -> None:
    """Show a picture, cut to its shape, instead of the one that is there; at once.

    Runs in the thread for pictures. Raises BadPicture. RateLimited: too many unused uploads.
    """
    made = uploads.upload_once(owner_id=user_id, data=cut(data, SHAPES[which]), now=now)
    media = Media.objects.get(id=made.id)
    name = f"large.{EXTENSIONS[media.mime]}"
    address = queries.address_of(media.id, media.key, name).removeprefix(settings.MEDIA_URL)
    with transaction.atomic():
        Media.objects.filter(id=media.id).update(expires_at=None)
        _let_go(
            user_id, user_services.set_picture(user_id=user_id, which=which, address=address), now
        )


def remove_profile_picture(*, user_id: int, which: Which, now: datetime) -> None:
    """Show the drawn one again; nothing happens if it is shown."""
    with transaction.atomic():
        _let_go(user_id, user_services.set_picture(user_id=user_id, which=which, address=""), now)


def _let_go(user_id: int, address: str, now: datetime) -> None:
    """Nobody shows a picture any longer: the sweep takes it."""
    media_id = address.partition("/")[0]
    if media_id:
        rows = Media.objects.filter(id=int(media_id), owner_id=user_id, tweet_id=None)
        rows.update(expires_at=now)
