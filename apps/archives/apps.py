"""Django's name for this app."""

from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    """Archives of X that people bring along."""

    name = "apps.archives"
