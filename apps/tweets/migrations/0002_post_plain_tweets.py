"""Storing plain posts as a function: its plan is kept by the connection of the server.

Prepared statements would do the same, but not behind PgBouncer in transaction mode.
"""

from django.db import migrations

FORWARD = """
create function post_plain_tweets(posts json) returns text language plpgsql
-- Accounts are locked in the order of their ids, as everywhere: the sorted list drives the update,
-- or an index in that order does. A hash join or a scan of the table would lock in another order.
set enable_hashjoin = off set enable_mergejoin = off
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare counts text;
begin
  with given as materialized (
    select g.*, row_number() over () as place
      from json_to_recordset(posts)
           as g (id bigint, author_id bigint, text text, created_at timestamptz, source text)),
  stored as (
    insert into tweets (id, author_id, text, lang, source, created_at, conversation_id)
    select id, author_id, text, 'und', source, created_at, id from given),
  authors as (
    select author_id, count(*)::int as n from given group by author_id order by author_id),
  counted as (
    update users u set tweet_count = u.tweet_count + a.n from authors a where u.id = a.author_id
    returning u.id, u.tweet_count),
  -- The payload is that of `events.TweetPosted`; a test holds both equal.
  announced as (
    insert into event_log (epoch, topic, key, payload)
    select (select max(epoch) from epochs), 'tweet.posted', author_id::text,
           ('{"tweet_id":' || id || ',"author_id":' || author_id || ',"in_reply_to_id":null,'
            '"in_reply_to_user_id":null,"retweet_of_id":null,"quote_of_id":null}')::jsonb
      from given order by place)
  select string_agg(id || '=' || tweet_count, ',') into counts from counted;
  return counts;
end $$;
comment on function post_plain_tweets is
  'Store tweets that refer to nothing, count them, announce them. Gives id=tweet_count of authors.';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tweets", "0001_initial"),
        ("users", "0001_initial"),
        ("infra", "0001_event_log"),
    ]
    operations = [migrations.RunSQL(FORWARD, "drop function post_plain_tweets(json)")]
