"""What becomes of files: good, odd and hostile ones."""

import io
import json
import struct
import zlib

import pytest
from PIL import ExifTags, Image, ImageSequence, PngImagePlugin

from apps.media import pictures
from apps.media.sniffing import BadPicture
from tests.media.conftest import animation, picture, zipped

SERVED = {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "MPO"}
# Whole by Pillow's account, and decoded by ours to the end.
MARKERS = (b"Exif\0", b"http://ns.adobe.com", b"Photoshop", b"ICC_PROFILE", b"iCCP", b"tEXt")


def cases():
    """The manifest's names; which files are here, a test says."""
    from tests.media.conftest import images_or_none

    root = images_or_none()
    if root is None:
        return []
    listed = json.loads((root / "manifest.json").read_text())
    return [case for case in listed if (root / case["file"]).is_file()]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["file"])
def test_every_file_of_the_collection(images, case):
    data = (images / case["file"]).read_bytes()
    is_taken = case.get("load") == "ok" and case["format"] in SERVED

    if not is_taken:
        with pytest.raises(BadPicture) as refused:
            pictures.render(data)
        assert len(refused.value.detail) > 20
        return
    made = pictures.render(data)

    width, height = case["size"]
    if case.get("orientation") in {5, 6, 7, 8}:
        # Pillow gives the size of AVIF as it is stored, and so does the manifest.
        width, height = height, width
    assert {made.width, made.height} == {width, height}
    assert set(made.files) >= {f"medium.{'jpg' if made.mime != 'image/png' else 'png'}"}
    for name, content in made.files.items():
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.getexif() == {}
            assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info), name
        assert not [mark for mark in MARKERS if mark in content], name


def test_the_collection_is_there(images):
    assert len(cases()) > 90


# How an upright picture is stored by a camera that notes this orientation.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("number", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied(number, kind):
    with Image.open(io.BytesIO(picture("PNG"))) as upright:
        stored = upright.transpose(STORED[number])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    out = io.BytesIO()
    stored.save(out, kind, exif=exif.tobytes())

    with Image.open(io.BytesIO(pictures.render(out.getvalue()).files["large.jpg"])) as image:
        assert image.size == (64, 48)
        red = image.getchannel("R")
        reds = [red.getpixel(place) for place in ((5, 5), (60, 5), (5, 44), (60, 44))]
    assert [bright(value) for value in reds] == [True, False, False, False]


def bright(value: object) -> bool:
    return isinstance(value, int | float) and value > 128


def test_where_a_photo_was_taken_is_gone():
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SecretCamera"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSAreaInformation] = b"ASCII\0\0\0at-home"
    data = picture(exif=exif.tobytes(), comment=b"my comment", xmp=b"<x:xmpmeta>secret</x:xmpmeta>")
    assert b"SecretCamera" in data
    assert b"at-home" in data

    made = pictures.render(data)

    for content in made.files.values():
        for secret in (b"SecretCamera", b"at-home", b"my comment", b"secret", b"Exif"):
            assert secret not in content
        with Image.open(io.BytesIO(content)) as image:
            assert dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo)) == {}


def test_texts_in_a_png_and_comments_in_a_gif_are_gone():
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "SecretAuthor")
    info.add_itxt("XML:com.adobe.xmp", "SecretXmp")
    out = io.BytesIO()
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save(out, "PNG", pnginfo=info)
    gif = animation().replace(b"\x3b", b"", 0)
    commented = gif[:-1] + b"\x21\xfe\x0dSecretComment\x00" + b"\x3b"

    for data in (out.getvalue(), commented):
        assert b"Secret" in data
        for content in pictures.render(data).files.values():
            assert b"Secret" not in content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_what_hangs_on_the_end_of_a_file_is_lost(kind):
    tail = zipped()

    made = pictures.render(picture(kind) + tail)

    for content in made.files.values():
        assert b"PK\x03\x04" not in content
        assert b"hello from the tail" not in content


def test_a_script_in_the_comment_of_a_picture_is_lost():
    data = picture(comment=b"<script>alert(1)</script><svg onload=alert(1)>")

    assert all(b"script" not in file for file in pictures.render(data).files.values())


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "an SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "an SVG"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html>", "a web page"),
        (b"", "an empty file"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(100), "a video"),
        (b"\x1aE\xdf\xa3" + bytes(50), "a video"),
        (b"BM" + bytes(60), "a BMP"),
        (b"PK\x03\x04", "a ZIP"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x7fELF", "a program"),
        (b"just words", "no picture"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data, word):
    with pytest.raises(BadPicture, match=word):
        pictures.render(data)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decoded)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    for width, height in ((60_000, 60_000), (2**31 - 1, 2**31 - 1), (8_193, 4_096)):
        with pytest.raises(BadPicture, match="pixels"):
            pictures.render(png_that_claims(width, height))


def test_an_animation_with_too_many_frames_or_pixels():
    whole = animation(frames=2, size=(20, 10))
    # The last frame over and over, as bytes: 0x21 0xF9 begins its control block.
    start = whole.rindex(b"\x21\xf9")
    frame = whole[start:-1]
    many = whole[:start] + frame * (pictures.MAX_FRAMES + 1) + b";"
    wide = bytearray(whole[:start] + frame * 300 + b";")
    wide[6:10] = struct.pack("<HH", 1_000, 1_000)

    with pytest.raises(BadPicture, match="frames"):
        pictures.render(many)
    with pytest.raises(BadPicture, match="pixels in"):
        pictures.render(bytes(wide))


def test_a_jpeg_with_very_many_scans():
    data = picture(progressive=True)

    with pytest.raises(BadPicture, match="scans"):
        pictures.render(data + b"\xff\xda" * pictures.MAX_SCANS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_a_file_that_is_cut_off_anywhere(kind):
    data = picture(kind, size=(200, 160))

    for part in range(1, 20):
        with pytest.raises(BadPicture):
            pictures.render(data[: len(data) * part // 20])


def test_too_many_bytes():
    with pytest.raises(BadPicture, match="bytes"):
        pictures.render(picture() + bytes(pictures.MAX_PICTURE_BYTES))
    with pytest.raises(BadPicture, match="bytes"):
        pictures.render(animation() + bytes(pictures.MAX_GIF_BYTES))


def test_variants_fit_and_nothing_is_enlarged():
    sizes = {}
    made = pictures.render(picture(size=(3_000, 1_500)))
    for name, content in made.files.items():
        with Image.open(io.BytesIO(content)) as image:
            sizes[name] = image.size

    assert sizes == {"large.jpg": (2048, 1024), "medium.jpg": (1200, 600), "small.jpg": (680, 340)}
    assert (made.width, made.height) == (2048, 1024)
    assert pictures.render(picture(size=(30, 1))).width == 30
    assert pictures.render(picture("PNG", size=(5_000, 1))).height == 1


def test_transparency_stays():
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 100)).save(out, "PNG")

    made = pictures.render(out.getvalue())

    assert made.mime == "image/png"
    with Image.open(io.BytesIO(made.files["large.png"])) as image:
        assert image.getpixel((3, 3)) == (255, 0, 0, 100)


def test_sixteen_bits_become_eight():
    out = io.BytesIO()
    Image.new("I;16", (10, 10), 32_768).save(out, "PNG")

    with Image.open(io.BytesIO(pictures.render(out.getvalue()).files["large.jpg"])) as image:
        assert image.mode == "RGB"
        assert {abs(value - 128) < 4 for value in image.tobytes()} == {True}


def test_an_animation_keeps_its_frames_and_its_pace():
    made = pictures.render(animation(frames=5))

    with Image.open(io.BytesIO(made.files["large.gif"])) as image:
        assert (image.info["duration"], image.info["loop"]) == (70, 0)
        frames = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(image)]
    assert len(frames) == 5
    for number, pixels in enumerate(frames):
        assert abs(pixels[0] - 40 * number) < 9
        assert abs(pixels[2] - 90) < 9
    assert set(made.files) == {"large.gif", "medium.jpg", "small.jpg"}


def test_the_placeholder_is_a_blurhash():
    hashes = {pictures.render(picture(kind)).placeholder for kind in ("PNG", "GIF")}

    assert len(hashes) == 1
    found = hashes.pop()
    assert len(found) == 28
    # 4 by 3 components.
    assert found[0] == "L"
