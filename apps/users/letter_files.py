"""Letters as files, for a machine without a mail server; only its owner may read them."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail.backends.filebased import EmailBackend as FileBackend


class EmailBackend(FileBackend):
    """Django's, in a folder that is closed to others: letters hold links that open accounts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        folder = Path(kwargs.get("file_path") or settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(*args, **kwargs)
