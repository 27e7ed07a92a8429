"""The app's registration."""

from django.apps import AppConfig


class TimelinesConfig(AppConfig):
    """apps.timelines."""

    name = "apps.timelines"
    label = "timelines"
