"""The app's registration."""

from django.apps import AppConfig


class GraphConfig(AppConfig):
    """apps.graph."""

    name = "apps.graph"
    label = "graph"
