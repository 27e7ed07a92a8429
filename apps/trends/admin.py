"""What operators say of trends: words that never do, and what stands on top."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.infra import clock
from apps.trends.models import TrendRule


@admin.register(TrendRule)
class TrendRuleAdmin(ModelAdmin):
    """Rules; the lists obey them within seconds, for each roll-up reads them."""

    list_display = ("word", "kind", "note", "changed_at")
    list_filter = ("kind",)
    search_fields = ("word", "note")
    ordering = ("word",)
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: TrendRule, form: Any, change: bool) -> None:
        """Keep when it was said."""
        obj.changed_at = clock.now()
        super().save_model(request, obj, form, change)
