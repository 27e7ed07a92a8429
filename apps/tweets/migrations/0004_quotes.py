"""Quotes of a tweet by an index; months to come are made with it, as with the others."""

from django.db import migrations, models

FORWARD = "create index tweet_quotes on tweets (quote_of_id, id desc) where quote_of_id is not null"


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0003_recounts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, "drop index tweet_quotes")],
            state_operations=[
                migrations.AddIndex(
                    model_name="tweet",
                    index=models.Index(
                        models.F("quote_of_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("quote_of_id", None), _negated=True),
                        name="tweet_quotes",
                    ),
                ),
            ],
        ),
    ]
