"""What people were told, to look at."""

from django.contrib import admin

from apps.infra.admin import ReadOnlyAdmin
from apps.notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Groups as they are stored; what their reader may see of them is decided when they read."""

    list_display = ("key", "recipient_id", "kind", "tweet_id", "day", "id", "count")
    list_filter = ("kind",)
    search_fields = ("=recipient_id", "=tweet_id")
    search_help_text = "The id of a recipient or of a tweet"
    ordering = ("-key",)
