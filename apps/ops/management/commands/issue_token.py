"""`manage.py issue_token USER`: a bearer token, and nothing else, on standard output."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.users import services
from apps.users.services_import import ids_of_usernames


class Command(BaseCommand):
    """Issue a bearer token with all scopes."""

    # Quick, for scripts: TOKEN=$(manage.py issue_token alice).
    requires_system_checks = ()
    help = "Print a new bearer token of an account, with all scopes; it is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("user", help="name of the account, with or without @")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        username = options["user"].removeprefix("@")
        user_id = ids_of_usernames(usernames=[username]).get(username.lower())
        if user_id is None:
            raise CommandError(f"There is no account @{username}.")
        try:
            token = services.issue_token(user_id=user_id, now=clock.now())
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(token)
