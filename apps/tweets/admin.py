"""The moderation desk for posts. What it does, it does through the services."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.infra import clock
from apps.infra.web.pages import id_from
from apps.tweets import admin_reports, services
from apps.tweets.models import Tweet

# Its import registers the queue of reports.
__all__ = ["TweetAdmin", "admin_reports"]


@admin.register(Tweet)
class TweetAdmin(ModelAdmin):
    """Posts: found by words, by id, or by the id of their author; hidden and shown again."""

    list_display = (
        "id", "author_id", "short_text", "created_at", "like_count", "retweet_count",
        "hidden_at", "deleted_at",
    )  # fmt: skip
    list_filter = (
        ("hidden_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("=id", "=author_id", "text")
    search_help_text = "Words of the post, its id, or its author's id"
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions: ClassVar[list[Any]] = ["hide", "unhide"]

    @admin.display(description="text")
    def short_text(self, tweet: Tweet) -> str:
        """The beginning of the text."""
        return str(tweet)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tweet], search_term: str
    ) -> tuple[QuerySet[Tweet], bool]:
        """A number is an id (of the post or its author): no scan over the words then."""
        term = search_term.strip()
        number = id_from(term)
        if number is not None:
            return queryset.filter(id=number) | queryset.filter(author_id=number), False
        return queryset.filter(text__icontains=term) if term else queryset, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Posts are written by their authors."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tweet | None = None) -> bool:
        """Only an author deletes; a moderator hides."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Tweet | None = None) -> list[str]:
        """All of it: a save here would pass by the services and their events."""
        return [one.name for one in Tweet._meta.concrete_fields]

    @admin.action(description="Hide: out of sight at once", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Tweet]) -> None:
        """Hide the selected posts."""
        self._each(request, queryset, services.hide_tweet, "hidden")

    @admin.action(description="Unhide: show again", permissions=["change"])
    def unhide(self, request: HttpRequest, queryset: QuerySet[Tweet]) -> None:
        """Show the selected posts again."""
        self._each(request, queryset, services.unhide_tweet, "shown again")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Tweet], verb: Callable[..., Any], what: str
    ) -> None:
        count = 0
        for tweet_id in queryset.order_by("pk").values_list("pk", flat=True):
            verb(tweet_id=tweet_id, now=clock.now())
            count += 1
        text = ngettext("%(n)d post %(what)s.", "%(n)d posts %(what)s.", count)
        self.message_user(request, text % {"n": count, "what": what}, messages.SUCCESS)
