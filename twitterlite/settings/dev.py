"""One machine, one command: what `make run` uses."""

from twitterlite.settings.base import *

# Commands that print secrets ask for this.
IS_DEVELOPMENT = True
