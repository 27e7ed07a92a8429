"""The app's registration."""

from django.apps import AppConfig


class HotConfig(AppConfig):
    """apps.hot."""

    name = "apps.hot"
    label = "hot"

    def ready(self) -> None:
        """Have this process pin what it is told is hot."""
        from django.conf import settings

        from apps.hot import pinning

        if settings.HOT:
            pinning.listen()
