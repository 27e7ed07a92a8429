"""Parts of addresses."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class UsernameConverter(StringConverter):
    """A user name in an address."""

    regex = "[A-Za-z0-9_]{1,15}"


class IdConverter(StringConverter):
    """The id of a post: a positive number of 63 bits; longer ones do not fit any address."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        number = int(value)
        if number >= 1 << 63:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:  # type: ignore[override]
        return str(value)


register_converter(UsernameConverter, "username")
register_converter(IdConverter, "id")
