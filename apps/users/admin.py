"""The moderation desk for accounts. What it does, it does through the services."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.infra import clock
from apps.users import services
from apps.users.models import User


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Accounts: found by name, name shown or address; suspended and brought back."""

    list_display = (
        "username", "name", "created_at", "followers_count", "tweet_count", "is_protected",
        "suspended_at",
    )  # fmt: skip
    list_filter = ("is_protected", "is_staff", ("suspended_at", admin.EmptyFieldListFilter))
    search_fields = ("username", "name", "email")
    search_help_text = "Part of a user name, name or e-mail address"
    ordering = ("-id",)
    list_per_page = 50
    # Counting millions of accounts for a page number helps nobody.
    show_full_result_count = False
    actions: ClassVar[list[Any]] = ["suspend", "unsuspend"]
    exclude = ("password", "groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Accounts come from sign-up, imports and commands."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """What an account wrote lives in other tables; suspend instead."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """All of it: a save here would pass by the services and their events."""
        hidden = set(self.exclude)
        return [one.name for one in User._meta.concrete_fields if one.name not in hidden]

    @admin.action(
        description="Suspend: out of sight at once, tokens revoked", permissions=["change"]
    )
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Suspend the selected accounts, but not oneself."""
        others = queryset.exclude(pk=request.user.pk or 0)
        self._each(request, others, services.suspend_user, "suspended")

    @admin.action(description="Unsuspend: bring back", permissions=["change"])
    def unsuspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Bring the selected accounts back."""
        self._each(request, queryset, services.unsuspend_user, "brought back")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[User], verb: Callable[..., Any], what: str
    ) -> None:
        count = 0
        for user_id in queryset.order_by("pk").values_list("pk", flat=True):
            verb(user_id=user_id, now=clock.now())
            count += 1
        text = ngettext("%(n)d account %(what)s.", "%(n)d accounts %(what)s.", count)
        self.message_user(request, text % {"n": count, "what": what}, messages.SUCCESS)
