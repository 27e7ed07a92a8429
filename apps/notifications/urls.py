"""Addresses of notifications."""

from django.urls import path

from apps.notifications import views

urlpatterns = [
    path("notifications", views.everything),
    path("notifications/mentions", views.mentions),
    path("notifications/unread", views.unread),
]
