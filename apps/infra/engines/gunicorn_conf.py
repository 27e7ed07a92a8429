"""How gunicorn serves the site; every knob is an environment variable.

HOST and PORT: where to listen. WEB_CONCURRENCY: how many processes (gunicorn reads it itself).
"""

import os
from typing import Any

from apps.infra.engines import leaving

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '3000')}"
worker_class = "apps.infra.web.server.Worker"
# By then a process that leaves has ended by itself (`apps/infra/web/server.py`), or is killed.
graceful_timeout = int(leaving.web_seconds(os.environ)) + 3
timeout = 30
# Longer than load balancers keep theirs (60 s mostly): one that we close while a request is on its
# way to it is an error at the client.
keepalive = 75
accesslog = None
# The default puts a socket into the home directory.
control_socket_disable = True


def child_exit(server: Any, worker: Any) -> None:
    """Let the metrics of a dead process no longer count as those of a living one."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
