"""Old code lives on beside every migration, or the migration says why that is safe."""

import sys

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now

from tests.architecture.migrations import faults

REASON = "SAFE_BESIDE_OLD_CODE"
# A reason is a sentence.
SHORTEST_REASON = 20
# Of before the first release, so nobody ran them beside older code. None is added to these.
FIRST_RELEASE = frozenset(
    {
        "graph.0003_listed_counts",
        "tweets.0004_quotes",
        "tweets.0008_attachments",
        "users.0002_oauth",
    }
)


def all_faults() -> dict[str, tuple[list[str], str]]:
    """Each migration of the house: its faults, and the reason that it gives."""
    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    found = {}
    for key in loader.graph._generate_plan(nodes=loader.graph.leaf_nodes(), at_end=True):
        migration = loader.graph.nodes[key]
        if migration.__module__.startswith("apps."):
            reason = getattr(sys.modules[migration.__module__], REASON, "")
            found[str(migration)] = (faults(key[0], migration.operations, state), reason)
        else:
            state = migration.mutate_state(state, preserve=False)
    return found


def test_old_code_lives_beside_each_migration():
    broken = {
        name: of_it
        for name, (of_it, reason) in all_faults().items()
        if of_it and len(reason) < SHORTEST_REASON and name not in FIRST_RELEASE
    }

    assert not broken, f"change it in steps, or say in {REASON} why it is safe"


def test_nothing_is_excused_that_needs_no_excuse():
    found = all_faults()

    assert [name for name in sorted(FIRST_RELEASE) if not found[name][0]] == []
    assert [name for name, (of_it, reason) in found.items() if reason and not of_it] == []
    assert len(FIRST_RELEASE) == 4, "what is new gives a reason"


# ── The check itself ─────────────────────────────────────────────────────────


def check(*operations: migrations.operations.base.Operation) -> list[str]:
    """The faults of operations on an app that has one table, `pages`."""
    state = ProjectState()
    migrations.CreateModel(
        "Page",
        [
            ("id", models.BigIntegerField(primary_key=True)),
            ("name", models.CharField(max_length=20, db_default="")),
            ("size", models.IntegerField(null=True)),
        ],
        {"db_table": "pages"},
    ).state_forwards("book", state)
    return faults("book", operations, state)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (migrations.DeleteModel("Page"), "drops a table"),
        (migrations.RenameModel("Page", "Leaf"), "renames a table"),
        (migrations.AlterModelTable("Page", "leaves"), "renames a table"),
        (migrations.RemoveField("Page", "name"), "drops a column"),
        (migrations.RenameField("Page", "name", "title"), "renames a column"),
        (migrations.AddField("Page", "n", models.IntegerField(default=0)), "without db_default"),
        (migrations.AddField("Page", "n", models.IntegerField(null=True, db_index=True)), "index"),
        (migrations.AddField("Page", "n", models.IntegerField(null=True, unique=True)), "index"),
        (
            migrations.AddField(
                "Page",
                "n",
                models.GeneratedField(
                    expression=models.F("size") + 1,
                    output_field=models.IntegerField(),
                    db_persist=True,
                ),
            ),
            "every row",
        ),
        (
            migrations.AddField(
                "Page", "n", models.FloatField(db_default=models.functions.Random())
            ),
            "every row",
        ),
        (
            migrations.AddField("Page", "of", models.ForeignKey("Page", models.CASCADE, null=True)),
            "foreign key",
        ),
        (migrations.AlterField("Page", "size", models.IntegerField()), "nulls"),
        (migrations.AlterField("Page", "size", models.BigIntegerField(null=True)), "type"),
        (
            migrations.AlterField("Page", "name", models.CharField(max_length=9, db_default="")),
            "type",
        ),
        (migrations.AlterField("Page", "name", models.CharField(max_length=20)), "leave the"),
        (
            migrations.AlterField("Page", "size", models.IntegerField(null=True, db_column="s")),
            "renames a column",
        ),
        (
            migrations.AlterField("Page", "size", models.IntegerField(null=True, unique=True)),
            "index",
        ),
        (migrations.AddIndex("Page", models.Index(fields=["size"], name="p")), "index"),
        (
            migrations.AddConstraint(
                "Page", models.CheckConstraint(condition=models.Q(size=1), name="p")
            ),
            "refuses",
        ),
        (migrations.AlterUniqueTogether("Page", {("name", "size")}), "index"),
        (migrations.RunPython(migrations.RunPython.noop), "batches"),
        (
            migrations.SeparateDatabaseAndState(
                [migrations.RemoveField("Page", "name")], [migrations.RemoveField("Page", "name")]
            ),
            "drops a column",
        ),
    ],
)
def test_an_operation_that_old_code_cannot_live_beside(operation, fault):
    assert any(fault in one for one in check(operation)), check(operation)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("drop table pages", "drops"),
        ("ALTER TABLE pages\n  DROP COLUMN name", "drops a column"),
        ("alter table pages rename column name to title", "renames"),
        ("alter table pages rename to leaves", "renames"),
        ("alter table pages add column n int not null", "without a default"),
        (
            "alter table pages add a numeric(1, 2) default 0, add b int not null",
            "without a default",
        ),
        ("alter table pages add column u uuid default gen_random_uuid()", "every row"),
        ("alter table pages add column n bigserial", "every row"),
        ("alter table pages alter column size set not null", "nulls"),
        ("alter table pages alter size type bigint", "type"),
        ("alter table pages add constraint c check (size > 0)", "validate it apart"),
        ("alter table pages add constraint c check (size > 0) not valid", "refuses"),
        ("create unique index p on pages (size)", "index"),
        ("drop index p", "lock"),
        ("update pages set size = 1", "changes rows"),
        ("select 1; delete from pages where size = 1", "deletes rows"),
        ("do $$ begin update pages p set size = 1; end $$", "changes rows"),
        ("create table leaves (id int); create index p on pages (size)", "index"),
    ],
)
def test_sql_that_old_code_cannot_live_beside(sql, fault):
    assert any(fault in one for one in check(migrations.RunSQL(sql))), check(migrations.RunSQL(sql))


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("Leaf", [("id", models.BigIntegerField(primary_key=True))]),
        migrations.AddField("Page", "n", models.IntegerField(null=True)),
        migrations.AddField("Page", "n", models.DateTimeField(db_default=Now())),
        migrations.AlterField("Page", "name", models.CharField(max_length=30, db_default="")),
        migrations.AlterField("Page", "name", models.TextField(db_default="")),
        AddIndexConcurrently("Page", models.Index(fields=["size"], name="p")),
        migrations.SeparateDatabaseAndState([], [migrations.RemoveField("Page", "name")]),
        migrations.RunSQL("create index concurrently if not exists p on pages (size)"),
        migrations.RunSQL("create table leaves (id int not null); create index l on leaves (id)"),
        migrations.RunSQL("alter table pages add column n int not null default 0, add m text"),
        migrations.RunSQL("alter table pages validate constraint c"),
        migrations.RunSQL(
            "create function f() returns void language sql as $$ update pages set size = 1 $$"
        ),
        migrations.RunSQL("comment on table pages is 'drop table; -- no; create index on it'"),
    ],
)
def test_what_old_code_does_not_notice(operation):
    assert check(operation) == []


def test_a_table_of_the_same_migration_is_free():
    made = migrations.CreateModel(
        "Leaf", [("id", models.BigIntegerField(primary_key=True))], {"db_table": "leaves"}
    )

    assert (
        check(
            made,
            migrations.AddField("Leaf", "n", models.IntegerField(default=0)),
            migrations.AddIndex("Leaf", models.Index(fields=["n"], name="l")),
            migrations.RunSQL("create index m on leaves (n)"),
        )
        == []
    )
