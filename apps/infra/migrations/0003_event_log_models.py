"""What Django knows of the event log: read-only models for the admin."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("infra", "0002_machine_leases"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("subscriber", models.TextField()),
                ("event_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("topic", models.TextField()),
                ("key", models.TextField()),
                ("payload", models.JSONField()),
                ("error", models.TextField()),
                ("parked_at", models.DateTimeField()),
                ("retried_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "dead_letters",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("subscriber", models.TextField()),
                ("epoch", models.IntegerField()),
                ("from_id", models.BigIntegerField()),
                ("to_id", models.BigIntegerField()),
                ("n", models.IntegerField(verbose_name="events")),
                ("late", models.BooleanField()),
                ("attempts", models.IntegerField()),
                ("failures", models.IntegerField()),
                ("error", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "db_table": "deliveries",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="EventLog",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("epoch", models.IntegerField()),
                ("topic", models.TextField()),
                ("key", models.TextField()),
                ("payload", models.JSONField()),
                ("trace", models.TextField(null=True)),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "event log",
                "db_table": "event_log",
                "managed": False,
            },
        ),
    ]
