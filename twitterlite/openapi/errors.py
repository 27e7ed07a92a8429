"""What goes wrong, as JSON Schemas: problems (RFC 9457) and partial errors in X's words."""

from apps.infra.web import problems
from twitterlite.openapi.parts import COUNT, ID, TEXT, Schema, ref, said, some, thing

TYPE: Schema = {
    "type": "string",
    "pattern": "^(about:blank|https://api\\.(twitter|x)\\.com/2/problems/[a-z-]+)$",
    "description": "Which kind of problem this is.",
}
_PROBLEM = thing(
    {
        "title": TEXT,
        "detail": said(TEXT, "What happened and what to do, for a person."),
        "type": TYPE,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": said(TEXT, "A name for programs, that stays."),
        "request_id": said(TEXT, "Name it when you ask about this."),
        "errors": some({"anyOf": [ref("Mistake"), ref("RefusedRule")]}),
        "meta": said({"type": "object"}, "Where no rule of several was added: a summary."),
        "connection_issue": TEXT,
    },
    "title",
    "detail",
    "type",
    "status",
    text="Why a request was refused.",
)
_MISTAKE = thing(
    {
        "parameters": {
            "type": "object",
            "description": "Name → the values that were sent.",
            "additionalProperties": {"type": "array", "items": TEXT},
        },
        "message": TEXT,
        "position": said(COUNT, "Of a search query: where the mistake is, in code points."),
        "length": COUNT,
        "advice": TEXT,
    },
    "message",
    text="What is wrong with one parameter.",
)
_PARTIAL = thing(
    {
        "title": TEXT,
        "detail": TEXT,
        "type": TYPE,
        "value": TEXT,
        "parameter": said(TEXT, "Which parameter named the thing."),
        "resource_type": TEXT,
        "resource_id": TEXT,
        "section": {"type": "string", "enum": ["data", "includes"]},
    },
    "title",
    "detail",
    "type",
    "value",
    "parameter",
    "resource_type",
    "resource_id",
    text="One of the things that were asked for is not there for this reader.",
)
_REFUSED_RULE = thing(
    {
        "value": TEXT,
        "id": ID,
        "title": TEXT,
        "detail": TEXT,
        "details": some(TEXT),
        "message": TEXT,
        "type": TYPE,
    },
    "value",
    "title",
    "detail",
    "details",
    "type",
    text="A rule that was not added.",
)
_OAUTH = thing(
    {
        "error": {
            "type": "string",
            "enum": [
                "access_denied",
                "invalid_client",
                "invalid_grant",
                "invalid_request",
                "invalid_scope",
                "unauthorized_client",
                "unsupported_grant_type",
                "unsupported_response_type",
            ],
        },
        "error_description": TEXT,
    },
    "error",
    "error_description",
    text="An error of RFC 6749.",
)
_PROCESSING = thing(
    {
        "state": {"type": "string", "enum": ["pending", "in_progress", "succeeded", "failed"]},
        "check_after_secs": COUNT,
        "progress_percent": COUNT,
        "error": thing({"code": COUNT, "name": TEXT, "message": TEXT}, "code", "name", "message"),
    },
    "state",
    text="How far the work on an upload is.",
)

ERRORS: Schema = {
    "Problem": _PROBLEM,
    "Mistake": _MISTAKE,
    "PartialError": _PARTIAL,
    "RefusedRule": _REFUSED_RULE,
    "OAuthError": _OAUTH,
    "ProcessingInfo": _PROCESSING,
}

# What each status means here; the refusals of every operation are taken from this table.
MEANINGS = {
    400: "A parameter or the body makes no sense; `errors` says which and why.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The token lacks a scope, or this is not yours to do.",
    404: "What the request is about does not exist for this reader.",
    408: "The body did not come in time.",
    409: "It contradicts what is there already.",
    413: "The body is larger than what is taken.",
    415: "The body is not of a type that is read here.",
    429: "Too many requests; `Retry-After` and `x-rate-limit-reset` say when to come back.",
    503: "A part of the service does not answer; `Retry-After` says when to try again.",
}


def problem_response(status: int) -> Schema:
    """The description of one refusal."""
    made: Schema = {
        "description": MEANINGS[status],
        "content": {problems.CONTENT_TYPE: {"schema": ref("Problem")}},
        "headers": {},
    }
    if status in {429, 503}:
        made["headers"]["Retry-After"] = {
            "description": "Seconds.",
            "schema": COUNT,
            "required": True,
        }
    if status == 401:  # noqa: PLR2004
        made["headers"]["WWW-Authenticate"] = {"schema": TEXT, "required": True}
    return made
