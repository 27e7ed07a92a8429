"""The operators' desk (the admin): a policy of its own, and a line in the log for a refusal."""

import logging

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

log = logging.getLogger(__name__)

PATH = "/admin/"
_LOG_IN = f"{PATH}login/"
_FORBIDDEN = 403


class DeskMiddleware(MiddlewareMixin):
    """Looks at answers below `/admin/` only."""

    never_waits = True

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Say which policy holds, and note a refusal."""
        if request.path_info.startswith(PATH):
            response._csp_config = settings.ADMIN_POLICY  # type: ignore[attr-defined]
            sent_away = response.headers.get("Location", "").startswith(_LOG_IN)
            if response.status_code == _FORBIDDEN or sent_away:
                _note(request, response.status_code)
        return response


def _note(request: HttpRequest, status: int) -> None:
    # Known already, or there is none; asking here might wait for an engine.
    user = getattr(request, "_cached_user", None)
    log.warning(
        "admin refused",
        extra={
            "path": request.path,
            "method": request.method,
            "status": status,
            "user_id": getattr(user, "pk", None),
            "address": request.META.get("REMOTE_ADDR", ""),
        },
    )
