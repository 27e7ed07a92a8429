"""When a tweet was edited, and what it said before. Null nearly always, which takes no room."""

import django.contrib.postgres.fields
from django.db import migrations, models

FORWARD = "alter table tweets add column edit_times timestamptz[]"
BACK = "alter table tweets drop column edit_times"


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0010_scheduled_posts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACK)],
            state_operations=[
                migrations.AddField(
                    model_name="tweet",
                    name="edit_times",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), blank=True, null=True, size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TweetVersion",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tweet_id", "number", blank=True, editable=False, primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tweet_id", models.BigIntegerField()),
                ("number", models.SmallIntegerField()),
                ("author_id", models.BigIntegerField()),
                ("text", models.CharField(blank=True, max_length=4000)),
                ("created_at", models.DateTimeField()),
            ],
            options={"db_table": "tweet_versions"},
        ),
    ]  # fmt: skip
