"""`manage.py explain_timeline --viewer bob --tweet ID`: why it is, or is not, in the timeline."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import blocking
from apps.timelines import queries as timeline_queries
from apps.timelines.schemas import Finding
from apps.users import queries as user_queries

_SIGNS = {True: "+", False: "-", None: " "}


class Command(BaseCommand):
    """Explain one tweet in one home timeline."""

    help = "Say why a tweet is, or is not, in somebody's home timeline."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--viewer", required=True, help="user name, or user id")
        parser.add_argument("--tweet", required=True, type=int, help="tweet id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        for finding in blocking.run(_explain(options["viewer"], options["tweet"])):
            sign = _SIGNS[finding.speaks_for]
            self.stdout.write(f"{sign} {finding.what + ':':9} {finding.detail}")


async def _explain(viewer: str, tweet_id: int) -> list[Finding]:
    name = viewer.removeprefix("@")
    users = await user_queries.users_by_usernames([name])
    if name.lower() in users:
        viewer_id = users[name.lower()].id
    elif name.isdigit() and await user_queries.users_by_ids([int(name)]):
        viewer_id = int(name)
    else:
        raise CommandError(f"there is no user {viewer}")
    return await timeline_queries.explain(viewer_id=viewer_id, tweet_id=tweet_id)
