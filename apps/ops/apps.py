"""The app's registration."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """apps.ops."""

    name = "apps.ops"
    label = "ops"
