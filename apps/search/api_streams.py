"""/2/tweets/search/stream, its rules, and /2/tweets/sample/stream."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse
from ninja import Body, Query, Router, Schema
from pydantic import ConfigDict, Field

from apps.infra import clock
from apps.infra.errors import Conflict, Invalid
from apps.infra.stores import aiopostgres, invalidation
from apps.infra.web import envelope, pagination, problems
from apps.infra.web.params import Id, IdList, Paging, between
from apps.infra.web.threads import in_thread
from apps.search import services_rules, streams
from apps.search.services_rules import Refused, Rule
from apps.tweets.rendering import TweetFields, TweetSelection
from apps.users.auth import caller_of_token
from apps.users.bearer import PublicRequest, reads, token_of

router = Router(tags=["Streams"])
MAX_AT_ONCE = 1_000
_RULES = """
select id, value, tag from stream_rules
 where owner_id = %s and id > %s and (%s or id = any(%s::bigint[])) order by id limit %s
"""


class NoRules(Conflict):
    """A filtered stream of nothing."""

    code = "no_rules"


class _Stream(TweetFields):
    """What a stream tells of each tweet."""

    backfill_minutes: between(0, 5) = 0  # type: ignore[valid-type]


class _RulePage(Paging):
    """Which rules."""

    ids: IdList | None = None
    max_results: between(1, 1000) = 1000  # type: ignore[valid-type]


class _Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class NewRule(_Strict):
    """A rule to add."""

    value: str
    tag: str = ""


class GoneRules(_Strict):
    """Rules to remove."""

    ids: list[Id] = Field(default=[], max_length=MAX_AT_ONCE)
    values: list[str] = Field(default=[], max_length=MAX_AT_ONCE)


class RulesIn(_Strict):
    """Either of both."""

    add: list[NewRule] | None = Field(None, max_length=MAX_AT_ONCE)
    delete: GoneRules | None = None


class _How(Schema):
    """How to change rules."""

    dry_run: bool = False


def _owner(request: PublicRequest) -> int:
    """Whose rules: the application's, or those of an account whose token belongs to none."""
    application_id = request.auth.application_id
    return application_id if application_id is not None else -(request.auth.viewer_id or 0)


async def _rules(
    owner_id: int, *, after_id: int = 0, ids: Sequence[int] | None = None, limit: int
) -> list[Rule]:
    chosen = list(ids or ())
    rows = await aiopostgres.fetch(_RULES, (owner_id, after_id, ids is None, chosen, limit))
    return [Rule(id=rule_id, value=value, tag=tag) for rule_id, value, tag in rows]


def _shown(rule: Rule) -> bytes:
    told = {"id": str(rule.id), "value": rule.value}
    return orjson.dumps(told | ({"tag": rule.tag} if rule.tag else {}))


def _meta(**more: Any) -> dict[str, Any]:
    return {"sent": envelope.timestamp(clock.now()), **more}


@router.get("/tweets/search/stream/rules", auth=reads(), summary="The rules of the stream")
async def rules(request: PublicRequest, wanted: Query[_RulePage]) -> HttpResponse:
    """Oldest first."""
    position = wanted.position()
    found = await _rules(
        _owner(request),
        after_id=position.id if position else 0,
        ids=wanted.ids,
        limit=wanted.max_results + 1,
    )
    shown = found[: wanted.max_results]
    meta = _meta(result_count=len(shown))
    if len(found) > len(shown):
        meta["next_token"] = pagination.encode("n", shown[-1].id)
    return envelope.response(envelope.many([_shown(rule) for rule in shown], meta=meta))


@router.post("/tweets/search/stream/rules", auth=reads(), summary="Add or remove rules")
async def change_rules(
    request: PublicRequest, body: Body[RulesIn], how: Query[_How]
) -> HttpResponse:
    """`{"add": […]}` or `{"delete": {"ids": […]}}`; with `dry_run` nothing is changed."""
    owner_id = _owner(request)
    if body.add and body.delete is None:
        wanted = [(rule.value, rule.tag) for rule in body.add]
        made, refused = await in_thread(
            services_rules.add_rules, owner_id=owner_id, wanted=wanted, dry_run=how.dry_run
        )
        return _added(made, refused)
    if body.delete is not None and not body.add and (body.delete.ids or body.delete.values):
        asked = body.delete
        gone = await in_thread(
            services_rules.delete_rules,
            owner_id=owner_id,
            ids=asked.ids,
            values=asked.values,
            dry_run=how.dry_run,
        )
        lost = [str(one) for one in asked.ids if one not in gone]
        summary = {"deleted": len(gone), "not_deleted": len(lost)}
        errors = [envelope.missing("rule", "ids", one) for one in lost]
        return envelope.response(envelope.many([], meta=_meta(summary=summary), errors=errors))
    raise Invalid('Send either {"add": [...]} or {"delete": {"ids": [...]}}.', field="add")


def _added(made: list[Rule], refused: list[Refused]) -> HttpResponse:
    wrong = [one for one in refused if one.known_id is None]
    summary = {
        "created": len(made),
        "not_created": len(refused),
        "valid": len(made) + len(refused) - len(wrong),
        "invalid": len(wrong),
    }
    errors = [_error(one) for one in refused]
    meta = _meta(summary=summary)
    if wrong and len(wrong) == len(refused) and not made:
        return _nothing_added(errors, meta)
    content = envelope.many([_shown(rule) for rule in made], meta=meta, errors=errors)
    return envelope.response(content, status=201)


def _nothing_added(errors: list[dict[str, Any]], meta: dict[str, Any]) -> HttpResponse:
    """A problem as any other, and the summary beside it, which clients read first."""
    told = [{**one, "message": f"{one['title']}: {one['detail']}"} for one in errors]
    found = problems.problem(
        400, problems.INVALID_DETAIL, kind=problems.INVALID_REQUEST, errors=told
    )
    body = orjson.dumps(orjson.loads(found.body) | {"meta": meta})
    return problems.Problem(found.status, body).response()


def _error(one: Refused) -> dict[str, Any]:
    if one.known_id is not None:
        kind, title = "duplicate-rules", "DuplicateRule"
        known = {"id": str(one.known_id)}
    else:
        kind, title, known = "invalid-rules", "Invalid Rule", {}
    return {
        "value": one.value,
        **known,
        "details": [one.reason],
        "detail": one.reason,
        "title": title,
        "type": problems.TYPES + kind,
    }


@router.get("/tweets/search/stream", auth=reads(), summary="Tweets that fit the rules, live")
async def search_stream(request: PublicRequest, wanted: Query[_Stream]) -> StreamingHttpResponse:
    """One tweet in each line, ended by CR LF; an empty line at least every 20 seconds."""
    owner_id = _owner(request)
    if not await _rules(owner_id, limit=1):
        raise NoRules("There are no rules. Add one at /2/tweets/search/stream/rules.")
    return await _open(request, owner_id, wanted.selection(), wanted.backfill_minutes)


@router.get("/tweets/sample/stream", auth=reads(), summary="About one in a hundred tweets, live")
async def sample_stream(request: PublicRequest, wanted: Query[_Stream]) -> StreamingHttpResponse:
    """One tweet in each line, ended by CR LF; an empty line at least every 20 seconds."""
    return await _open(request, None, wanted.selection(), wanted.backfill_minutes)


async def _open(
    request: PublicRequest, owner_id: int | None, selection: TweetSelection, minutes: int
) -> StreamingHttpResponse:
    token = token_of(request.META.get("HTTP_AUTHORIZATION"))
    hub, connection = streams.hub(), streams.Connection(owner_id=owner_id, selection=selection)
    connection.caller = _owner(request)

    async def is_allowed() -> bool:
        await invalidation.catch_up()
        return await caller_of_token(token) is not None

    connection.digest, connection.is_allowed = request.auth.digest, is_allowed
    await hub.open(connection)
    vars(request)["scope"]["is_endless"] = True
    response = StreamingHttpResponse(
        streams.lines(connection, backfill_minutes=minutes),
        content_type="application/json; charset=utf-8",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
    response._resource_closers.append(lambda: hub.close(connection))  # type: ignore[attr-defined]
    return response
