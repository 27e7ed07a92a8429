"""Forms about posts. They shape input; the rules live in the services."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.infra.errors import DomainError
from apps.tweets.models import MAX_NOTE, Report


class ReportForm(forms.Form):
    """What is wrong with a post."""

    reason = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=Report.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is wrong with the post.")},
    )
    note = forms.CharField(
        label=_("Anything else the moderators should know"),
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )

    def refuse(self, error: DomainError) -> None:
        """Show why a service said no; what was typed stays."""
        self.add_error(error.field if error.field in self.fields else None, error.detail)
