"""The app."""

from django.apps import AppConfig


class PublicConfig(AppConfig):
    """No tables: everything is read from the apps below, as a visitor sees it."""

    name = "apps.public"
