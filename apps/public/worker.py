"""The service worker: a page for people who are offline, and nothing else.

It keeps the offline page, the style and the icons, fetched without cookies; no page of anybody's
is ever put away. Its version is a digest of what it keeps, so a new release replaces the old store.
"""

import functools
import hashlib
import json

from django.templatetags.static import static

from apps.infra.conf import BASE_DIR

OFFLINE = "/offline"
KEPT = ("css/app.css", "img/sprite.svg", "img/mark.svg")
_SCRIPT = BASE_DIR / "static" / "js" / "worker.js"


@functools.lru_cache(maxsize=1)
def script() -> str:
    """The script with the version and the list of what it keeps."""
    kept = [OFFLINE, *(static(one) for one in KEPT)]
    digest = hashlib.blake2b(digest_size=8)
    digest.update(_SCRIPT.read_bytes())
    for one in (*KEPT, "../templates/public/offline.html"):
        digest.update((BASE_DIR / "static" / one).read_bytes())
    values = json.dumps({"version": digest.hexdigest(), "offline": OFFLINE, "kept": kept})
    return f"const KEEP = {values};\n{_SCRIPT.read_text()}"
