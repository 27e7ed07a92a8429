"""Databases of the cluster as a whole: another one beside ours, and the exchange of the two.

A restore fills a database of its own and takes our database's place by two renames in one
transaction. So whatever is killed when, there is the old one or the new one, never a half.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from apps.infra.errors import Conflict
from apps.infra.stores import postgres

RESTORING = "_restoring"
_REPLACED = "_replaced"
# Databases that every cluster has.
_ALWAYS = ("postgres", "template1")

_OTHERS = """
select count(*), coalesce(string_agg(distinct nullif(application_name, ''), ', '), '')
  from pg_stat_activity
 where datname = %s and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
# By way of JSON, because the column of the locale has another name in each version.
_LOCALE = """
select pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, to_jsonb(d) ->> 'datlocprovider',
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
  from pg_database d where datname = %s
"""
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


class InUse(Conflict):
    """Somebody is connected to the database that is to be replaced."""

    code = "database_in_use"


class MayNotCreate(Conflict):
    """Our role may not make databases."""

    code = "may_not_create"


class Cluster:
    """A connection to another database of the cluster, from which ours can be exchanged."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection = connection
        self.name = name
        self.side = f"{name}{RESTORING}"
        self._old = f"{name}{_REPLACED}"

    def is_there(self) -> bool:
        """Whether our database exists."""
        return self._locale() is not None

    def _locale(self) -> tuple[str, ...] | None:
        row: tuple[str, ...] | None = self._connection.execute(_LOCALE, (self.name,)).fetchone()
        return row

    def ensure_ours_alone(self) -> None:
        """See that nobody uses our database and that we may replace it.

        Raises:
            InUse, MayNotCreate.
        """
        row = self._connection.execute(_OTHERS, (self.name,)).fetchone()
        if row and row[0]:
            who = f" ({row[1]})" if row[1] else ""
            raise InUse(
                f"{row[0]} connections are open to the database {self.name}{who}. Stop every"
                " process of the service first: `manage.py down`, or its containers."
            )
        may = self._connection.execute(
            "select rolsuper or rolcreatedb, rolname from pg_roles where rolname = current_user"
        ).fetchone()
        if may and not may[0]:
            raise MayNotCreate(
                "A restore fills a database beside the one it replaces, and the role"
                f' {may[1]} may not make one: as a superuser, ALTER ROLE "{may[1]}" CREATEDB.'
            )

    def make_side(self) -> None:
        """Make an empty database beside ours, which sorts text as ours does."""
        self._drop(self.side)
        options: list[sql.Composable] = [sql.SQL("template template0")]
        if found := self._locale():
            encoding, collate, ctype, provider, locale = found
            pairs = [("encoding", encoding), ("lc_collate", collate), ("lc_ctype", ctype)]
            pairs += [("locale_provider", _PROVIDERS[provider])]
            if locale:
                name = "icu_locale" if provider == "i" else "builtin_locale"
                pairs.append((name, locale))
            options += [
                sql.SQL("{} {}").format(sql.SQL(name), sql.Literal(value)) for name, value in pairs
            ]
        make = sql.SQL("create database {} {}")
        self._connection.execute(make.format(sql.Identifier(self.side), sql.SQL(" ").join(options)))

    def exchange(self) -> None:
        """Give the database beside ours its name; ours goes. One transaction.

        Raises:
            InUse: somebody has come meanwhile; all is as before.
        """
        rename = sql.SQL("alter database {} rename to {}")
        self._drop(self._old)
        try:
            with self._connection.transaction():
                if self.is_there():
                    self._connection.execute(
                        rename.format(sql.Identifier(self.name), sql.Identifier(self._old))
                    )
                self._connection.execute(
                    rename.format(sql.Identifier(self.side), sql.Identifier(self.name))
                )
        except psycopg.errors.ObjectInUse as error:
            raise InUse(f"Somebody has connected to {self.name}: {error}") from error
        self._drop(self._old)

    def forget_side(self) -> None:
        """Remove what a restore that failed has made."""
        self._drop(self.side)

    def _drop(self, name: str) -> None:
        self._connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """The cluster of the settings' database; that one need not exist."""
    _let_go()
    name = str(connections["default"].settings_dict["NAME"])
    with _connected() as connection:
        yield Cluster(connection, name)


def _connected() -> psycopg.Connection[Any]:
    options = "-c statement_timeout=0 -c lock_timeout=60s"
    try:
        return postgres.connect(options=options, dbname=_ALWAYS[0])
    except psycopg.OperationalError:
        return postgres.connect(options=options, dbname=_ALWAYS[1])


@contextmanager
def instead(name: str) -> Iterator[None]:
    """Have Django, and our own connections, work in another database of the cluster."""
    settings = connections["default"].settings_dict
    before = settings["NAME"]
    _let_go()
    settings["NAME"] = name
    try:
        yield
    finally:
        _let_go()
        settings["NAME"] = before


def _let_go() -> None:
    """Close the connections of this process, pooled ones too."""
    connections.close_all()
    default: Any = connections["default"]
    default.close_pool()
