"""The app's registration."""

from django.apps import AppConfig


class MediaConfig(AppConfig):
    """apps.media."""

    name = "apps.media"
    label = "media"
