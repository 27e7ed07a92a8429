"""Pictures, polls and bookmarks of a tweet.

All of it is cheap on a full table: nulls and a constant default rewrite nothing, and the check
grows weaker, so that no stored row has to be looked at.
"""

import apps.infra.ids
import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

FORWARD = """
alter table tweets
  add column bookmark_count integer not null default 0,
  add column media_keys varchar(24)[],
  add column poll_id bigint,
  drop constraint tweet_says_something,
  add constraint tweet_says_something
    check (text <> '' or retweet_of_id is not null or media_keys is not null) not valid
"""
BACK = """
alter table tweets
  drop constraint tweet_says_something,
  drop column bookmark_count, drop column media_keys, drop column poll_id,
  add constraint tweet_says_something check (text <> '' or retweet_of_id is not null) not valid
"""
# Tweet by tweet: a join would read every month.
COUNT = """
do $$
declare kept record;
begin
  for kept in select tweet_id, count(*)::int as n from bookmarks group by tweet_id order by tweet_id
  loop
    update tweets set bookmark_count = kept.n where id = kept.tweet_id;
  end loop;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0007_mentions"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACK)],
            state_operations=[
                migrations.AddField(
                    model_name="tweet",
                    name="bookmark_count",
                    field=models.IntegerField(default=0),
                ),
                migrations.AddField(
                    model_name="tweet",
                    name="media_keys",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=24),
                        blank=True,
                        null=True,
                        size=None,
                    ),
                ),
                migrations.AddField(
                    model_name="tweet",
                    name="poll_id",
                    field=models.BigIntegerField(blank=True, null=True),
                ),
                migrations.RemoveConstraint(
                    model_name="tweet",
                    name="tweet_says_something",
                ),
                migrations.AddConstraint(
                    model_name="tweet",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True),
                            models.Q(("retweet_of_id", None), _negated=True),
                            models.Q(("media_keys", None), _negated=True),
                            _connector="OR",
                        ),
                        name="tweet_says_something",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Poll",
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
                ("tweet_id", models.BigIntegerField()),
                (
                    "options",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=25), size=None
                    ),
                ),
                (
                    "votes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                ("duration_minutes", models.IntegerField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={
                "db_table": "polls",
            },
        ),
        migrations.CreateModel(
            name="Vote",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "poll_id",
                        "user_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("poll_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("position", models.SmallIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "poll_votes",
            },
        ),
    ]
