"""Who may answer, and which answers are out of the way. Null nearly always, which takes no room."""

from django.db import migrations, models

FORWARD = """
alter table tweets add column reply_settings varchar(16), add column reply_hidden_at timestamptz
"""
BACK = "alter table tweets drop column reply_settings, drop column reply_hidden_at"


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0005_bookmarks"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACK)],
            state_operations=[
                migrations.AddField(
                    model_name="tweet",
                    name="reply_settings",
                    field=models.CharField(blank=True, max_length=16, null=True),
                ),
                migrations.AddField(
                    model_name="tweet",
                    name="reply_hidden_at",
                    field=models.DateTimeField(blank=True, null=True),
                ),
            ],
        ),
    ]
