"""Production: everything from the environment, and nothing that only suits one machine."""

from twitterlite.settings.base import *
from twitterlite.settings.base import CONF

if CONF.allowed_hosts == "*":
    raise RuntimeError("Set ALLOWED_HOSTS to the names this site is served under.")
DEBUG = False
