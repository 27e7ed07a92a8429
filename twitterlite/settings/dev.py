"""One machine, one command: what `make run` uses."""

from twitterlite.settings.base import *
