"""Addresses of archives."""

from django.urls import path

from apps.archives import views
from apps.infra.web import converters  # noqa: F401 - registers <id:…>

urlpatterns = [
    path("settings/archive", views.archive),
    path("settings/archive/upload", views.upload),
    path("settings/archive/<id:import_id>", views.progress),
    path("settings/archive/<id:import_id>/undo", views.undo),
]
