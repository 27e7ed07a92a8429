import apps.infra.ids
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("graph", "0003_listed_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="MutedWord",
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
                ("user_id", models.BigIntegerField()),
                ("text", models.CharField(max_length=100)),
                ("folded", models.CharField(max_length=400)),
                ("in_notifications", models.BooleanField(default=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "muted_words",
                "constraints": [
                    models.UniqueConstraint(fields=("user_id", "folded"), name="muted_word_once")
                ],
            },
        ),
    ]
