"""Stop what `up` started."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.infra.engines import stack
from apps.infra.engines.options import var_dir


class Command(BaseCommand):
    """The same as Ctrl-C in the terminal of `manage.py up`."""

    help = "Stop what `manage.py up` started in another terminal, in order."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait until all is stopped."""
        sys.exit(stack.down(var_dir=var_dir()))
