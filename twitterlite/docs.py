"""The API described: /2/openapi.json for programs, /docs/api for people.

The reference is drawn from the description on the server; what does not depend on the reader is
drawn once.
"""

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from apps.infra.resilience import rules
from apps.infra.web import pages
from apps.users.permissions import OPERATIONS, SCOPES
from twitterlite import not_offered
from twitterlite.openapi import examples
from twitterlite.openapi.answers import ANSWERS
from twitterlite.openapi.document import schema, schema_json
from twitterlite.openapi.errors import MEANINGS
from twitterlite.openapi.reference import anchor_of, body_of, fields, parameters_of, ticked

ADDRESS = "/docs/api"
QUICK_START = Path(__file__).parent / "openapi" / "quickstart"
# What a step is, and the file that a test runs.
STEPS = {
    "token": "1-token.sh",
    "read": "2-read.sh",
    "ask": "3-ask.sh",
    "person": "4-person.sh",
    "post": "5-post.sh",
    "tweepy": "tweepy.py.txt",
}
# In the order in which people meet them.
GROUPS = (
    "Tweets", "Timelines", "Search", "Users", "Follows", "Lists", "Bookmarks", "Media", "Streams",
    "Trends", "Spaces", "Tokens",
)  # fmt: skip


async def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 description."""
    return HttpResponse(schema_json(), content_type="application/json")


async def moved(request: HttpRequest) -> HttpResponse:
    """Where the page was before."""
    return HttpResponsePermanentRedirect(ADDRESS)


@pages.everyone
async def page(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The reference."""
    return pages.page(request, "docs/api.html", viewer, {"reference": _reference()})


@cache
def _reference() -> SafeString:
    """All of the page that is the same for everybody."""
    groups = grouped()
    context = {
        "groups": groups,
        "count": sum(len(entries) for entries in groups.values()),
        "steps": {name: (QUICK_START / file).read_text().strip() for name, file in STEPS.items()},
        "scopes": {word: text for word, text in SCOPES.items() if word in _needed()},
        "limits": _limits(),
        "fields": fields(),
        "statuses": {status: ticked(text) for status, text in MEANINGS.items()},
        "missing": not_offered.TABLE,
    }
    # The template has escaped what it was given.
    return mark_safe(render_to_string("docs/reference.html", context))  # noqa: S308


def _limits() -> list[dict[str, Any]]:
    """The rows of the table: groups of operations that are offered, and what others fall under."""
    return [
        {
            "what": one.what,
            "person": one.person,
            "application": one.application,
            "within": rules.PERSON[one.name].window,
        }
        for one in rules.TABLE
        if not one.operations or any(name in ANSWERS for name in one.operations)
    ]


def _needed() -> set[str]:
    return {
        "offline.access",
        *(
            scope
            for name, permission in OPERATIONS.items()
            if name not in not_offered.NAMES
            for scope in permission.scopes
        ),
    }


def grouped() -> dict[str, list[dict[str, Any]]]:
    """The operations by group, in the order of the page."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            found.setdefault(operation["tags"][0], []).append(_entry(name, operation))
    order = {name: number for number, name in enumerate(ANSWERS)}
    for entries in found.values():
        entries.sort(key=lambda one: order.get(f"{one['method']} {one['path']}", len(order)))
    return found


def _entry(name: str, operation: dict[str, Any]) -> dict[str, Any]:
    method, path = name.split(" ")
    permission = OPERATIONS.get(name)
    return {
        "method": method,
        "path": path,
        "anchor": anchor_of(name),
        "summary": operation["summary"],
        "text": ticked(operation["description"]),
        "scopes": sorted(permission.scopes) if permission else [],
        "who": _who(operation),
        "parameters": parameters_of(operation),
        "body": body_of(operation),
        "curl": examples.curl(name),
        "answer": examples.answer(name),
        "status": examples.status(name),
        "statuses": [int(one) for one in operation["responses"]],
    }


def _who(operation: dict[str, Any]) -> str:
    ways = {kind for way in operation["security"] for kind in way}
    if "BearerToken" in ways:
        return "People and applications by themselves"
    if ways >= {"OAuth2UserToken"}:
        return "People"
    if "UserToken" in ways:
        return "Applications, signed by OAuth 1.0a"
    return "Applications, with their id and secret" if "Basic" in ways else "A person's browser"
