"""Pictures for those who have none: drawn from parts in `sprite.svg`, the same for ever by id.

The sprite holds the shapes; the classes `b k h t` choose the colours (`static/css/app.css`).
"""

PEOPLE = 12
THINGS = 4
SCENES = 5
COVERED = 7
# Hair that stands out from each skin, and cloths for a covered head.
_HAIR = ("0123455", "0123455", "0125", "015", "05", "05")
_CLOTH = "6752"
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def mixed(number: int) -> int:
    """64 well-spread bits of an id: neighbours in time get different faces."""
    value = ((number & _MASK) * _GOLDEN) & _MASK
    value ^= value >> 29
    return (value * _GOLDEN & _MASK) ^ value >> 32


def face_of(user_id: int) -> tuple[str, str]:
    """Symbol in the sprite and colour classes of a user's picture; one in nine is a thing."""
    bits = mixed(user_id)
    person = bits % 9 != 0
    shape = bits // 9 % PEOPLE if person else PEOPLE + bits // 9 % THINGS
    ground, skin = bits >> 20 & 7, (bits >> 23) % 6
    hairs = _CLOTH if shape == COVERED else _HAIR[skin]
    hair, top = hairs[(bits >> 33) % len(hairs)], (bits >> 43) % 6
    if not person:
        return f"f{shape}", f"o{shape - PEOPLE} t{top}"
    return f"f{shape}", f"b{ground} k{skin} h{hair} t{top}"


def scene_of(user_id: int) -> int:
    """Number of the banner scene of a user."""
    return (mixed(user_id) >> 50) % SCENES
