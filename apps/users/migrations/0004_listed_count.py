from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0003_pinned_tweet"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="listed_count",
            field=models.IntegerField(db_default=0, default=0),
        ),
    ]
