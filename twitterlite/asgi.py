"""The web application: what a server such as uvicorn serves."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")
django.setup(set_prefix=False)

from twitterlite.doors import application  # noqa: E402  (the apps must be loaded first)

__all__ = ["application"]
