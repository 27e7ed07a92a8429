import apps.infra.ids
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0002_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="StreamRule",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=apps.infra.ids.next_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("owner_id", models.BigIntegerField()),
                ("value", models.CharField(max_length=512)),
                ("tag", models.CharField(blank=True, default="", max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "stream_rules",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["owner_id", "value", "tag"], name="stream_rule_once"
                    )
                ],
            },
        ),
    ]
