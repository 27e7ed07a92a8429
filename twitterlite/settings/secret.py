"""The key that signs sessions: given by the environment, else made once and kept in var/."""

import os
import secrets
from pathlib import Path


def secret_key(*, given: str, var_dir: Path) -> str:
    """The given key, or the one in `var/secret_key` (mode 0600), made on first use."""
    if given:
        return given
    path = var_dir / "secret_key"
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            # A link fails when another process was first; then its key counts.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
