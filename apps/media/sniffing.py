"""What a file is, by its content; its name and what the client says of it do not count."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.infra.errors import Invalid

TAKEN = "JPEG, PNG, WebP, AVIF or GIF"
_HEAD = 512
# What it begins with → what that is, for the sentence that refuses it.
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\x1aE\xdf\xa3", "a video"),
    (b"RIFF", "a sound or a video"),
    (b"BM", "a BMP"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
)
_MARKUP = ((b"<svg", "an SVG"), (b"<html", "a web page"), (b"<!doctype", "a web page"))
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class BadPicture(Invalid):
    """The file is no picture of a kind that is taken, or it is broken, or too large."""

    code = "bad_media"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, field="media")


def format_of(data: bytes) -> str:
    """JPEG, PNG, GIF, WEBP or AVIF. Raises BadPicture, which says what it is instead."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and {b"avif", b"avis"} & _brands(data):
        return "AVIF"
    raise BadPicture(
        _("This is %(data)s. Pictures are %(taken)s.") % {"data": _guess(data), "taken": TAKEN}
    )


def _brands(data: bytes) -> set[bytes]:
    end = min(int.from_bytes(data[:4], "big"), _HEAD)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def _guess(data: bytes) -> str:
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        return "a HEIC" if _HEIC & _brands(data) else "a video"
    for head, name in _REFUSED:
        if data.startswith(head):
            return name
    text = data[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, name in _MARKUP:
        if mark in text:
            return name
    return "no picture that can be read"


def gif_frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of each frame of a GIF, without decoding any.

    The canvas counts where it is larger. Ends where the file is broken; whoever decodes it says so.
    """
    try:
        across, down = _u16(data, 6), _u16(data, 8)
        at = 13 + _table_bytes(data[10])
        while data[at] != 0x3B:  # noqa: PLR2004 (trailer)
            if data[at] == 0x2C:  # noqa: PLR2004 (image)
                right = _u16(data, at + 1) + _u16(data, at + 5)
                bottom = _u16(data, at + 3) + _u16(data, at + 7)
                yield max(across, right), max(down, bottom)
                at += 11 + _table_bytes(data[at + 9])
            elif data[at] == 0x21:  # noqa: PLR2004 (extension)
                at += 2
            else:
                at += 1
                continue
            while data[at]:
                at += data[at] + 1
            at += 1
    except IndexError:
        return


def _u16(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
