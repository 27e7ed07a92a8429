"""Addresses of notifications."""

urlpatterns: list[object] = []
