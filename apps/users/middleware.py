"""Django's session and log-in for a request whose session `sessions.recall` has looked up."""

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthentication
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.users.sessions import Known


class SessionMiddleware(DjangoSessions):
    """`request.session`, without a read where the session is known."""

    never_waits = True

    def process_request(self, request: HttpRequest) -> None:
        """Make the session's object."""
        super().process_request(request)
        known: Known | None = getattr(request, "known", None)
        if known is not None:
            request.session.recall(known)  # type: ignore[attr-defined]

    async def aprocess_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Save what was changed, in a thread; else only the headers."""
        if request.session.modified:
            return await sync_to_async(self.process_response)(request, response)  # type: ignore[arg-type]
        return self.process_response(request, response)  # type: ignore[arg-type]


class AuthenticationMiddleware(DjangoAuthentication):
    """`request.user` and `request.auser()`, without a read where the account is known."""

    never_waits = True

    def process_request(self, request: HttpRequest) -> None:
        """Make both."""
        super().process_request(request)
        known: Known | None = getattr(request, "known", None)
        if known is not None and known.user is not None:
            request._cached_user = request._acached_user = known.user  # type: ignore[attr-defined]
            # Who reads decides what a page says, so caches must tell readers apart.
            request.session.accessed = True
