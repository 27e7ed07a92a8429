"""What a migration does that code of before cannot live beside.

While processes are replaced one by one, old and new code run on one database. So a migration adds;
what is no longer used goes in a later release, when no process knows it any more. And no statement
may hold up a table that is in use.

This reads operations and SQL; it asks no database. A table that the same migration makes is free:
nobody uses it yet.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.postgres import operations as postgres
from django.db import connection, migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field, ForeignKey, GeneratedField, ManyToManyField
from django.db.models.functions import Random

HARMLESS = (
    migrations.CreateModel,
    migrations.AlterConstraint,
    migrations.AlterModelManagers,
    migrations.AlterModelOptions,
    migrations.AlterModelTableComment,
    migrations.RemoveConstraint,
    migrations.RenameIndex,
    postgres.AddIndexConcurrently,
    postgres.CreateCollation,
    postgres.CreateExtension,
    postgres.RemoveIndexConcurrently,
    postgres.ValidateConstraint,
)
# Asked in this order: some are subclasses of others.
FAULTS: tuple[tuple[type[Operation], str], ...] = (
    (migrations.DeleteModel, "drops a table that old code reads"),
    (migrations.RenameModel, "renames a table under old code"),
    (migrations.AlterModelTable, "renames a table under old code"),
    (migrations.RemoveField, "drops a column that old code reads and writes"),
    (migrations.RenameField, "renames a column under old code"),
    (migrations.AddIndex, "writers wait for the index: AddIndexConcurrently"),
    (migrations.RemoveIndex, "readers wait for the lock: RemoveIndexConcurrently"),
    (migrations.AddConstraint, "old code may write what it refuses, and all rows are read"),
    (postgres.AddConstraintNotValid, "old code may write what it refuses"),
    (migrations.AlterUniqueTogether, "writers wait for the index"),
    (migrations.AlterIndexTogether, "writers wait for the index"),
    (migrations.AlterOrderWithRespectTo, "adds a column that old code does not fill"),
    (migrations.RunPython, "changes rows: in batches, each a transaction of its own?"),
)
# Functions that give another value for each row, so that adding the column writes every row.
VOLATILE = r"random|gen_random_uuid|uuidv[47]|clock_timestamp|nextval|timeofday"
# Strings and comments: what is in them is no statement.
_WORDS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_FUNCTION = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\b.*?(\$\w*\$).*?\1", re.DOTALL
)
_MADE = re.compile(r"\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?([\w.\"]+)")
_TABLE_OF = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([\w.\"]+)|"
    r"\bindex\b.*?\bon\s+(?:only\s+)?([\w.\"]+)|"
    r"\b(?:update|delete\s+from)\s+(?:only\s+)?([\w.\"]+)",
    re.DOTALL,
)
_ALTER = r"\balter\s+table\b.*"
SQL_FAULTS = tuple(
    (re.compile(pattern, re.DOTALL), why)
    for pattern, why in (
        (r"\bdrop\s+(?:table|view|materialized|function|type|schema|sequence)\b", "drops"),
        (r"\btruncate\b", "empties a table that old code reads"),
        (_ALTER + r"\bdrop\s+column\b", "drops a column that old code reads and writes"),
        (r"\balter\s+\w+\b.*\brename\b", "renames what old code knows"),
        (_ALTER + r"\bset\s+schema\b", "renames what old code knows"),
        (_ALTER + r"\bset\s+not\s+null\b", "old code may write nulls, and all rows are read"),
        (_ALTER + r"\bdrop\s+default\b", "old code may leave the column out"),
        (_ALTER + r"\b(?:set\s+data\s+)?type\s", "a change of type may write every row anew"),
        (_ALTER + r"\b(?:stored|(?:big|small)?serial|identity)\b", "writes every row anew"),
        (_ALTER + rf"\badd\b.*\bdefault\s+\(?\s*(?:{VOLATILE})\b", "writes every row anew"),
        (r"\bcreate\s+(?:unique\s+)?index\s+(?!concurrently)", "writers wait for the index"),
        (r"\bdrop\s+index\s+(?!concurrently)", "readers wait for the lock"),
        (r"\b(?:reindex|cluster|vacuum\s+full|lock\s+table)\b", "others wait for the lock"),
        (r"\bupdate\s+[\w.\"]+\s+(?:as\s+)?(?:\w+\s+)?set\b", "changes rows in one transaction?"),
        (r"\bdelete\s+from\b", "deletes rows in one transaction?"),
    )
)
_ADDS = re.compile(r"\badd\s+(?:constraint|check|unique|primary|foreign|exclude)\b")
_COLUMN = re.compile(r"\badd\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?(?!constraint\b)(\w+)\s")


def faults(app: str, operations: Sequence[Operation], state: ProjectState) -> list[str]:
    """What old code cannot live beside, in words, of a migration's operations.

    Args:
        state: that before the migration; it is moved on, past it.
    """
    return list(_of_operations(app, operations, state, set()))


def _of_operations(
    app: str, operations: Sequence[Operation], state: ProjectState, made: set[str]
) -> Iterator[str]:
    """Faults of each, with the names of those tables noted that they make."""
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _of_operations(app, operation.database_operations, state.clone(), made)
        else:
            for fault in _of_operation(app, operation, state, made):
                yield f"{operation.describe()}: {fault}"
        operation.state_forwards(app, state)
        if isinstance(operation, migrations.CreateModel):
            made.add(_table(state, app, operation.name))


def _of_operation(
    app: str, operation: Operation, state: ProjectState, made: set[str]
) -> Iterator[str]:
    if isinstance(operation, migrations.RunSQL):
        yield from of_sql(_sql(operation.sql), made)
        return
    model: str | None = getattr(operation, "model_name", None)
    if model and (_is_unmanaged(state, app, model) or _table(state, app, model) in made):
        return
    if isinstance(operation, migrations.AddField):
        yield from of_new_field(operation.field)
    elif isinstance(operation, migrations.AlterField):
        before = state.apps.get_model(app, operation.model_name)._meta.get_field(operation.name)
        after = state.clone()
        operation.state_forwards(app, after)
        altered = after.apps.get_model(app, operation.model_name)._meta.get_field(operation.name)
        yield from of_changed_field(before, altered)
    elif not isinstance(operation, HARMLESS):
        known = (why for kind, why in FAULTS if isinstance(operation, kind))
        yield next(known, "not known to this check: look at it and teach it")


def of_new_field(field: "Field[Any, Any]") -> Iterator[str]:
    """Faults of a column that is added."""
    if isinstance(field, ManyToManyField):
        return
    if isinstance(field, GeneratedField):
        yield "writes every row anew"
    elif not field.null and field.db_default is NOT_PROVIDED:
        yield "not null without db_default: old code does not fill it"
    if isinstance(field.db_default, Random) or re.search(VOLATILE, repr(field.db_default).lower()):
        yield "a default that differs by row: writes every row anew"
    if _has_index(field):
        yield "writers wait for the index: add it apart, concurrently"
    if isinstance(field, ForeignKey) and getattr(field, "db_constraint", True):
        yield "a foreign key locks both tables: add it apart, not valid"


def of_changed_field(before: "Field[Any, Any]", after: "Field[Any, Any]") -> Iterator[str]:
    """Faults of a column that is altered."""
    if before.column != after.column:
        yield "renames a column under old code"
    if not _is_wider(str(before.db_type(connection)), str(after.db_type(connection))):
        yield "a change of type may write every row anew"
    if before.null and not after.null:
        yield "old code may write nulls, and all rows are read"
    if before.db_default is not NOT_PROVIDED and after.db_default is NOT_PROVIDED:
        yield "old code may leave the column out"
    if _has_index(after) and not _has_index(before):
        yield "writers wait for the index: add it apart, concurrently"


def of_sql(sql: str, made: set[str]) -> Iterator[str]:
    """Faults of a script; the tables that it makes are added to `made`."""
    # What a function does is done when it is called.
    text = _FUNCTION.sub(" ", _WORDS.sub(" '' ", sql.lower()))
    for statement in text.split(";"):
        made.update(name.strip('"') for name in _MADE.findall(statement))
        found = _TABLE_OF.search(statement)
        table = next((name for name in found.groups() if name), "") if found else ""
        if table.strip('"') in made:
            continue
        yield from (why for pattern, why in SQL_FAULTS if pattern.search(statement))
        if re.search(_ALTER, statement, re.DOTALL):
            yield from _of_additions(statement)


def _of_additions(statement: str) -> Iterator[str]:
    """Faults of what ALTER TABLE adds."""
    # A comma in brackets parts no actions.
    flat = re.sub(r"\([^()]*\)", "()", re.sub(r"\([^()]*\)", "()", statement))
    for action in flat.split(","):
        if _ADDS.search(action):
            yield "old code may write what it refuses"
            if "not valid" not in action and "using index" not in action:
                yield "all rows are read under a lock: add it not valid, validate it apart"
        elif _COLUMN.search(action) and "not null" in action and "default" not in action:
            yield "not null without a default: old code does not fill it"


def _sql(given: Any) -> str:
    """The text of RunSQL, which takes one, or several with parameters."""
    if isinstance(given, str):
        return given
    return ";".join(one if isinstance(one, str) else one[0] for one in given)


def _has_index(field: "Field[Any, Any]") -> bool:
    return bool(field.unique or getattr(field, "db_index", False))


def _is_wider(before: str, after: str) -> bool:
    """Whether PostgreSQL changes this type without looking at a row."""
    if before == after:
        return True
    limits = [re.fullmatch(r"varchar\((\d+)\)", kind) for kind in (before, after)]
    if limits[0] and limits[1]:
        return int(limits[0][1]) <= int(limits[1][1])
    return bool(limits[0] or before == "varchar") and after in {"text", "varchar"}


def _is_unmanaged(state: ProjectState, app: str, model: str) -> bool:
    return not state.models[app, model.lower()].options.get("managed", True)


def _table(state: ProjectState, app: str, model: str) -> str:
    options = state.models[app, model.lower()].options
    return str(options.get("db_table") or f"{app}_{model.lower()}")
