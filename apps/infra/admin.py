"""The event log, what is being delivered, and what could not be; only looked at, and retried."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.infra.eventlog import replay
from apps.infra.models import DeadLetter, Delivery, EventLog


class ReadOnlyAdmin(ModelAdmin):
    """Rows that are looked at here and changed elsewhere."""

    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False


@admin.register(EventLog)
class EventLogAdmin(ReadOnlyAdmin):
    """Every change, in the order in which it was announced."""

    list_display = ("id", "at", "topic", "key", "payload")
    search_fields = ("=topic", "=key")
    search_help_text = "A whole topic (tweet.posted) or a whole key"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Batches that a subscriber has not finished yet."""

    list_display = ("id", "subscriber", "n", "created_at", "late", "attempts", "failures", "error")
    list_filter = ("subscriber", "late")


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Events that a subscriber could not take."""

    list_display = (
        "id", "subscriber", "topic", "key", "short_error", "parked_at", "retried_at",
    )  # fmt: skip
    list_filter = ("subscriber", "topic", ("retried_at", admin.EmptyFieldListFilter))
    search_fields = ("=topic", "=key", "error")
    actions: ClassVar[list[Any]] = ["replay_again"]

    @admin.display(description="error")
    def short_error(self, letter: DeadLetter) -> str:
        """The beginning of the error."""
        return letter.error[:120]

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Whoever may change dead letters, though no form here does."""
        user: Any = request.user
        return bool(user.has_perm("infra.change_deadletter"))

    @admin.action(description="Replay: deliver once more", permissions=["replay"])
    def replay_again(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Give the selected events to their subscribers again."""
        done = 0
        for letter_id in queryset.order_by("pk").values_list("pk", flat=True):
            done += bool(replay.retry_dead_letter(dead_letter_id=letter_id))
        text = ngettext("%(n)d event is on its way.", "%(n)d events are on their way.", done)
        self.message_user(request, text % {"n": done}, messages.SUCCESS)
