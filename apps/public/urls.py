"""Addresses of the public face."""

from django.urls import path

from apps.infra.web import converters  # noqa: F401 - registers <username:…>
from apps.public import views

urlpatterns = [
    path("oembed", views.oembed),
    path("sitemap.xml", views.sitemap),
    path("sitemap/<slug:name>.xml", views.sitemap_part),
    path("robots.txt", views.robots),
    path("favicon.ico", views.favicon),
    path("manifest.webmanifest", views.manifest),
    path("sw.js", views.service_worker),
    path("offline", views.offline),
    path("rules", views.rules),
    path("terms", views.terms),
    path("status", views.status),
    path("<username:username>/rss", views.rss),
    path("<username:username>/atom", views.atom),
]
