"""`manage.py promote`: make the replica the primary, after the primary is lost."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra.errors import DomainError
from apps.ops.promotion import promote


class Command(BaseCommand):
    """Promote the replica."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()
    help = (
        "Make the server of DATABASE_REPLICA_URL the primary, after the one of DATABASE_URL is"
        " lost. Stop the service before, and see that the old primary cannot come back by itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, and say what is to be done then."""
        try:
            done = promote()
        except DomainError as error:
            raise CommandError(error.detail) from error
        say = self.stdout.write
        if done.received:
            at = f", a commit of {done.last_commit}" if done.last_commit else ""
            say(f"Promoted. It has all up to {done.received}{at}.")
        else:
            say("It is a primary already.")
        if done.waited_for:
            say(f"Its commits waited for {done.waited_for!r}; now for nobody, until you say so.")
        say("With addresses of your own: set DATABASE_URL to its, and unset DATABASE_REPLICA_URL.")
        say("The old primary comes back as a replica of this one, or not at all.")
