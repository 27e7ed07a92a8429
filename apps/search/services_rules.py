"""Rules of filtered streams: adding and removing them."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import redis
from django.db import transaction

from apps.infra.ids import next_ids
from apps.search import store
from apps.search.models import MAX_RULE, MAX_TAG, StreamRule
from apps.search.query.errors import QueryError
from apps.search.query.parser import parse

MAX_RULES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it is stored, or would be."""

    id: int
    value: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A rule that was not added. `known_id` is that of the same rule, where it is a duplicate."""

    value: str
    reason: str
    known_id: int | None = None


@transaction.atomic
def add_rules(
    *, owner_id: int, wanted: Sequence[tuple[str, str]], dry_run: bool = False
) -> tuple[list[Rule], list[Refused]]:
    """Add rules (value, tag); those that are wrong, there already or too many are told.

    Args:
        dry_run: only say what would happen.
    """
    # One at a time per owner: together they must not come over the limit.
    held = {
        (rule.value, rule.tag): rule.id
        for rule in StreamRule.objects.select_for_update().filter(owner_id=owner_id)
    }
    made: list[Rule] = []
    refused: list[Refused] = []
    for (value, tag), new_id in zip(wanted, next_ids(len(wanted)) if wanted else (), strict=True):
        reason = _wrong(value, tag)
        if (known := held.get((value, tag))) is not None:
            refused.append(Refused(value=value, reason="It exists already.", known_id=known))
        elif reason or len(held) >= MAX_RULES:
            limit = f"An application has at most {MAX_RULES} rules."
            refused.append(Refused(value=value, reason=reason or limit))
        else:
            held[value, tag] = new_id
            made.append(Rule(id=new_id, value=value, tag=tag))
    if made and not dry_run:
        StreamRule.objects.bulk_create(
            [StreamRule(id=r.id, owner_id=owner_id, value=r.value, tag=r.tag) for r in made],
            ignore_conflicts=True,
        )
        transaction.on_commit(_tell)
    return made, refused


def _wrong(value: str, tag: str) -> str:
    """What is wrong with a rule; empty for nothing."""
    if len(tag) > MAX_TAG or "\x00" in tag:
        return f"A tag has at most {MAX_TAG} characters."
    try:
        parse(value, max_length=MAX_RULE)
    except QueryError as error:
        return error.detail
    return ""


@transaction.atomic
def delete_rules(
    *, owner_id: int, ids: Collection[int], values: Collection[str], dry_run: bool = False
) -> list[int]:
    """Remove rules by id or by value; the ids of those that were there."""
    own = StreamRule.objects.filter(owner_id=owner_id)
    # No rule holds NUL, and PostgreSQL does not even compare with it.
    wanted = [value for value in values if "\x00" not in value]
    found = own.filter(id__in=list(ids)) | own.filter(value__in=wanted)
    gone = list(found.order_by("id").values_list("id", flat=True))
    if gone and not dry_run:
        own.filter(id__in=gone).delete()
        transaction.on_commit(_tell)
    return gone


def _tell() -> None:
    # Redis away: streams are silent too, and read the rules when it is back.
    with contextlib.suppress(redis.RedisError):
        store.tell_rules()
