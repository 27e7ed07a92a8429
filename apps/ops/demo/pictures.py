"""Pictures of the demo world, drawn: a night sky, a ferry, tiles, a map. Bytes of PNG files."""

import io
import math
import random

from PIL import Image, ImageDraw, ImageFilter

_SIZE = (1200, 750)
Colour = tuple[int, int, int]


def night_sky(dice: random.Random) -> bytes:
    """The band of the Milky Way over hills, and an observatory's dome."""
    picture = _gradient((10, 20, 46), (36, 72, 107), (202, 138, 96))
    glow = Image.new("L", _SIZE, 0)
    band = ImageDraw.Draw(glow)
    for _ in range(260):
        x = dice.gauss(0, 1)
        along, radius = dice.random(), dice.randint(14, 60)
        at = (430 + along * 520 + x * 60, 640 - along * 760 + x * 30)
        band.ellipse(_around(at, radius), fill=dice.randint(60, 130))
    glow = glow.filter(ImageFilter.GaussianBlur(38)).point(lambda level: level * 0.62)
    picture.paste(Image.new("RGB", _SIZE, (205, 200, 214)), mask=glow)
    draw = ImageDraw.Draw(picture)
    for _ in range(420):
        at = (dice.randrange(_SIZE[0]), int(dice.random() ** 1.6 * 560))
        draw.ellipse(_around(at, dice.choice((0.6, 0.8, 1.0, 1.8))), fill=(240, 240, 250))
    _hills(draw, dice, top=560, colour=(30, 50, 72))
    draw.pieslice((828, 524, 928, 624), 180, 360, fill=(233, 238, 240))
    draw.rectangle((828, 573, 928, 640), fill=(222, 229, 232))
    draw.polygon(((872, 522), (894, 526), (886, 576), (868, 576)), fill=(20, 33, 52))
    _hills(draw, dice, top=630, colour=(14, 26, 36))
    return _png(picture)


def ferry(dice: random.Random) -> bytes:
    """A small ferry under a low sun."""
    picture = _gradient((247, 214, 178), (238, 220, 196), (170, 205, 198))
    draw = ImageDraw.Draw(picture)
    draw.ellipse(_around((860, 240), 74), fill=(255, 243, 218))
    _hills(draw, dice, top=400, colour=(112, 168, 172), height=12)
    draw.polygon(((400, 452), (742, 452), (700, 530), (446, 530)), fill=(32, 52, 60))
    draw.rectangle((470, 392, 660, 452), fill=(244, 241, 232))
    draw.rectangle((500, 352, 600, 392), fill=(244, 241, 232))
    draw.polygon(((610, 392), (650, 392), (646, 312), (616, 312)), fill=(178, 62, 44))
    for x in range(486, 640, 34):
        draw.rectangle((x, 408, x + 18, 426), fill=(92, 142, 148))
    for number, colour in enumerate(((88, 152, 158), (58, 122, 132), (36, 92, 104), (24, 70, 84))):
        _hills(draw, dice, top=508 + number * 62, colour=colour, height=14)
    return _png(picture)


def tiles(dice: random.Random) -> bytes:
    """A wall of painted tiles; another pattern with other dice."""
    side, blue, light = 150, (38, 78, 148), (242, 240, 232)
    accents = ((226, 172, 62), (60, 128, 122), (196, 88, 60))
    accent = dice.choice(accents)
    tile = Image.new("RGB", (side * 4, side * 4), light)
    draw = ImageDraw.Draw(tile)
    full, half = side * 4, side * 2
    reach = dice.choice((200, 240, 280))
    for corner in ((0, 0), (full, 0), (0, full), (full, full)):
        draw.ellipse(_around(corner, reach), fill=blue)
        draw.ellipse(_around(corner, reach - 56), fill=light)
        draw.ellipse(_around(corner, reach - 110), fill=accent)
    petals = dice.choice((4, 8))
    for number in range(petals):
        turn = math.tau * number / petals
        tip = (half + math.cos(turn) * 190, half + math.sin(turn) * 190)
        left = (half + math.cos(turn + 0.35) * 96, half + math.sin(turn + 0.35) * 96)
        right = (half + math.cos(turn - 0.35) * 96, half + math.sin(turn - 0.35) * 96)
        draw.polygon((tip, left, (half, half), right), fill=blue)
    draw.ellipse(_around((half, half), 44), fill=accent)
    draw.rectangle((0, 0, full - 1, full - 1), outline=(208, 205, 194), width=6)
    tile = tile.resize((side, side), Image.Resampling.LANCZOS)
    wall = Image.new("RGB", (side * 6, side * 5))
    for x in range(6):
        for y in range(5):
            wall.paste(tile, (x * side, y * side))
    return _png(wall)


def harbour_map(dice: random.Random) -> bytes:
    """A map of a harbour: depths in steps of blue, land, a breakwater, soundings."""
    wide, high = _SIZE
    picture = Image.new("RGB", _SIZE, (198, 222, 226))
    draw = ImageDraw.Draw(picture)
    shades = ((176, 210, 217), (150, 196, 206), (214, 229, 226), (240, 232, 208), (232, 220, 188))
    waves = [(dice.uniform(0.004, 0.013), dice.uniform(0, 6), dice.uniform(12, 46)) for _ in "abc"]
    for number, shade in enumerate(shades):
        edge = 250 + number * 78
        coast = [
            (x, edge + sum(math.sin(x * k + p + number * 0.2) * a for k, p, a in waves))
            for x in range(0, wide + 12, 12)
        ]
        draw.polygon([*coast, (wide, high), (0, high)], fill=shade)
        draw.line(coast, fill=(120, 150, 150) if number < 3 else (150, 132, 96), width=2)  # noqa: PLR2004
    draw.line(((250, 560), (330, 330), (520, 270)), fill=(92, 84, 70), width=12, joint="curve")
    draw.ellipse(_around((520, 270), 14), fill=(178, 62, 44))
    for place in range(78):
        at = (30 + place % 13 * 90 + dice.randrange(50), 24 + place // 13 * 46 + dice.randrange(26))
        draw.text(at, str(dice.randrange(4, 32)), fill=(70, 108, 118), font_size=17)
    for step in range(0, wide, 40):
        draw.rectangle((step, 0, step + 20, 7), fill=(40, 60, 64))
    return _png(picture)


def _gradient(*colours: Colour) -> Image.Image:
    column = Image.new("RGB", (1, len(colours)))
    for row, colour in enumerate(colours):
        column.putpixel((0, row), colour)
    return column.resize(_SIZE, Image.Resampling.BICUBIC)


def _hills(
    draw: ImageDraw.ImageDraw, dice: random.Random, *, top: int, colour: Colour, height: int = 46
) -> None:
    one, two, shift = dice.uniform(60, 90), dice.uniform(150, 220), dice.uniform(0, 6)
    line = [
        (x, top + math.sin(x / one + shift) * height * 0.3 + math.sin(x / two - shift) * height)
        for x in range(0, _SIZE[0] + 10, 10)
    ]
    draw.polygon([*line, _SIZE, (0, _SIZE[1])], fill=colour)


def _around(at: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    x, y = at
    return (x - radius, y - radius, x + radius, y + radius)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
