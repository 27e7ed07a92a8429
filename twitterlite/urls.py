"""Every route: the JSON API, the admin, telemetry, and the HTML pages of each app."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

# An app without pages has no `urls` room.
PAGES = ["apps.users", "apps.graph", "apps.tweets", "apps.timelines", "apps.ops"]

urlpatterns: list[URLPattern | URLResolver] = [path("admin/", admin.site.urls)]
urlpatterns += [path("", include(f"{app}.urls")) for app in PAGES if find_spec(f"{app}.urls")]
