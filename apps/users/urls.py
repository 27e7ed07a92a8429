"""Addresses of accounts."""

from django.urls import path
from django.views.generic import RedirectView

from apps.users import views

urlpatterns = [
    path("login", views.log_in),
    path("signup", views.sign_up),
    path("logout", views.log_out),
    path("settings", RedirectView.as_view(url="/settings/profile")),
    path("settings/profile", views.settings_profile),
    path("settings/privacy", views.settings_privacy),
    path("settings/appearance", views.settings_appearance),
    path("about", views.about),
]
