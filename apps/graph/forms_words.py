"""The form of muted words."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.infra.errors import DomainError

MAX_WORD_CHARS = 100


class MutedWordForm(forms.Form):
    """A word that one does not want to meet."""

    DAYS: ClassVar[list[tuple[str, Any]]] = [
        ("0", _("For ever")),
        ("1", _("For 24 hours")),
        ("7", _("For 7 days")),
        ("30", _("For 30 days")),
    ]
    text = forms.CharField(
        label=_("Word, phrase, #tag or @handle"),
        max_length=MAX_WORD_CHARS,
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "autocomplete": "off", "dir": "auto"}
        ),
        help_text=_(
            "Capitals and accents do not matter. A word is found as a #tag, too, and never inside"
            " another word."
        ),
    )
    days = forms.ChoiceField(label=_("How long"), choices=DAYS, initial="0")
    in_notifications = forms.BooleanField(
        label=_("In notifications, too"),
        required=False,
        initial=True,
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
    )

    def expires_at(self, now: datetime) -> datetime | None:
        """When it is over; None for never."""
        days = int(self.cleaned_data["days"])
        return now + timedelta(days=days) if days else None

    def refuse(self, error: DomainError) -> None:
        """Show why a service said no; what was typed stays."""
        self.add_error(error.field if error.field in self.fields else None, error.detail)
