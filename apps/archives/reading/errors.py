"""Why an archive is not read."""


class BadArchive(Exception):
    """The archive as a whole cannot be taken; `code` is stable, `about` names a file or number."""

    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(f"{code} {about}".strip())
        self.code = code
        self.about = about
