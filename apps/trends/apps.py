"""The app's registration."""

from django.apps import AppConfig


class TrendsConfig(AppConfig):
    """apps.trends."""

    name = "apps.trends"
    label = "trends"
