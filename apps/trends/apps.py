"""The app's registration."""

from django.apps import AppConfig


class TrendsConfig(AppConfig):
    """apps.trends."""

    name = "apps.trends"
    label = "trends"

    def ready(self) -> None:
        """Stand beside every page; the pages' frame is a storey below."""
        from apps.infra.web import panels
        from apps.trends.rendering import TrendsPanel

        panels.beside_page.append(TrendsPanel())
