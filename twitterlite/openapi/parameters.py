"""Parameters as OpenAPI has them: what the models say, and a sentence for those that lack one."""

import re
from typing import Any

from apps.tweets.rendering import TWEET_FIELDS

_PAGE = "Where to go on: `next_token` or `previous_token` of an answer, as it came."
_FIELDS = "What to tell of each {thing}, besides what always comes."
TEXTS = {
    "ids": "1 to 100 ids.",
    "usernames": "1 to 100 names.",
    "user_ids": "1 to 100 ids of accounts.",
    "state": "Those that go on, are announced, or both.",
    "username": "A name, without the @, in any letter case.",
    "max_results": "How many at most.",
    "pagination_token": _PAGE,
    "next_token": _PAGE + " Means the same as `pagination_token`.",
    "tweet.fields": _FIELDS.format(thing="tweet"),
    "user.fields": _FIELDS.format(thing="account"),
    "list.fields": _FIELDS.format(thing="list"),
    "media.fields": _FIELDS.format(thing="picture"),
    "poll.fields": _FIELDS.format(thing="poll"),
    "trend.fields": "What to tell of each trend; everything, without it.",
    "personalized_trend.fields": "What to tell of each trend; everything, without it.",
    "woeid": "The number of a place (Where On Earth): 1 is the world, else a country.",
    "max_trends": "How many at most.",
    "expansions": "What to send along under `includes`.",
    "exclude": "What to leave out.",
    "media_keys": "1 to 100 keys.",
    "media_key": "The key of a picture: `3_<id>`.",
    "media_id": "The id of the upload.",
    "command": "Always STATUS.",
    "granularity": "How long a bucket is.",
    "dry_run": "Only say what would happen.",
    "backfill_minutes": "How many minutes back the stream begins.",
    "Idempotency-Key": "Your own name for this request: said again, it gives the first answer.",
    "user_id": "The id of an account.",
    "tweet_id": "The id of a tweet.",
    "list_id": "The id of a list.",
    "source_tweet_id": "The id of the tweet that was retweeted.",
    "source_user_id": "Your own account's id.",
    "target_user_id": "The id of the other account.",
}
_KINDS = {
    "users": "an account",
    "spaces": "a space",
    "tweets": "a tweet",
    "lists": "a list",
    "upload": "the upload",
}


def completed(path: str, parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parameters of a path, each with its place, shape and a sentence, and none missing."""
    made = [_one(path, plain(one)) for one in parameters]
    named = {one["name"] for one in made}
    lacking = [name for name in re.findall(r"{(\w+)}", path) if name not in named]
    return [_one(path, _of_path(name)) for name in lacking] + made


def _of_path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": "^[0-9]{1,19}$"}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _one(path: str, one: dict[str, Any]) -> dict[str, Any]:
    schema = one["schema"]
    one["description"] = one.get("description") or schema.pop("description", "") or _text(path, one)
    schema.pop("description", None)
    if one["in"] == "query" and schema.get("type") == "array":
        # Comma-joined; the default of a list is text inside.
        one |= {"style": "form", "explode": False}
        schema.pop("default", None)
        if one["name"] == "tweet.fields":
            schema["items"]["enum"] = sorted(TWEET_FIELDS)
    return one


def _text(path: str, one: dict[str, Any]) -> str:
    if one["name"] != "id":
        return TEXTS.get(one["name"], "")
    before = path.split("/{id}", maxsplit=1)[0].rpartition("/")[2]
    return f"The id of {_KINDS.get(before, 'it')}."


def plain(value: Any, *, is_sent: bool = False) -> Any:
    """Without the titles that models give everything.

    Args:
        is_sent: a body, in which what may be left out may be null as well; else null is left out.
    """
    if isinstance(value, list):
        return [plain(one, is_sent=is_sent) for one in value]
    if not isinstance(value, dict):
        return value
    kinds = value.get("anyOf")
    if isinstance(kinds, list) and _NULL in kinds and len(kinds) == 2:  # noqa: PLR2004
        (kept,) = [one for one in kinds if one != _NULL]
        rest = {name: one for name, one in value.items() if name not in {"anyOf", "default"}}
        if is_sent:
            either = [plain({**kept, **_limits(rest)}, is_sent=True), _NULL]
            return {**plain(_texts(rest), is_sent=True), "anyOf": either}
        return plain({**kept, **rest})
    return {
        name: plain(one, is_sent=is_sent)
        for name, one in value.items()
        if not (name == "title" and isinstance(one, str))
    }


_NULL = {"type": "null"}
_TEXTS = frozenset({"title", "description", "examples"})


def _texts(described: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in described.items() if name in _TEXTS}


def _limits(described: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in described.items() if name not in _TEXTS}
