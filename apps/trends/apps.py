"""The app's registration."""

from django.apps import AppConfig


class TrendsConfig(AppConfig):
    """apps.trends."""

    name = "apps.trends"
    label = "trends"

    def ready(self) -> None:
        """Stand beside every page; the pages' frame is a storey below."""
        from django.conf import settings

        from apps.infra.web import panels
        from apps.trends.rendering import TrendsPanel

        if settings.TRENDS:
            panels.beside_page.append(TrendsPanel())
