"""The app's registration."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """apps.users."""

    name = "apps.users"
    label = "users"

    def ready(self) -> None:
        """Begin to announce what changes of sessions."""
        from apps.users import sessions

        sessions.listen()
