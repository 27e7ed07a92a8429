"""Addresses of accounts."""

from django.urls import path
from django.views.generic import RedirectView

from apps.users import views, views_apps

urlpatterns = [
    path("login", views.log_in),
    path("signup", views.sign_up),
    path("logout", views.log_out),
    path("settings", RedirectView.as_view(url="/settings/profile")),
    path("settings/profile", views.settings_profile),
    path("settings/privacy", views.settings_privacy),
    path("settings/appearance", views.settings_appearance),
    path("settings/apps", views_apps.granted),
    path("settings/apps/<int:application_id>/revoke", views_apps.take_back),
    path("developer/apps", views_apps.applications),
    path("developer/apps/new", views_apps.new_application),
    path("developer/apps/<int:application_id>", views_apps.application),
    path("developer/apps/<int:application_id>/keys/<slug:kind>", views_apps.new_keys),
    path("developer/apps/<int:application_id>/delete", views_apps.delete),
    path("about", views.about),
]
