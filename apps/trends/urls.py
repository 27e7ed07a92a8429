"""Addresses of trends."""

from django.urls import path

from apps.trends import views

urlpatterns = [
    path("explore", views.explore),
]
