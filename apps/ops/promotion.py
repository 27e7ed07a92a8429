"""Making the replica the primary, after the primary is lost.

Nobody but a person does it: a program that cannot reach the primary cannot tell whether it is
gone, and two primaries are worse than none for some minutes (record 0024).
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings

from apps.infra.errors import Conflict, DomainError, Unavailable
from apps.infra.stores import postgres

# To replay what it has received; after a long time of lag that is much.
PROMOTE_SECONDS = 300
_WAITS_FOR = "select current_setting('synchronous_standby_names')"
_FAR = """
select coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text,
       pg_last_xact_replay_timestamp()::text
"""


class PrimaryAnswers(Conflict):
    """There is a primary: a second one would take writes that one of them loses."""

    code = "primary_answers"


class NoReplica(DomainError):
    """There is nothing to promote."""

    code = "no_replica"


class PromotionFailed(Unavailable):
    """The replica did not become a primary."""

    code = "promotion_failed"


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """What was done.

    Attributes:
        url: where the primary is now.
        received: the position up to which the old primary was heard; "" if it was promoted before.
        last_commit: when the last commit that is there was made; "" if that is not known.
        waited_for: the `synchronous_standby_names` that were there; nothing is waited for now.
    """

    url: str
    received: str
    last_commit: str
    waited_for: str


def promote() -> Promoted:
    """Promote the server of DATABASE_REPLICA_URL; again is no harm.

    What it has received is replayed before. Its own commits wait for nobody then: whoever it is
    told to wait for by a copied setting does not follow it yet.

    Raises:
        NoReplica: none is set, or it does not answer. PrimaryAnswers: that of DATABASE_URL does.
        PromotionFailed: it went on as it was, or nobody knows.
    """
    url = settings.DATABASE_REPLICA_URL
    if not url:
        raise NoReplica("DATABASE_REPLICA_URL is not set: there is no replica to promote.")
    _ensure_gone()
    try:
        replica = postgres.connect(**postgres.parameters_of(url), options="")
    except psycopg.Error as error:
        raise NoReplica(f"The replica does not answer: {error}") from error
    try:
        with replica:
            return _promote(replica, url)
    except psycopg.Error as error:
        raise PromotionFailed(f"The replica said: {error}") from error


def _ensure_gone() -> None:
    try:
        with postgres.connect() as primary:
            if primary.execute("select pg_is_in_recovery()").fetchone() == (True,):
                # One that was made a replica of the other, say.
                return
    except psycopg.OperationalError:
        return
    raise PrimaryAnswers(
        "The primary (DATABASE_URL) answers. Stop it for good first: with two of them, what one"
        " takes is lost."
    )


def _promote(replica: psycopg.Connection[Any], url: str) -> Promoted:
    received = last_commit = ""
    if _one(replica, "select pg_is_in_recovery()"):
        received, last_commit = replica.execute(_FAR).fetchone() or ("", "")
        if not _one(replica, "select pg_promote(true, %s)", PROMOTE_SECONDS):
            raise PromotionFailed(f"It was not promoted within {PROMOTE_SECONDS} s; see its log.")
    waited_for = _one(replica, _WAITS_FOR)
    if waited_for:
        replica.execute("alter system set synchronous_standby_names = ''")
        replica.execute("select pg_reload_conf()")
    return Promoted(
        url=url, received=received, last_commit=last_commit or "", waited_for=waited_for
    )


def _one(connection: psycopg.Connection[Any], query: str, *given: object) -> Any:
    row = connection.execute(query.encode(), given or None).fetchone()
    return None if row is None else row[0]
