"""Addresses of edges between people."""

from django.urls import path

from apps.graph import views
from apps.infra.web import converters  # noqa: F401 - registers <username:…>

urlpatterns = [
    path("requests", views.requests),
    path("requests/<username:username>/accept", views.accept),
    path("requests/<username:username>/reject", views.reject),
    path("<username:username>/followers", views.followers),
    path("<username:username>/followers_you_follow", views.known),
    path("<username:username>/following", views.following),
    path("<username:username>/follow", views.follow),
    path("<username:username>/unfollow", views.unfollow),
    path("<username:username>/block", views.block),
    path("<username:username>/unblock", views.unblock),
    path("<username:username>/mute", views.mute),
    path("<username:username>/unmute", views.unmute),
]
