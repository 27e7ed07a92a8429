"""The content security policy of pages; its text is made once, not with every answer."""

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class PolicyMiddleware(CSPMiddleware):
    """As django-csp's; an answer with a policy of its own gets it from there."""

    never_waits = True
    _made_of: Any = None
    _text = ""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the policy."""
        policy = settings.CONTENT_SECURITY_POLICY
        if self._is_special(request, response, policy):
            return super().process_response(request, response)
        if self._made_of is not policy:
            made = super().process_response(request, response)
            self._made_of, self._text = policy, made.headers.get(HEADER, "")
            return made
        response.headers[HEADER] = self._text
        return response

    @staticmethod
    def _is_special(request: HttpRequest, response: HttpResponseBase, policy: Any) -> bool:
        return (
            settings.DEBUG
            or HEADER in response.headers
            or any(name.startswith("_csp") for name in vars(response))
            or getattr(request, "_csp_nonce", None) is not None
            or getattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY", None) is not None
            or request.path_info.startswith(tuple(policy.get("EXCLUDE_URL_PREFIXES", ())))
        )
