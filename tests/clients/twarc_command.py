"""twarc's command line, sent to a server of ours: `python -m tests.clients.twarc_command URL …`."""

import sys

from twarc.command2 import twarc2

from tests.clients.hosts import redirected

if __name__ == "__main__":
    url = sys.argv.pop(1)
    with redirected({"https://api.twitter.com": url}):
        twarc2()
