"""What operators want of circuit breakers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infra", "0003_event_log_models"),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakerSwitch",
            fields=[
                ("engine", models.TextField(primary_key=True, serialize=False)),
                (
                    "position",
                    models.TextField(
                        choices=[
                            (
                                "auto",
                                "by itself: opens after failures, closes when the engine answers",
                            ),
                            ("open", "open: nobody asks the engine"),
                            ("closed", "closed: always asked, whatever comes of it"),
                        ],
                        default="auto",
                    ),
                ),
                ("changed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "breaker_switches",
                "verbose_name": "circuit breaker",
            },
        ),
    ]
