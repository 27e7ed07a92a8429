"""The queue of reports: what people find wrong, and the verdict, which closes all of a post."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.infra import clock
from apps.tweets import services_reports
from apps.tweets.models import Report, Tweet


class OpenFilter(admin.SimpleListFilter):
    """Open reports, unless one asks for others."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices besides the open ones."""
        return [("decided", "Decided"), ("any", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The chosen reports."""
        if self.value() == "any":
            return queryset
        return queryset.filter(decided_at__isnull=self.value() != "decided")


@admin.register(Report)
class ReportAdmin(ModelAdmin):
    """Reports, the oldest open one first."""

    list_display = ("created_at", "reason", "note", "post", "reports", "author_id", "verdict")
    list_filter = (OpenFilter, "reason")
    search_fields = ("=tweet_id", "=author_id", "=reporter_id")
    search_help_text = "Id of the post, its author or the reporter"
    ordering = ("id",)
    list_per_page = 50
    show_full_result_count = False
    actions: ClassVar[list[Any]] = ["hide_post", "keep_post"]

    @admin.display(description="post")
    def post(self, report: Report) -> SafeString:
        """The post's words, leading to it."""
        tweet = Tweet.objects.filter(id=report.tweet_id).order_by("id").first()
        words = "gone" if tweet is None or tweet.deleted_at else str(tweet) or "picture"
        return format_html('<a href="/i/status/{}">{}</a>', report.tweet_id, words)

    @admin.display(description="reports")
    def reports(self, report: Report) -> int:
        """How many people reported the same post."""
        return Report.objects.filter(tweet_id=report.tweet_id).count()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Reports are made by readers."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Report | None = None) -> bool:
        """A verdict closes a report; it stays."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Report | None = None) -> list[str]:
        """All of it: the verdict is an action."""
        return [one.name for one in Report._meta.concrete_fields]

    @admin.action(description="Hide the posts and close their reports", permissions=["change"])
    def hide_post(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """The posts break the rules."""
        self._decide(request, queryset, Report.Verdict.HIDDEN)

    @admin.action(description="Nothing wrong: close the reports", permissions=["change"])
    def keep_post(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """The posts stay."""
        self._decide(request, queryset, Report.Verdict.KEPT)

    def _decide(self, request: HttpRequest, queryset: QuerySet[Report], verdict: str) -> None:
        closed = 0
        for tweet_id in sorted(set(queryset.values_list("tweet_id", flat=True))):
            closed += services_reports.decide(tweet_id=tweet_id, verdict=verdict, now=clock.now())
        text = ngettext("%(n)d report closed.", "%(n)d reports closed.", closed)
        self.message_user(request, text % {"n": closed}, messages.SUCCESS)
