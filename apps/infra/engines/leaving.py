"""How long a process that was replaced may take to end what it has begun."""

from collections.abc import Mapping

# A worker ends the task in hand first; what it does not end is delivered again.
WORKER_SECONDS = 30.0
# Beyond the longest request: for answers that are still being written.
_WRITING_SECONDS = 2.0


def web_seconds(environ: Mapping[str, str]) -> float:
    """For a web process; REQUEST_SECONDS as `apps/infra/conf.py` reads it."""
    return float(environ.get("REQUEST_SECONDS") or 10) + _WRITING_SECONDS
