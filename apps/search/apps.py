"""The app's registration."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """apps.search."""

    name = "apps.search"
    label = "search"
