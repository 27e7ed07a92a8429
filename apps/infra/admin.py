"""The event log, what is being delivered, and what could not be; only looked at, and retried."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.infra import clock
from apps.infra.eventlog import replay
from apps.infra.models import BreakerSwitch, BrownoutSwitch, DeadLetter, Delivery, EventLog
from apps.infra.resilience import switches
from apps.infra.resilience.breaker import breaker_of
from apps.infra.resilience.brownout import house


class ReadOnlyAdmin(ModelAdmin):
    """Rows that are looked at here and changed elsewhere."""

    list_per_page = 50
    show_full_result_count = False
    ordering: tuple[str, ...] = ("-id",)

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


@admin.register(BreakerSwitch)
class BreakerSwitchAdmin(ReadOnlyAdmin):
    """The circuit breakers of all web processes: forced open or closed, left alone, or reset."""

    list_display = ("engine", "now_here", "position", "changed_at")
    ordering = ("-engine",)
    actions: ClassVar[list[Any]] = ["leave", "force_open", "force_closed", "reset"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BreakerSwitch]:
        """One row for each engine, switched or not."""
        rows = [BreakerSwitch(engine=engine) for engine in switches.engines()]
        BreakerSwitch.objects.bulk_create(rows, ignore_conflicts=True)
        return BreakerSwitch.objects.order_by("-engine")

    @admin.display(description="in this process")
    def now_here(self, switch: BreakerSwitch) -> str:
        """The state in the process that shows this page; `tl_breaker_state` has the worst."""
        if switch.engine not in switches.engines():
            return "no such engine"
        return breaker_of(switch.engine).state.name.lower().replace("_", "-")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whoever may change switches, though no form here does."""
        user: Any = request.user
        return bool(user.has_perm("infra.change_breakerswitch"))

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[BreakerSwitch], position: str
    ) -> None:
        for engine in queryset.values_list("engine", flat=True):
            if position == switches.RESET:
                switches.reset(engine=engine, now=clock.now())
            else:
                switches.set_switch(engine=engine, position=position, now=clock.now())
            self.message_user(request, f"{engine}: {position}.", messages.SUCCESS)

    @admin.action(description="Leave to itself", permissions=["switch"])
    def leave(self, request: HttpRequest, queryset: QuerySet[BreakerSwitch]) -> None:
        """Undo what was forced."""
        self._switch(request, queryset, "auto")

    @admin.action(description="Force open: nobody asks the engine", permissions=["switch"])
    def force_open(self, request: HttpRequest, queryset: QuerySet[BreakerSwitch]) -> None:
        """Not PostgreSQL from here: this page could not undo it."""
        if queryset.filter(engine="postgresql").exists():
            text = "This page needs PostgreSQL: use manage.py breakers postgresql open."
            self.message_user(request, text, messages.ERROR)
            queryset = queryset.exclude(engine="postgresql")
        self._switch(request, queryset, "open")

    @admin.action(description="Force closed: always asked", permissions=["switch"])
    def force_closed(self, request: HttpRequest, queryset: QuerySet[BreakerSwitch]) -> None:
        """Whatever comes of it."""
        self._switch(request, queryset, "closed")

    @admin.action(description="Reset: forget the failures", permissions=["switch"])
    def reset(self, request: HttpRequest, queryset: QuerySet[BreakerSwitch]) -> None:
        """Closed, and left to itself."""
        self._switch(request, queryset, switches.RESET)


@admin.register(BrownoutSwitch)
class BrownoutSwitchAdmin(ModelAdmin):
    """What all web processes leave out: by themselves, or as held here."""

    list_display = ("what", "now_here", "changed_at")
    fields = ("level",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BrownoutSwitch]:
        """The one row, switched or not."""
        BrownoutSwitch.objects.get_or_create(id=1)
        return BrownoutSwitch.objects.order_by("id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one already."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """There is always one."""
        return False

    @admin.display(description="level")
    def what(self, switch: BrownoutSwitch) -> str:
        """In words."""
        return str(switch.get_level_display())

    @admin.display(description="in this process")
    def now_here(self, switch: BrownoutSwitch) -> int:
        """In the process that shows this page; `tl_brownout_level` has the highest of all."""
        return int(house.level)

    def save_model(
        self, request: HttpRequest, obj: BrownoutSwitch, form: Any, change: bool
    ) -> None:
        """Have all processes obey."""
        switches.set_brownout(level=obj.level, now=clock.now())
