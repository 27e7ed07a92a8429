"""Three doors, one behind the other; the outermost is the application.

edge (request id, size limit, metrics) → hot lane (home timelines and new posts, without Django)
→ Django.
"""

from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.infra.web.gate import Headers, Turn
from apps.infra.web.handler import Receive, Scope, Send
from apps.timelines import hot as home
from apps.tweets import hot as post

HOME_HEAD, HOME_TAIL = "/2/users/", "/timelines/reverse_chronological"
HOME_ROUTE = "2/users/<id>/timelines/reverse_chronological"
POST_PATH, POST_ROUTE = "/2/tweets", "2/tweets"
# Asked by machines: no session, no forms, no middleware.
PLAIN = ("/2/", "/healthz", "/readyz", "/metrics")

_USERS, _TIMELINE = HOME_HEAD.encode(), HOME_TAIL.encode()

pages = handler.Pages()


async def doors(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to the door that it is for."""
    path: str = scope["path"]
    if path == POST_PATH and scope["method"] == "POST":
        await _post(scope, receive, send)
    elif (user_id := _home_of(scope, path)) is not None:
        await _home(scope, user_id, send)
    elif path.startswith(PLAIN):
        await handler.api(scope, receive, send)
    else:
        await pages(scope, receive, send)


def _home_of(scope: Scope, path: str) -> str | None:
    """Whose home timeline is asked for, None if something else is."""
    if not path.endswith(HOME_TAIL) or scope["method"] != "GET":
        return None
    user_id = path[len(HOME_HEAD) : -len(HOME_TAIL)]
    is_home = path.startswith(HOME_HEAD) and user_id and "/" not in user_id
    return user_id if is_home else None


def _headers(scope: Scope, *names: bytes) -> list[str | None]:
    """The values of some headers."""
    found = scope["found"]
    return [found[name].decode("latin-1") if name in found else None for name in names]


async def _home(scope: Scope, user_id: str, send: Send) -> None:
    scope["route"] = HOME_ROUTE
    token = scope["found"].get(b"authorization")
    answer = await home.home_answer(
        authorization=token and token.decode("latin-1"),
        user_id=user_id,
        query=scope["query_string"].decode("latin-1"),
    )
    await answer.send(send)


async def _post(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = POST_ROUTE
    authorization, content_type, key = _headers(
        scope, b"authorization", b"content-type", b"idempotency-key"
    )
    answer = await post.post_answer(
        authorization=authorization,
        content_type=content_type,
        idempotency_key=key,
        body=await handler.read_body(receive),
    )
    await answer.send(send)


class Gate:
    """What is answered before ASGI: see `apps.infra.web.gate`."""

    def turn(self, method: bytes, url: bytes, headers: Headers) -> Turn | None:
        """Who answers this request."""
        if method == b"GET" and url.startswith(_USERS):
            path, _, query = url.partition(b"?")
            owner = path[len(_USERS) : -len(_TIMELINE)]
            if path.endswith(_TIMELINE) and owner.isdigit():
                return home.HomeTurn(
                    headers.get(b"authorization"), owner.decode(), query.decode("latin-1")
                )
        return None


application = Edge(doors, gate=Gate())
