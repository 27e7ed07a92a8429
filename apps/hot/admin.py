"""Why tweets are called hot, and how often that was right; only looked at."""

from collections.abc import Sequence

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.hot.features import NAMES
from apps.hot.models import HotCall, HotModel
from apps.hot.predictor import Predictor
from apps.infra.admin import ReadOnlyAdmin


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> SafeString:
    return format_html(
        "<table><tr>{}</tr>{}</table>",
        format_html_join("", "<th>{}</th>", ((head,) for head in heads)),
        format_html_join(
            "",
            "<tr>{}</tr>",
            ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows),
        ),
    )


@admin.register(HotModel)
class HotModelAdmin(ReadOnlyAdmin):
    """What was learned: a weight above 0 speaks for a tweet, the larger the louder."""

    ordering = ("-version",)
    list_display = ("version", "made_at", "changed_at", "examples", "shown_precision")
    fields = (
        "version", "made_at", "changed_at", "examples", "shown_precision", "shown_recall",
        "decides", "weights",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="precision of the last calls")
    def shown_precision(self, model: HotModel) -> str:
        """A part of a hundred."""
        return "not known yet" if model.precision is None else f"{model.precision:.0%}"

    @admin.display(description="of what ended in the top 1 %, called in time")
    def shown_recall(self, model: HotModel) -> str:
        """Since the first version."""
        result = Predictor(model.state).result
        top = result.get("top", 0.0)
        return f"{result.get('called_and_top', 0.0) / top:.0%}" if top else "not known yet"

    @admin.display(description="who decides")
    def decides(self, model: HotModel) -> str:
        """The model, or the rule while it knows too little."""
        if Predictor(model.state).is_trained:
            return "the model"
        return "the plain rule: more people after ten minutes than 99 % of the others"

    @admin.display(description="what it looks at")
    def weights(self, model: HotModel) -> SafeString:
        """Each feature in plain words; what is larger than usual adds its weight per deviation."""
        predictor = Predictor(model.state)
        rows = [
            (
                name,
                meaning,
                f"{predictor.weights[name]:+.3f}",
                f"{predictor.means[name]:.3f}",
                f"{predictor.variances[name] ** 0.5:.3f}",
            )
            for name, meaning in NAMES.items()
        ]
        rows.sort(key=lambda row: -abs(float(row[2])))
        heads = ("feature", "logarithm of 1 + …", "weight", "usual", "deviation")
        return _table(heads, rows)


@admin.register(HotCall)
class HotCallAdmin(ReadOnlyAdmin):
    """What was called hot lately, why, and how it ended."""

    ordering = ("-called_at", "tweet_id")
    list_display = ("tweet_id", "called_at", "by", "chance", "because", "outcome", "was_right")
    list_filter = ("by", "was_right")
    search_fields = ("=tweet_id", "=author_id")
    fields = (
        "tweet_id", "author_id", "called_at", "version", "by", "chance", "reasons", "outcome",
        "was_right",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="odds of the top 5 %, as a logarithm")
    def chance(self, call: HotCall) -> str:
        """0 is even, +1 is 2.7 to 1."""
        return f"{call.score:+.2f}"

    @admin.display(description="mostly because of")
    def because(self, call: HotCall) -> str:
        """The three features that say most."""
        if call.by != "model":
            return "people so far"
        largest = sorted(call.parts.items(), key=lambda one: -abs(one[1]))[:3]
        return ", ".join(f"{name} {part:+.2f}" for name, part in largest)

    @admin.display(description="what each feature adds")
    def reasons(self, call: HotCall) -> SafeString:
        """All of them, the loudest first; the sum and what is usual give the odds."""
        rows = [
            (name, NAMES.get(name, ""), f"{call.features.get(name, 0.0):.3f}", f"{part:+.3f}")
            for name, part in sorted(call.parts.items(), key=lambda one: -abs(one[1]))
        ]
        return _table(("feature", "logarithm of 1 + …", "value", "adds"), rows)
