"""Types of parameters that every part of the API shares; each says in X's words what is wrong."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from ninja import Schema
from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from apps.infra import ids
from apps.infra.web import pagination

MAX_LIST = 100
MAX_ID_DIGITS = 19
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def wrong(name: str, sent: object, rule: str) -> PydanticCustomError:
    """The error for one value of one parameter."""
    text = str(sent)[:256].encode("utf-8", "replace").decode()
    return PydanticCustomError(
        "bad_value",
        "The `{name}` parameter value [{sent}] is not {rule}",
        {"name": name, "sent": text, "rule": rule},
    )


def _name(info: ValidationInfo) -> str:
    return (info.field_name or "").replace("_fields", ".fields")


def _id(value: Any, info: ValidationInfo) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        number = int(value) if len(value) <= MAX_ID_DIGITS else pagination.MAX_ID + 1
        if number <= pagination.MAX_ID:
            return number
    raise wrong(_name(info), value, "a valid id: ^[0-9]{1,19}$")


def words_in(value: Any, info: ValidationInfo) -> list[str]:
    """`a,b` or `["a", "b,c"]` (a repeated parameter), 1 to 100 words, each once, in order."""
    given = value if isinstance(value, list) else [value]
    words = [word for part in given for word in str(part).split(",")]
    if len(words) > MAX_LIST:
        raise wrong(_name(info), f"{len(words)} values", f"a list of 1 to {MAX_LIST}")
    return list(dict.fromkeys(words))


def _ids(value: Any, info: ValidationInfo) -> list[int]:
    return list(dict.fromkeys(_id(word, info) for word in words_in(value, info)))


def _between(low: int, high: int) -> Callable[[Any, ValidationInfo], int]:
    def check(value: Any, info: ValidationInfo) -> int:
        text = str(value)
        if text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS:
            number = int(text)
            if low <= number <= high:
                return number
        raise wrong(_name(info), value, f"between {low} and {high}")

    return check


def _moment(value: Any, info: ValidationInfo) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise wrong(_name(info), value, "a time: YYYY-MM-DDTHH:mm:ssZ")


def words_of(allowed: Iterable[str]) -> Any:
    """A comma-joined list of known words, kept as a string; unknown ones are refused."""
    known = frozenset(allowed)

    def check(value: Any, info: ValidationInfo) -> str:
        words = [word for word in words_in(value, info) if word]
        for word in words:
            if word not in known:
                raise wrong(_name(info), word, f"one of [{','.join(sorted(known))}]")
        return ",".join(words)

    schema = {"type": "array", "items": {"type": "string", "enum": sorted(known)}}
    return Annotated[str, BeforeValidator(check), WithJsonSchema(schema)]


def between(low: int, high: int) -> Any:
    """A whole number in a range."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Annotated[int, BeforeValidator(_between(low, high)), WithJsonSchema(schema)]


_ID_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,19}$"}
Id = Annotated[int, BeforeValidator(_id), WithJsonSchema(_ID_SCHEMA)]
IdList = Annotated[
    list[int],
    BeforeValidator(_ids),
    WithJsonSchema({"type": "array", "items": _ID_SCHEMA, "minItems": 1, "maxItems": MAX_LIST}),
]


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


Query = TypeVar("Query", bound=BaseModel)


# Longer query strings are parsed each time, so that nobody fills the memory with them.
MAX_KEPT_QUERY = 2_048


def parsed(model: type[Query], query: str) -> Query:
    """A query string as a model, not to be changed: the same ones come again and again.

    Of a parameter that comes twice, the last counts.

    Raises:
        ValidationError.
    """
    return _kept(model, query) if len(query) <= MAX_KEPT_QUERY else _parsed(model, query)


def _parsed(model: type[Query], query: str) -> Query:
    return model.model_validate(dict(parse_qsl(query, keep_blank_values=True)))


_kept = lru_cache(maxsize=4_096)(_parsed)


@lru_cache(maxsize=65_536)
def id_of(text: str) -> int:
    """The id of a path. Raises ValidationError."""
    return OwnerId.model_validate({"id": text}).id


class OwnerId(Schema):
    """The id of a path."""

    id: Id


class Window(Schema):
    """Which part of a list of tweets: ids or times, newest first."""

    since_id: Id | None = Field(None, description="Only newer than this one.")
    until_id: Id | None = Field(None, description="Only older than this one.")
    start_time: Moment | None = Field(None, description="Not before: YYYY-MM-DDTHH:mm:ssZ.")
    end_time: Moment | None = Field(None, description="Before: YYYY-MM-DDTHH:mm:ssZ.")

    def bounds(self) -> tuple[int | None, int | None]:
        """The window as ids: (after_id, before_id), both exclusive; None is open."""
        after, before = self.since_id, self.until_id
        if self.start_time is not None:
            after = max(after or 0, _lowest_id(self.start_time) - 1)
        if self.end_time is not None:
            end = _lowest_id(self.end_time)
            before = end if before is None else min(before, end)
        return after, before


def _lowest_id(moment: datetime) -> int:
    milliseconds = int(moment.timestamp() * 1000)
    return max(0, min(ids.at_ms(max(milliseconds, ids.EPOCH_MS)), pagination.MAX_ID))


class Paging(Schema):
    """Where a page begins; both names of the token mean the same."""

    pagination_token: str | None = None
    next_token: str | None = None

    def position(self) -> pagination.Position | None:
        """The page that the token names, None for the first.

        Raises:
            BadPageToken: the token was not made here.
        """
        token = self.pagination_token or self.next_token
        return pagination.decode(token) if token else None
