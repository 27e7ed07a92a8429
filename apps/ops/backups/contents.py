"""What is in the database, as one transaction sees it."""

from collections.abc import Callable
from typing import Any

import psycopg
from django.apps import apps
from django.db.models import BigIntegerField
from psycopg import sql

from apps.infra import ids

Connection = psycopg.Connection[Any]

_TABLES = """
select n.nspname, c.relname, pg_relation_size(c.oid)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
   and c.relpersistence <> 't'
 order by 1, 2
"""
_MIGRATIONS = "select app || '.' || name from django_migrations order by id"
_EVENT_LOG = """
select (select coalesce(max(id), 0) from event_log),
       (select jsonb_build_object('epoch', epoch, 'snapshot', snap, 'top', top)
          from relay_cursor where name = 'main'),
       (select count(*) from deliveries), (select count(*) from dead_letters)
"""


def name_of(schema: str, table: str) -> str:
    """A table's name in the manifest and on the screen."""
    return table if schema == "public" else f"{schema}.{table}"


def table_sizes(connection: Connection) -> dict[str, int]:
    """Bytes on disk of every table that holds rows, without indexes."""
    return {
        name_of(schema, table): size for schema, table, size in connection.execute(_TABLES)
    }  # fmt: skip


def rows_by_table(connection: Connection, done: Callable[[int], None]) -> dict[str, int]:
    """Rows of every table that holds rows; of a partitioned one those of each partition.

    Args:
        done: called with the size of each table that is counted.
    """
    found = {}
    for schema, table, size in connection.execute(_TABLES).fetchall():
        count = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
        row = connection.execute(count).fetchone()
        found[name_of(schema, table)] = int(row[0]) if row else 0
        done(size)
    return found


def migrations(connection: Connection) -> list[str]:
    """The migrations that the database has seen, in their order."""
    return [name for (name,) in connection.execute(_MIGRATIONS).fetchall()]


def event_log(connection: Connection) -> dict[str, Any]:
    """How far the event log and its relay are."""
    row = connection.execute(_EVENT_LOG).fetchone()
    names = ("last_id", "cursor", "deliveries", "dead_letters")
    return dict(zip(names, row or (), strict=True))


def highest_id(connection: Connection) -> int:
    """The highest Snowflake in any table."""
    highest = 0
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            # An account's is given by hand; a row's own is its primary key.
            is_plain_key = field.primary_key and type(field) is BigIntegerField
            if getattr(field, "default", None) is not ids.next_id and not is_plain_key:
                continue
            query = sql.SQL("select max({}) from {}").format(
                sql.Identifier(str(field.column)), sql.Identifier(model._meta.db_table)
            )
            row = connection.execute(query).fetchone()
            highest = max(highest, (row[0] if row else None) or 0)
    return highest
