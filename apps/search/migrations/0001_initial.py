from django.db import migrations, models

# Partitioned by month of the tweet's id, like `tweets`: a search walks back through the months
# and stops when its page is full. Months are made by whoever indexes the first tweet of one.
# GIN keeps a small pending list: a search reads all of it, an insert merges it in.
_DOCUMENTS = """
create table search_documents (
  tweet_id bigint not null,
  author_id bigint not null,
  conversation_id bigint not null,
  in_reply_to_id bigint,
  in_reply_to_user_id bigint,
  retweet_of_id bigint,
  retweet_of_user_id bigint,
  quote_of_id bigint,
  longitude double precision,
  latitude double precision,
  tokens tsvector not null,
  url_tokens tsvector not null,
  marks text[] not null,
  primary key (tweet_id)
) partition by range (tweet_id);
create index search_words on search_documents using gin (tokens)
  with (gin_pending_list_limit = 256);
create index search_links on search_documents using gin (url_tokens)
  with (gin_pending_list_limit = 64);
create index search_marks on search_documents using gin (marks)
  with (gin_pending_list_limit = 128);
create index search_author on search_documents (author_id, tweet_id desc);
create index search_conversation on search_documents (conversation_id, tweet_id desc);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(_DOCUMENTS, "drop table search_documents"),
        migrations.CreateModel(
            name="Backfill",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("before_id", models.BigIntegerField()),
                ("indexed", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "search_backfills"},
        ),
    ]
