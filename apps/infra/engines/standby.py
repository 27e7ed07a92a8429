"""A replica of a PostgreSQL: a copy of it that follows by streaming, and answers reads."""

import dataclasses
from pathlib import Path

from apps.infra.engines import binaries, embedded, ports
from apps.infra.engines.embedded import DATABASE, EngineFailed

# Names it to the primary: `synchronous_standby_names = 'replica'` waits for it.
NAME = "replica"
# What a primary is given that has a replica here: one that is away for longer than this much of
# the log is made anew.
PRIMARY_SETTINGS = {"wal_keep_size": "512MB"}
SIGNAL = "standby.signal"


@dataclasses.dataclass(kw_only=True)
class Standby(embedded.Postgres):
    """A replica. Its first start copies the primary, which has to run then; later ones need it not.

    `primary_port` may be another one at each start. Once promoted it is a `Postgres` for good.
    """

    primary_port: int

    def argv(self) -> list[str]:
        """Return the command; whom it follows is said anew at each start."""
        settings = {**_FOLLOWING, "primary_conninfo": self._primary}
        return [*super().argv(), *embedded.options_of(settings)]

    @property
    def _passwords(self) -> Path:
        return self.home.with_name(f"{self.home.name}.pgpass")

    @property
    def _primary(self) -> str:
        """Where the primary is. Its password is in a file: arguments are for everybody to see."""
        return (
            f"host={ports.LOOPBACK} port={self.primary_port} user={DATABASE}"
            f" application_name={NAME} passfile={_quoted(self._passwords)}"
        )

    def initialise(self) -> None:
        """Copy the primary, once.

        Raises:
            EngineFailed: the primary does not run, or this has been promoted, or is of another
                major version.
        """
        self.home.parent.mkdir(parents=True, exist_ok=True)
        self._secret(self._passwords, f"*:*:*:{DATABASE}:{self.password}\n")
        if not self.home.exists():
            self._copy()
        self._check_version()
        if not (self.home / SIGNAL).exists():
            raise EngineFailed(
                f"{self.home} was promoted: it is no replica any more. Move it away for a new one."
            )

    def _copy(self) -> None:
        fresh = self._fresh()
        sync = ["--no-sync"] if self.throw_away else []
        copy = [
            str(binaries.postgres_bin() / "pg_basebackup"),
            f"--pgdata={fresh}",
            f"--dbname={self._primary}",
            "--checkpoint=fast",
            "--wal-method=stream",
            # It looks so often, in seconds, whether it has the whole log; else once in ten.
            "--status-interval=1",
            *sync,
        ]
        self._run(copy, given="")
        # What ALTER SYSTEM told the primary is for the primary: to wait for a replica, say.
        (fresh / "postgresql.auto.conf").write_text("")
        self._secret(fresh / SIGNAL, "")
        fresh.rename(self.home)


# Rows that a read here still sees stay on the primary, so that replay need not end the read; and a
# primary that comes back is found at once.
_FOLLOWING = {
    "hot_standby": "on",
    "hot_standby_feedback": "on",
    "wal_retrieve_retry_interval": "500ms",
}


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
