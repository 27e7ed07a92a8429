"""The one secret that the data hangs on: the key that signs sessions and seals OAuth 1.0a secrets.

Everything else that is secret is in the database (digests of tokens, sealed secrets), belongs to
one machine (the password of the embedded engines) or to the operator (the environment).
"""

import hmac
import os
from pathlib import Path

from django.conf import settings

from apps.ops.backups.folder import KEYS, SECRET_KEY, sync_folder, write_private

_PURPOSE = b"twitterlite backup: which key is it"
_MARK_LENGTH = 16
BEFORE = "secret_key.before-restore"


def mark_of(key: str) -> str:
    """By what a key is known again; tells nothing of it."""
    return hmac.digest(key.encode(), _PURPOSE, "sha256").hex()[:_MARK_LENGTH]


def key_file() -> Path | None:
    """Where the key lies; None when the environment gives it."""
    path: Path | None = settings.SECRET_KEY_FILE
    return path


def take_keys(folder: Path) -> bool:
    """Copy the key into a backup; whether there was one to copy."""
    path = key_file()
    if path is None:
        return False
    (folder / KEYS).mkdir(mode=0o700)
    write_private(folder / KEYS / SECRET_KEY, path.read_bytes())
    sync_folder(folder / KEYS)
    return True


def put_keys(folder: Path) -> str:
    """Make the key of a backup ours; one that was here is kept beside it. What was done, in words.

    The environment's key stays in force, whatever is restored.
    """
    path = key_file()
    if path is None:
        return "the key is that of DJANGO_SECRET_KEY"
    content = (folder / KEYS / SECRET_KEY).read_bytes()
    if path.exists():
        if path.read_bytes() == content:
            return "the same key as before"
        (path.parent / BEFORE).unlink(missing_ok=True)
        os.link(path, path.parent / BEFORE)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.restored")
    fresh.unlink(missing_ok=True)
    write_private(fresh, content)
    fresh.replace(path)
    sync_folder(path.parent)
    return f"{path}"
