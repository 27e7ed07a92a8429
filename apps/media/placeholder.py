"""Blurhash: some colours of a picture in about thirty characters, shown until it has come.

After the description at blurha.sh; 4 by 3 components of a thumbnail of at most 32 px.
"""

from math import cos, pi

from PIL import Image

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_ACROSS, _DOWN = 4, 3
_SIDE = 32
Colour = tuple[float, ...]


def _base83(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83 ** (length - i) % 83] for i in range(1, length + 1))


def _linear(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (sRGB)


def _srgb(value: float) -> int:
    part = min(1.0, max(0.0, value))
    curved = part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055  # noqa: PLR2004 (sRGB)
    return round(curved * 255)


def _part(pixels: list[Colour], width: int, height: int, i: int, j: int) -> Colour:
    scale = (2 if i or j else 1) / (width * height)
    across = [cos(pi * i * (x + 0.5) / width) for x in range(width)]
    down = [cos(pi * j * (y + 0.5) / height) * scale for y in range(height)]
    waves = [a * d for d in down for a in across]
    return tuple(
        sum(wave * pixel[c] for wave, pixel in zip(waves, pixels, strict=True)) for c in range(3)
    )


def _quantised(value: float, largest: float) -> int:
    root = abs(value / largest) ** 0.5
    return max(0, min(18, int((root if value >= 0 else -root) * 9 + 9.5)))


def blurhash(image: Image.Image) -> str:
    """The blurhash of an image, 28 characters."""
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    raw = small.tobytes()
    pixels: list[Colour] = [
        tuple(_linear(value) for value in raw[at : at + 3]) for at in range(0, len(raw), 3)
    ]
    mean, *rest = (
        _part(pixels, small.width, small.height, i, j) for j in range(_DOWN) for i in range(_ACROSS)
    )
    most = max(abs(value) for part in rest for value in part)
    step = max(0, min(82, int(most * 166 - 0.5)))
    red, green, blue = (_srgb(value) for value in mean)
    text = _base83(_ACROSS - 1 + (_DOWN - 1) * 9, 1) + _base83(step, 1)
    text += _base83((red << 16) + (green << 8) + blue, 4)
    for part in rest:
        r, g, b = (_quantised(value, (step + 1) / 166) for value in part)
        text += _base83(r * 361 + g * 19 + b, 2)
    return text
