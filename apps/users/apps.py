"""The app's registration."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """apps.users."""

    name = "apps.users"
    label = "users"
