from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0002_oauth"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="pinned_tweet_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
