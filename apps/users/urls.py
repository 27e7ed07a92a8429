"""Addresses of accounts."""

from django.urls import path
from django.views.generic import RedirectView

from apps.infra.web import converters  # noqa: F401 - registers <id:…>
from apps.users import (
    views,
    views_apps,
    views_language,
    views_oauth,
    views_oauth1,
    views_reset,
    views_security,
    views_zone,
)

urlpatterns = [
    path("login", views.log_in),
    path("signup", views.sign_up),
    path("logout", views.log_out),
    path("settings", RedirectView.as_view(url="/settings/profile")),
    path("settings/profile", views.settings_profile),
    path("settings/privacy", views.settings_privacy),
    path("settings/appearance", views.settings_appearance),
    path("settings/language", views_language.settings_language),
    path("settings/time-zone", views_zone.settings_zone),
    path("settings/email", views_reset.settings_email),
    path("settings/security", views_security.security),
    path("settings/security/devices/<int:device_id>/end", views_security.end_device),
    path("settings/security/others/end", views_security.end_others),
    path("settings/password", views_security.settings_password),
    path("settings/email/confirm", views_reset.confirm_email),
    path("language/<slug:language>", views_language.choose),
    path("reset", views_reset.reset),
    path("reset/<id:user_id>/<slug:token>", views_reset.new_password),
    path("settings/apps", views_apps.granted),
    path("settings/apps/<int:application_id>/revoke", views_apps.take_back),
    path("developer/apps", views_apps.applications),
    path("developer/apps/new", views_apps.new_application),
    path("developer/apps/<int:application_id>", views_apps.application),
    path("developer/apps/<int:application_id>/keys/<slug:kind>", views_apps.new_keys),
    path("developer/apps/<int:application_id>/delete", views_apps.delete),
    path("oauth2/token", views_oauth.app_only_token),
    path("oauth2/invalidate_token", views_oauth.invalidate_token),
    path("i/oauth2/authorize", views_oauth.authorize),
    path("oauth/request_token", views_oauth1.request_token),
    path("oauth/authorize", views_oauth1.authorize),
    path("oauth/authenticate", views_oauth1.authorize),
    path("oauth/access_token", views_oauth1.access_token),
    path("2/oauth2/token", views_oauth.token),
    path("2/oauth2/revoke", views_oauth.revoke),
    path("about", views.about),
]
