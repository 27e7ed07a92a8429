"""Says how Django judges the settings of production, and what some of them are; a process of its
own, started by test_settings."""

import io
import json

import django
from django.conf import settings
from django.core.management import call_command

django.setup()
said = io.StringIO()
call_command("check", deploy=True, fail_level="WARNING", stdout=said, stderr=said)

from apps.users.attempts import COOKIE  # noqa: E402 (after the settings)

print(
    json.dumps(
        {
            "said": said.getvalue(),
            "cookies": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, COOKIE],
            "key": settings.SECRET_KEY,
            "host": settings.DATABASES["default"]["HOST"],
            "debug": settings.DEBUG,
        }
    )
)
