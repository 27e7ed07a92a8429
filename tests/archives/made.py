"""Archives made up for tests, in the forms of each generation."""

import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.infra import clock, ids

NOON = datetime(2021, 5, 4, 12, tzinfo=UTC)
OWNER_ON_X = 777_000_111


def post_id(minute: int = 0, *, at: datetime = NOON) -> int:
    """An id of X's of so many minutes after a moment."""
    return ids.at_ms(clock.to_ms(at) + minute * 60_000) | 5


def said_at(tweet_id: int) -> str:
    """The time of an id in X's form."""
    return ids.created_at_of(tweet_id).strftime("%a %b %d %H:%M:%S +0000 %Y")


def tweet(minute: int = 0, text: str = "hello", **more: Any) -> dict[str, Any]:
    """A post as YTD archives have it: every number is text."""
    tweet_id = more.pop("id", post_id(minute))
    return {
        "id": str(tweet_id),
        "id_str": str(tweet_id),
        "full_text": text,
        "created_at": said_at(tweet_id) if tweet_id > 10**12 else more.pop("created_at"),
        "lang": "en",
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "entities": {"urls": [], "hashtags": [], "symbols": [], "user_mentions": []},
        **more,
    }


def photo(tweet_id: int, key: str = "KEY1", *, link: str = "https://t.co/pic1") -> dict[str, Any]:
    """What a post says of a picture."""
    return {
        "url": link,
        "expanded_url": f"https://twitter.com/me/status/{tweet_id}/photo/1",
        "media_url_https": f"https://pbs.twimg.com/media/{key}.jpg",
        "type": "photo",
    }


def js(name: str, elements: Sequence[Any]) -> str:
    """A file of a YTD archive."""
    return f"window.YTD.{name}.part0 = {json.dumps(elements, indent=2)}"


def ytd(
    folder: Path,
    tweets: Sequence[dict[str, Any]],
    *,
    kind: str = "tweets",
    count: int | None = None,
    more: dict[str, tuple[str, Any, int]] | None = None,
    files: dict[str, bytes | str] | None = None,
) -> Path:
    """A folder as X has made them since 2018.

    Args:
        kind: `tweets` since October 2022, `tweet` before.
        count: what the manifest says, if that is not the truth.
        more: further types: name → (file, elements, count).
        files: whatever else lies in it, by name.
    """
    types: dict[str, Any] = {
        kind: {
            "mediaDirectory": f"data/{kind}_media",
            "files": [_entry(f"data/{kind}.js", kind, len(tweets) if count is None else count)],
        }
    }
    contents: dict[str, bytes | str] = {
        f"data/{kind}.js": js(kind, [{"tweet": one} for one in tweets])
    }
    for name, (file, elements, number) in (more or {}).items():
        types.setdefault(name, {"files": []})["files"].append(_entry(file, name, number))
        contents[file] = elements if isinstance(elements, str) else js(name, elements)
    manifest = {
        "userInfo": {"accountId": str(OWNER_ON_X), "userName": "me_on_x", "displayName": "Me"},
        "archiveInfo": {"generationDate": "2022-11-01T10:00:00.000Z"},
        "dataTypes": types,
    }
    contents["data/manifest.js"] = f"window.__THAR_CONFIG = {json.dumps(manifest)}"
    return written(folder, contents | (files or {}))


def _entry(file: str, name: str, count: int) -> dict[str, str]:
    return {"fileName": file, "globalName": f"YTD.{name}.part0", "count": str(count)}


def written(folder: Path, contents: dict[str, bytes | str]) -> Path:
    """A folder with these files."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def zipped(folder: Path, *, inside: str = "") -> Path:
    """The same as a ZIP beside it; `inside` is a folder in it."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                archive.write(one, inside + one.relative_to(folder).as_posix())
    return path
