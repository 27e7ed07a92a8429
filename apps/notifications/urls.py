"""Addresses of notifications."""

from django.urls import path

from apps.infra.web import converters  # noqa: F401 - registers <id:…>
from apps.notifications import views

urlpatterns = [
    path("notifications", views.everything),
    path("notifications/mentions", views.mentions),
    path("notifications/unread", views.unread),
    path("notifications/conversations/<id:tweet_id>", views.conversation),
]
