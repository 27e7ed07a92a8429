"""The brownout level that operators hold."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infra", "0004_breaker_switches"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrownoutSwitch",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "level",
                    models.TextField(
                        choices=[
                            ("auto", "by itself: 0 to 3, as people have to be sent away"),
                            ("0", "0: nothing is left out"),
                            ("1", "1: no suggestions, completion, feeds, embeds"),
                            ("2", "2: visitors do not search, either"),
                            ("3", "3: nothing for visitors but the way in; no uploads"),
                            ("4", "4: nothing is posted or changed, but for what protects people"),
                            ("5", "5: closed, but for the admin"),
                        ],
                        default="auto",
                    ),
                ),
                ("changed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "brownout",
                "verbose_name_plural": "brownout",
                "db_table": "brownout_switch",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="brownout_switch_one_row"
                    )
                ],
            },
        ),
    ]
