"""Decoding what came, and encoding what is served.

What is served is made of pixels alone: metadata (where and with what a photo was taken) and
whatever hangs on the end of a file stay behind. The colours are converted to sRGB, the camera's
orientation is applied. All limits are checked before pixels are decoded, so that a small file
cannot ask for much memory.
"""

import io
import logging
import warnings
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, ImageSequence

from apps.infra import clock
from apps.infra.telemetry import metrics
from apps.media.placeholder import blurhash
from apps.media.sniffing import BadPicture, format_of, gif_frames

log = logging.getLogger(__name__)

MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_GIF_BYTES = 15 * 1024 * 1024
# 8,192 by 4,096; decoded about 130 MB.
MAX_PIXELS = 33_554_432
MAX_FRAMES = 500
# Of all frames of an animation together.
MAX_ANIMATION_PIXELS = 100_000_000
# An ordinary progressive JPEG has ten; thousands would take minutes.
MAX_SCANS = 64
# The longer side of each variant in pixels; nothing is enlarged.
SIDES = {"large": 2048, "medium": 1200, "small": 680}
JPEG, PNG, GIF = "image/jpeg", "image/png", "image/gif"
EXTENSIONS = {JPEG: "jpg", PNG: "png", GIF: "gif"}
_QUALITY = 85
_DEFAULT_DURATION_MS = 100

# Pillow's own guard, behind ours.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a file claims to be, before a pixel is decoded."""

    format: str
    frames: int
    # Of all frames together.
    pixels: int

    @property
    def is_animation(self) -> bool:
        """Whether it is kept as an animated GIF."""
        return self.format == "GIF" and self.frames > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What is served: files by name, and what they have in common."""

    files: dict[str, bytes]
    mime: str
    width: int
    height: int
    placeholder: str


def inspect(data: bytes) -> Inspected:
    """Look at the head of a file and hold it against the limits.

    Raises:
        BadPicture: not a picture of ours, unreadable, or over a limit.
    """
    kind = format_of(data)
    # Warnings are about damaged metadata, which is dropped anyway. Their filters belong to the
    # process: pictures are looked at in one thread of it (`apps.media.threads`).
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _inspected(data, kind)


def _inspected(data: bytes, kind: str) -> Inspected:
    limit = MAX_GIF_BYTES if kind == "GIF" else MAX_PICTURE_BYTES
    if len(data) > limit:
        raise BadPicture(
            _("This file has %(n)s bytes; %(limit)s are the limit.")
            % {"n": f"{len(data):,}", "limit": f"{limit:,}"}
        )
    if kind == "GIF":
        return _inspect_gif(data)
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise BadPicture(
            _("This JPEG has more than %(max_scans)s scans.") % {"max_scans": MAX_SCANS}
        )
    with _opened(data, kind) as image:
        _ensure_size(image.width, image.height)
        return Inspected(format=kind, frames=1, pixels=image.width * image.height)


def _inspect_gif(data: bytes) -> Inspected:
    frames = list(islice(gif_frames(data), MAX_FRAMES + 1))
    if len(frames) > MAX_FRAMES:
        raise BadPicture(
            _("This GIF has more than %(max_frames)s frames.") % {"max_frames": MAX_FRAMES}
        )
    for width, height in frames:
        _ensure_size(width, height)
    # A frame is drawn on what the frames before made of the canvas.
    canvas = max((width for width, _ in frames), default=0) * max(
        (height for _, height in frames), default=0
    )
    total = canvas * len(frames)
    if total > max(MAX_ANIMATION_PIXELS, MAX_PIXELS):
        raise BadPicture(
            _(
                "This GIF has %(total)s pixels in %(n)s frames;"
                " %(max_animation_pixels)s are the limit."
            )
            % {
                "total": f"{total:,}",
                "n": len(frames),
                "max_animation_pixels": f"{MAX_ANIMATION_PIXELS:,}",
            }
        )
    with _opened(data, "GIF") as image:
        _ensure_size(image.width, image.height)
    return Inspected(format="GIF", frames=len(frames), pixels=total)


def _ensure_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadPicture(
            _("This picture has %(width)s x %(height)s pixels; %(max_pixels)s are the limit.")
            % {"width": f"{width:,}", "height": f"{height:,}", "max_pixels": f"{MAX_PIXELS:,}"}
        )


class _opened:  # noqa: N801 (reads as a verb)
    """Pillow's image of some bytes; what goes wrong while it is used is a BadPicture."""

    def __init__(self, data: bytes, kind: str) -> None:
        self._data = data
        self._kind = kind

    def __enter__(self) -> Image.Image:
        try:
            self._image = Image.open(io.BytesIO(self._data), formats=(self._kind,))
        except Exception as error:
            raise _bad(self._kind, error) from error
        return self._image

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._image.close()
        if isinstance(error, Exception) and not isinstance(error, BadPicture):
            raise _bad(self._kind, error) from error


def _bad(kind: str, error: Exception) -> BadPicture:
    """Decoders raise anything at a hostile file, and none of it is an error of ours."""
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return BadPicture(f"This picture has more than {MAX_PIXELS:,} pixels.")
    log.info("a picture could not be decoded", extra={"format": kind, "error": repr(error)})
    return BadPicture(f"This {kind} is broken or cut off.")


def render(data: bytes) -> Rendered:
    """Decode a picture and encode what is served.

    Files are `large`, `medium` and `small` with their extension; of an animation, one
    `large.gif` and stills `medium.jpg` and `small.jpg`.

    Raises:
        BadPicture: as `inspect`, or it does not decode to its end.
    """
    seen = inspect(data)
    started = clock.now_ms()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _opened(data, seen.format) as image:
            made = _animation(image) if seen.is_animation else _photo(image)
    label = "animated_gif" if seen.is_animation else "photo"
    metrics.MEDIA_PROCESSING_SECONDS.labels(label).observe((clock.now_ms() - started) / 1000)
    return made


def _photo(image: Image.Image) -> Rendered:
    side = SIDES["large"]
    # A JPEG is decoded at an eighth, a quarter or a half of its size where that is enough.
    image.draft(None, (side, side))
    image.load()
    pixels = _plain(image)
    mime = PNG if pixels.mode == "RGBA" else JPEG
    return Rendered(
        files=dict(_stills(pixels, mime, list(SIDES))),
        mime=mime,
        width=pixels.width,
        height=pixels.height,
        placeholder=blurhash(_opaque(pixels)),
    )


def _stills(pixels: Image.Image, mime: str, names: list[str]) -> list[tuple[str, bytes]]:
    """Variants by name, each made of the one before."""
    made: list[tuple[str, bytes]] = []
    for name in names:
        smaller = max(pixels.size) > SIDES[name]
        if smaller:
            pixels = pixels.copy()
            pixels.thumbnail((SIDES[name], SIDES[name]), Image.Resampling.LANCZOS)
        content = _encoded(pixels, mime) if smaller or not made else made[-1][1]
        made.append((f"{name}.{EXTENSIONS[mime]}", content))
    return made


def _encoded(pixels: Image.Image, mime: str) -> bytes:
    out = io.BytesIO()
    if mime == PNG:
        pixels.save(out, "PNG")
    else:
        pixels.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _plain(image: Image.Image) -> Image.Image:
    """Upright, sRGB, at most as large as the largest variant; RGB, or RGBA if one sees through."""
    profile = image.info.get("icc_profile")
    pixels = _scalable(image)
    pixels.thumbnail((SIDES["large"],) * 2, Image.Resampling.LANCZOS)
    pixels = _upright(pixels)
    pixels = _in_srgb(pixels, profile)
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() == (255, 255):
        pixels = pixels.convert("RGB")
    # Encoders would write comments and profiles that they find here.
    pixels.info.clear()
    return pixels


def _scalable(image: Image.Image) -> Image.Image:
    """In a mode that can be resized without steps."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    # No copy where none is needed: the largest pictures decide how much memory this takes.
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def _upright(pixels: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(pixels)
    except Exception as error:
        # The metadata is damaged, not the picture.
        log.info("an orientation could not be read", extra={"error": repr(error)})
        return pixels


def _in_srgb(pixels: Image.Image, profile: bytes | None) -> Image.Image:
    target = "RGBA" if pixels.mode == "RGBA" else "RGB"
    if profile:
        try:
            made = ImageCms.profileToProfile(
                pixels,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode=target,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A profile that does not fit its picture: shown as if it had none.
            made = None
        if made is not None:
            return made
    return pixels if pixels.mode == target else pixels.convert(target)


def _opaque(pixels: Image.Image) -> Image.Image:
    if pixels.mode != "RGBA":
        return pixels
    ground = Image.new("RGB", pixels.size, "white")
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground


def _animation(image: Image.Image) -> Rendered:
    loop = image.info.get("loop")
    still: Image.Image | None = None
    frames, durations, see_through = [], [], False
    for frame in ImageSequence.Iterator(image):
        whole = frame.convert("RGBA")
        whole.info.clear()
        if still is None:
            still = _opaque(whole)
        see_through = see_through or whole.getchannel("A").getextrema() != (255, 255)
        # Kept with a palette, a quarter of the memory.
        frames.append(whole.quantize(method=Image.Quantize.FASTOCTREE))
        durations.append(int(image.info.get("duration") or _DEFAULT_DURATION_MS))
    assert still is not None  # noqa: S101 (an image has a frame)
    out = io.BytesIO()
    frames[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        disposal=2 if see_through else 1,
        **({} if loop is None else {"loop": int(loop)}),
    )
    files = dict(_stills(still, JPEG, ["medium", "small"]))
    return Rendered(
        files={"large.gif": out.getvalue(), **files},
        mime=GIF,
        width=still.width,
        height=still.height,
        placeholder=blurhash(still),
    )
