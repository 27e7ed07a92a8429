"""The app's registration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """apps.notifications."""

    name = "apps.notifications"
    label = "notifications"

    def ready(self) -> None:
        """Have every page know how much is unread; the pages' frame is a storey below."""
        from apps.infra.web import pages
        from apps.notifications import queries

        note = pages.Note("unread", queries.unread_of_page, queries.unread_in_memory)
        pages.before_page.append(note)
