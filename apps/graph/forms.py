"""Forms of lists. They shape input; the rules live in the services."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.graph.models import MAX_LIST_DESCRIPTION, MAX_LIST_NAME
from apps.infra.errors import DomainError


class ListForm(forms.Form):
    """A list of accounts."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_LIST_NAME, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    description = forms.CharField(
        label=_("What it is for"),
        required=False,
        max_length=MAX_LIST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    is_private = forms.BooleanField(
        label=_("Private"),
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
        help_text=_("Only you can see it. Nobody learns that they are on it."),
    )

    def refuse(self, error: DomainError) -> None:
        """Show why a service said no; what was typed stays."""
        self.add_error(error.field if error.field in self.fields else None, error.detail)
