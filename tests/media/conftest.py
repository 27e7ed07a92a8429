"""Pictures for tests, made on the spot, and a folder that is empty before each."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from apps.media.store import FolderStore, store

IMAGES = "adversarial/images"


def picture(kind: str = "JPEG", *, size: tuple[int, int] = (64, 48), **how: Any) -> bytes:
    """A small picture, different in each corner."""
    image = Image.new("RGB", size, "navy")
    image.paste("gold", (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def animation(*, frames: int = 3, size: tuple[int, int] = (20, 10)) -> bytes:
    """An animated GIF, each frame of its own colour."""
    images = [Image.new("RGB", size, (40 * (n % 6), 255 - n % 250, 90)) for n in range(frames)]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=70, loop=0)
    return out.getvalue()


def zipped() -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.txt", "hello from the tail")
    return out.getvalue()


def multipart(**fields: bytes | str) -> tuple[bytes, str]:
    """A body and its content type; like twitter-api-v2, without file names."""
    mark = "xYzZY"
    parts = []
    for name, value in fields.items():
        content = value.encode() if isinstance(value, str) else value
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


@pytest.fixture
def files(world: None) -> FolderStore:
    """The store, empty."""
    found = store()
    for media_id in list(found.ids()):
        found.remove_all(media_id)
    return found


def images_or_none() -> Path | None:
    """The folder of hostile and odd pictures, if it is here."""
    given = os.environ.get("TWITTERLITE_CORPUS")
    root = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    return root / IMAGES if (root / IMAGES).is_dir() else None


@pytest.fixture(scope="session")
def images() -> Path:
    """The folder of hostile and odd pictures."""
    found = images_or_none()
    if found is None:
        pytest.skip("no corpus: neither TWITTERLITE_CORPUS nor ../shared/data")
    return found


def path_of(url: str) -> str:
    """The path of an address of ours."""
    assert url.startswith(settings.PUBLIC_URL + "/media/")
    return url.removeprefix(settings.PUBLIC_URL)
