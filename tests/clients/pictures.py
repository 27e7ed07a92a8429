"""Pictures to upload: noise, so that they are some kB."""

import io
from typing import Any

from PIL import Image


def picture(kind: str, **how: Any) -> io.BytesIO:
    """A file of 80 × 60 pixels: `picture("PNG")`."""
    out = io.BytesIO()
    Image.effect_noise((80, 60), 64).convert("RGB").save(out, kind, **how)
    out.seek(0)
    return out


def animation(frames: int = 3) -> io.BytesIO:
    """A GIF that moves."""
    moving = [Image.effect_noise((40, 30), 64).convert("P") for _ in range(frames - 1)]
    return picture("GIF", save_all=True, append_images=moving)
