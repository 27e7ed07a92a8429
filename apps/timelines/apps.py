"""The app's registration."""

from django.apps import AppConfig


class TimelinesConfig(AppConfig):
    """apps.timelines."""

    name = "apps.timelines"
    label = "timelines"

    def ready(self) -> None:
        """Have a new follow drop the follower's home timeline; graph is a storey below."""
        from apps.graph import services as graph_services
        from apps.timelines.services.homes import drop_home_for_follow

        graph_services.on_new_follow.append(drop_home_for_follow)
