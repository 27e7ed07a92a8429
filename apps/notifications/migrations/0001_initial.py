import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Seen",
            fields=[
                ("user_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seen_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "notifications_seen",
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("key", models.BigAutoField(primary_key=True, serialize=False)),
                ("recipient_id", models.BigIntegerField()),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "mention"),
                            (2, "reply"),
                            (3, "quote"),
                            (4, "like"),
                            (5, "retweet"),
                            (6, "follow"),
                            (7, "request"),
                        ]
                    ),
                ),
                ("tweet_id", models.BigIntegerField(default=0)),
                ("day", models.IntegerField()),
                ("id", models.BigIntegerField()),
                (
                    "actors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("count", models.IntegerField()),
            ],
            options={
                "db_table": "notifications",
                "indexes": [
                    models.Index(
                        models.F("recipient_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="notification_page",
                    ),
                    models.Index(
                        models.F("recipient_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("kind__in", [1, 2, 3])),
                        name="notification_mentions",
                    ),
                    models.Index(
                        condition=models.Q(("tweet_id", 0), _negated=True),
                        fields=["tweet_id"],
                        name="notification_tweet",
                    ),
                    models.Index(fields=["day"], name="notification_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("recipient_id", "kind", "tweet_id", "day"),
                        name="notification_group",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)), name="notification_not_empty"
                    ),
                ],
            },
        ),
    ]
