import apps.infra.ids
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0004_quotes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bookmark",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "tweet_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("user_id", models.BigIntegerField()),
                ("tweet_id", models.BigIntegerField()),
                ("id", models.BigIntegerField(default=apps.infra.ids.next_id)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "bookmarks",
                "indexes": [
                    models.Index(
                        models.F("user_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="bookmark_of_user",
                    )
                ],
            },
        ),
    ]
