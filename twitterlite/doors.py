"""Three doors, one behind the other; the outermost is the application.

edge (request id, size limit, metrics) → hot lane (the home timeline, without Django) → Django.
"""

from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.infra.web.handler import Receive, Scope, Send
from apps.timelines import hot

HOME_HEAD, HOME_TAIL = "/2/users/", "/timelines/reverse_chronological"
HOME_ROUTE = "2/users/<id>/timelines/reverse_chronological"
# Asked by machines: no session, no forms, no middleware.
PLAIN = ("/2/", "/healthz", "/readyz", "/metrics")

pages = handler.Pages()


async def doors(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to the door that it is for."""
    path: str = scope["path"]
    if scope["method"] == "GET" and path.startswith(HOME_HEAD) and path.endswith(HOME_TAIL):
        user_id = path[len(HOME_HEAD) : -len(HOME_TAIL)]
        if user_id and "/" not in user_id:
            await _home(scope, user_id, send)
            return
    if path.startswith(PLAIN):
        await handler.api(scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _home(scope: Scope, user_id: str, send: Send) -> None:
    scope["route"] = HOME_ROUTE
    authorization = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
    answer = await hot.home_answer(
        authorization=authorization, user_id=user_id, query=scope["query_string"].decode("latin-1")
    )
    headers = [(b"content-type", answer.content_type.encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


application = Edge(doors)
