"""Typed settings from the environment: one field, one variable, one sentence each.

`load()` reads the process environment (of secrets also the files that it names), then the run
file of the embedded engines (`var/run.json`), so that every management command finds the engines
that `manage.py up` started.
A value that does not parse stops the process at boot and names the variable.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from apps.infra.engines import runfile

BASE_DIR = Path(__file__).resolve().parents[2]
_VAR_DIR = BASE_DIR / "var"


class BadSetting(ValueError):
    """An environment variable holds a value that does not parse."""


def _env(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


def _secret(doc: str) -> Any:
    """One that may be given as the name of a file, too: `NAME_FILE`."""
    return field(default="", metadata={"doc": doc, "is_secret": True})


@dataclass(frozen=True, kw_only=True)
class Conf:
    """Every knob of the service. The variable is the field's name in upper case."""

    debug: bool = _env(False, "Show tracebacks in the browser; never in production.")
    django_secret_key: str = _secret("Signs sessions and cookies; made in var/ when unset.")
    allowed_hosts: str = _env("*", "Host names that are served, comma-separated.")
    csrf_trusted_origins: str = _env("", "Origins allowed to post forms, comma-separated.")
    public_url: str = _env("http://localhost:3000", "Address that people type, without a slash.")
    oauth1_base_urls: str = _env(
        "https://api.x.com,https://api.twitter.com,https://upload.x.com,https://upload.twitter.com",
        "Addresses besides our own that OAuth 1.0a may be signed for, comma-separated.",
    )
    https: bool = _env(False, "The site is served over HTTPS: secure cookies and HSTS.")
    hsts_subdomains: bool = _env(
        False, "HSTS also for all hosts below this one, and for browsers' own lists; with HTTPS."
    )
    var_dir: Path = _env(_VAR_DIR, "Folder for engines, logs, keys and run files.")  # noqa: RUF009 (immutable)
    database_url: str = _secret("PostgreSQL; unset means the embedded engine.")
    database_replica_url: str = _secret(
        "A replica of PostgreSQL, for reads that may be seconds old; unset means none."
    )
    redis_state_url: str = _secret("State Redis instances, comma-separated; [0] is the broker.")
    redis_cache_url: str = _secret("Cache Redis; may evict, never shared with state.")
    redis_timeout_seconds: float = _env(0.5, "Limit of one Redis command, in seconds.")
    db_pool_max_size: int = _env(8, "Connections of one process to PostgreSQL, at most.")
    admission_max: int = _env(
        64, "Requests that one process works on at once, at most; 0 lets all in."
    )
    request_seconds: int = _env(
        10, "After so long nothing more is begun for a request: nobody waits for its answer."
    )
    db_statement_timeout_ms: int = _env(15_000, "Limit of one statement of a request, in ms.")
    cluster_id: str = _env("tl", "Prefix of queue names; two clusters may share one broker.")
    fanout_max_followers: int = _env(
        1_000_000, "Authors with more followers are merged at read, not pushed."
    )
    fanout_bulk_followers: int = _env(
        10_000, "Authors with more followers are pushed in the bulk lane."
    )
    firehose_max_backlog: int = _env(
        4_000, "Undelivered events at which `manage.py firehose` waits."
    )
    firehose_max_lag_seconds: float = _env(
        2.0, "Age of the oldest undelivered event at which `manage.py firehose` waits."
    )
    home_timeline_length: int = _env(800, "Ids that Redis keeps per home timeline, at least.")
    timeline_shards: int = _env(16, "Logical shards of timelines; fixed once data exists.")
    tweet_hash_partitions: int = _env(4, "Hash partitions of one month of tweets.")
    partition_months_ahead: int = _env(3, "Months of tweets whose partitions exist beforehand.")
    event_log_days: int = _env(7, "Days that the event log keeps; older replays use the tables.")
    log_level: str = _env("INFO", "Lowest level that is logged.")
    log_json: bool = _env(True, "Log lines as JSON; off for people at a terminal.")
    rate_limit_factor: float = _env(
        1.0, "Multiplies every limit of `apps/infra/resilience/rules.py`; 0 switches them off."
    )
    trusted_proxies: str = _env(
        "", "Addresses and networks whose X-Forwarded-For and -Proto are believed, comma-separated."
    )
    web_concurrency: int = _env(
        1, "Web processes; each has its part of a limit while the state Redis is down."
    )
    media_dir: Path = _env(Path(), "Folder of pictures; unset means media/ in VAR_DIR.")  # noqa: RUF009 (immutable)
    media_url: str = _env(
        "", "Address of pictures, such as a CDN's; unset means /media/ at PUBLIC_URL."
    )
    trends: bool = _env(True, "Count what trends, and show it; 0 does without.")
    hot: bool = _env(True, "Predict which tweets will be hot, and pin them in memory.")
    backup_dir: Path = _env(Path(), "Folder of backups; unset means backups/ in VAR_DIR.")  # noqa: RUF009 (immutable)
    archive_dir: Path = _env(  # noqa: RUF009 (immutable)
        Path(),
        "Folder of uploaded archives of X until they are in; unset means archives/ in VAR_DIR.",
    )
    archive_max_mb: int = _env(
        1_024, "Largest archive of X that may be uploaded, in MB; 0 leaves them to the command."
    )
    email_url: str = _secret(
        "Mail server, smtp://user:password@host:587; unset writes letters to mail/ in VAR_DIR."
    )
    email_from: str = _env("TwitterLite <no-reply@localhost>", "Sender of letters.")
    metrics_token: str = _secret("Bearer token for /metrics; unset serves loopback only.")


def networks_of(text: str) -> list[IPv4Network | IPv6Network]:
    """Comma-separated addresses and networks. Raises BadSetting."""
    try:
        return [ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()]
    except ValueError as error:
        raise BadSetting(f"TRUSTED_PROXIES: {error}") from error


def _parse(name: str, kind: Any, raw: str) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "0": False, "false": False}[raw.strip().lower()]
        return kind(raw)
    except (KeyError, ValueError) as error:
        raise BadSetting(f"{name}={raw!r} is not a valid {kind.__name__}") from error


def _given(name: str, environ: Mapping[str, str]) -> str:
    """A secret, from the variable or from the file that `NAME_FILE` names. Raises BadSetting."""
    value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and path:
        raise BadSetting(f"Set {name} or {name}_FILE, not both.")
    if not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name}_FILE: {path} cannot be read: {type(error).__name__}") from error


def load(environ: Mapping[str, str] | None = None) -> Conf:
    """Read the settings.

    Raises:
        BadSetting: a variable does not parse; the message names it.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for spec in fields(Conf):
        name = spec.name.upper()
        is_secret = spec.metadata.get("is_secret")
        raw = _given(name, environ) if is_secret else environ.get(name, "")
        if raw:
            values[spec.name] = _parse(name, spec.type, raw)
    running = runfile.read_urls(values.get("var_dir", BASE_DIR / "var"))
    for name in ("database_url", "database_replica_url", "redis_state_url", "redis_cache_url"):
        values.setdefault(name, running.get(name.upper(), ""))
    return Conf(**values)
