"""Operations of X's API that this service does not have: they say so, and the docs list them.

One table: what it is → the operations. `{…}` stands for one part of a path.
"""

import re
from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse

from apps.infra.web import problems

METHODS = ("GET", "POST", "PUT", "DELETE")
TABLE: Mapping[str, tuple[str, ...]] = {
    "Direct messages": (
        "POST /2/dm_conversations",
        "GET /2/dm_conversations/media/{dm_id}/{media_id}/{resource_id}",
        "GET /2/dm_conversations/with/{participant_id}/dm_events",
        "POST /2/dm_conversations/with/{participant_id}/messages",
        "POST /2/dm_conversations/{dm_conversation_id}/messages",
        "GET /2/dm_conversations/{id}/dm_events",
        "GET /2/dm_events",
        "GET /2/dm_events/{event_id}",
        "DELETE /2/dm_events/{event_id}",
        "POST /2/users/{id}/dm/block",
        "POST /2/users/{id}/dm/unblock",
        "GET /2/users/public_keys",
        "GET /2/users/{id}/public_keys",
        "POST /2/users/{id}/public_keys",
    ),
    "Spaces": (
        "GET /2/spaces/{id}/buyers",
        "GET /2/spaces/{id}/tweets",
    ),
    "Communities": (
        "GET /2/communities/search",
        "GET /2/communities/{id}",
    ),
    "Compliance": (
        "GET /2/compliance/jobs",
        "POST /2/compliance/jobs",
        "GET /2/compliance/jobs/{id}",
        "GET /2/tweets/compliance/stream",
        "GET /2/users/compliance/stream",
    ),
    "Usage, insights and analytics": (
        "GET /2/usage/tweets",
        "GET /2/insights/28hr",
        "GET /2/insights/historical",
        "GET /2/tweets/analytics",
        "GET /2/media/analytics",
    ),
    "Subtitles": (
        "POST /2/media/subtitles",
        "DELETE /2/media/subtitles",
    ),
    "Bookmark folders and affiliates": (
        "GET /2/users/{id}/bookmarks/folders",
        "GET /2/users/{id}/bookmarks/folders/{folder_id}",
        "GET /2/users/{id}/affiliates",
    ),
    "Larger streams": (
        "GET /2/tweets/sample10/stream",
        "GET /2/tweets/firehose/stream",
        "GET /2/likes/sample10/stream",
        "GET /2/likes/firehose/stream",
        "GET /2/tweets/search/stream/rules/counts",
    ),
    "Notes, articles, news and webhooks": (
        "GET /2/notes/search/notes_written",
        "GET /2/notes/search/posts_eligible_for_notes",
        "POST /2/notes",
        "DELETE /2/notes/{id}",
        "POST /2/evaluate_note",
        "POST /2/articles/draft",
        "POST /2/articles/{article_id}/publish",
        "GET /2/news/search",
        "GET /2/news/{id}",
        "GET /2/webhooks",
        "POST /2/webhooks",
        "PUT /2/webhooks/{webhook_id}",
        "DELETE /2/webhooks/{webhook_id}",
    ),
}
NAMES = {operation: what for what, operations in TABLE.items() for operation in operations}
_FOUND = [
    (re.compile(re.sub(r"{\w+}", "[^/]+", path)), method, what)
    for name, what in NAMES.items()
    for method, path in [name.split(" ")]
]
# An id stands in this place elsewhere: the router would take the word for one.
BEFORE_IDS = (
    "users/public_keys",
    "tweets/analytics",
    "media/analytics",
    "media/subtitles",
    "users/<int:id>/bookmarks/folders",
)


async def answer(request: HttpRequest, **parts: object) -> HttpResponse:
    """404 for an operation that X has and this service has not; 405 for another method of it.

    Args:
        parts: of the path, as the route took it apart.

    Raises:
        Http404: X has no such address either.
    """
    path = request.path_info
    here = [(method, what) for pattern, method, what in _FOUND if pattern.fullmatch(path)]
    if not here:
        raise Http404
    allowed = [method for method, _ in here]
    if request.method not in allowed:
        return problems.not_allowed(", ".join(allowed)).response()
    detail = f"This service does not offer it: {here[0][1]}. What it offers: /docs/api."
    return problems.problem(
        404, detail, title="Not Offered", code="not_offered", kind="about:blank"
    ).response()
