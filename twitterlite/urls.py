"""Every route: the JSON API, the admin, telemetry, and the HTML pages of each app."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from apps.infra.telemetry.exposition import metrics
from apps.infra.telemetry.health import healthz, readyz
from apps.users import views as users
from twitterlite import docs, not_offered
from twitterlite.api import api

# An app without pages has no `urls` room.
PAGES = [
    "apps.users",
    "apps.graph",
    "apps.media",
    "apps.tweets",
    "apps.search",
    "apps.trends",
    "apps.notifications",
    "apps.archives",
    "apps.public",
    "apps.timelines",
    "apps.ops",
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("2/openapi.json", docs.openapi, name="openapi"),
    path("2/docs", docs.moved),
    path("docs/api", docs.page, name="api-docs"),
    *(path(f"2/{words}", not_offered.answer) for words in not_offered.BEFORE_IDS),
    path("2/", api.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/login/", users.log_in_as_staff),
    path("admin/", admin.site.urls),
]
urlpatterns += [path("", include(f"{app}.urls")) for app in PAGES if find_spec(f"{app}.urls")]
# What nobody took.
urlpatterns += [path("2/<path:rest>", not_offered.answer)]

handler403 = "apps.infra.web.pages.forbidden"
handler404 = "apps.infra.web.pages.not_found"
handler500 = "apps.infra.web.pages.server_error"
