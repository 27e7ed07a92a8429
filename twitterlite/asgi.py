"""The web application: what a server such as uvicorn serves."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")

from django.core.asgi import get_asgi_application

application = get_asgi_application()
