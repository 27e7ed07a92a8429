"""Forms of accounts. They shape input; the rules live in the services."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.infra.errors import DomainError
from apps.infra.web import zones


class DomainForm(forms.Form):
    """A form that can show a refusal of a service at the field it is about."""

    def refuse(self, error: DomainError) -> None:
        """Show why a service said no; what was typed stays."""
        self.add_error(error.field if error.field in self.fields else None, error.detail)


class LogInForm(DomainForm):
    """Name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ResetForm(DomainForm):
    """Who has forgotten the password."""

    account = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class NewPasswordForm(DomainForm):
    """A password instead of a forgotten one."""

    password = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Eight characters or more."),
    )


class PasswordForm(DomainForm):
    """A password instead of one that is known."""

    current = forms.CharField(
        label=_("Current password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Eight characters or more."),
    )


class EmailForm(DomainForm):
    """Where a link to a new password may go."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("To be sure that it is you."),
    )


class LanguageForm(DomainForm):
    """The language of pages."""

    lang = forms.ChoiceField(choices=[("", ""), *settings.LANGUAGES], required=False)


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in zones.names()]


class ZoneForm(DomainForm):
    """The time zone of a browser."""

    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zones,
        widget=forms.Select(attrs={"dir": "ltr"}),
        help_text=_("The times of scheduled posts are meant and shown in it, in this browser."),
    )


class SignUpForm(DomainForm):
    """What opens an account."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As others will see it. It can be changed at any time."),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=_("Letters, digits and underscores, up to 15."),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Eight characters or more."),
    )


class ProfileForm(DomainForm):
    """The public profile."""

    name = forms.CharField(label=_("Name"), max_length=50)
    bio = forms.CharField(
        label=_("Bio"),
        required=False,
        max_length=160,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=_("Up to 160 characters."),
    )
    location = forms.CharField(label=_("Place"), required=False, max_length=30)
    url = forms.CharField(
        label=_("Web address"),
        required=False,
        max_length=100,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )


class PrivacyForm(DomainForm):
    """Who sees the posts."""

    is_protected = forms.BooleanField(
        label=_("Protect my posts"),
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch", "aria-describedby": "protect-help"}),
    )


class ApplicationForm(DomainForm):
    """A program that acts for people."""

    ACCESS: ClassVar[list[tuple[str, Any]]] = [
        ("write", _("Read and write")),
        ("read", _("Read only")),
    ]
    name = forms.CharField(
        label=_("Name"), max_length=32, help_text=_("People see it when they are asked.")
    )
    description = forms.CharField(
        label=_("What it does"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    website = forms.CharField(
        label=_("Web address"),
        required=False,
        max_length=200,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    redirect_uris = forms.CharField(
        label=_("Addresses to come back to"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("One per line, compared letter by letter. Empty: people type a PIN."),
    )
    access = forms.ChoiceField(
        label=_("What it may ask for"), choices=ACCESS, widget=forms.Select()
    )


class NewApplicationForm(ApplicationForm):
    """The same, and what cannot be changed later."""

    is_public = forms.BooleanField(
        label=_("Runs in a browser or on people's devices"),
        required=False,
        help_text=_("It cannot keep a secret and gets no client secret."),
    )


class AppearanceForm(forms.Form):
    """How pages look in this browser."""

    THEMES: ClassVar[list[tuple[str, Any]]] = [
        ("light", _("Light")),
        ("dark", _("Dark")),
        ("system", _("System")),
    ]
    theme = forms.ChoiceField(choices=THEMES)
