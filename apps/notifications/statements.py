"""The statements by which groups are counted anew from what they are about."""

from apps.infra import ids
from apps.notifications.schemas import MAX_ACTORS, MAX_COUNT, Kind
from apps.tweets import told_sql

# Of so many of the newest edges it is looked up whether they may be told; older ones only count.
LOOKED_AT = 200

_EDGES = {
    Kind.LIKE: told_sql.LIKES,
    Kind.RETWEET: told_sql.RETWEETS,
    Kind.FOLLOW: told_sql.FOLLOWS,
    Kind.REQUEST: told_sql.REQUESTS,
}
_GROUP = "(recipient_id, kind, tweet_id, day)"

# Gives for each group: recipient, place before and after (null: none), whether anything changed,
# how far the recipient has looked, and why the batch's own actors were left out.
_REFRESH = """
with wanted as materialized (
  select w.*, exists (
      -- Nearly everybody mutes none: then the tweet is not looked for.
      select from muted_conversations m join tweets t on t.conversation_id = m.conversation_id
       where m.user_id = w.recipient_id and t.id = w.tweet_id) as is_muted
    from unnest(%(recipients)s::bigint[], %(tweets)s::bigint[], %(days)s::int[],
                %(lows)s::bigint[], %(highs)s::bigint[])
    as w (recipient_id, tweet_id, day, low, high)),
looked as materialized (
  select w.*, e.*
    from wanted w cross join lateral (
      select max(s.id) filter (where s.why is null) as id,
             (array_agg(s.actor_id order by s.id desc) filter (where s.why is null))[1:{actors}]
               as actors,
             count(*) filter (where s.why is null)::int as told, count(*)::int as n,
             string_agg(s.why, ',') filter (where s.actor_id = any(%(actors)s)) as kept_back
        from (select a.actor_id, a.id,
                     case when w.is_muted then 'conversation' else {why} end as why
                from ({edges} order by 2 desc limit {looked_at}) a
                left join users u on u.id = a.actor_id) s) e),
truth as materialized (
  select w.*, case when n < {looked_at} then told
              else (select count(*)::int from (select from ({edges}) a limit {most}) c) - (n - told)
              end as count
    from looked w),
before as materialized (
  select n.recipient_id, n.tweet_id, n.day, n.id
    from truth t join notifications n on n.recipient_id = t.recipient_id and n.kind = {kind}
     and n.tweet_id = t.tweet_id and n.day = t.day),
gone as (
  delete from notifications n using truth t
   where n.recipient_id = t.recipient_id and n.kind = {kind} and n.tweet_id = t.tweet_id
     and n.day = t.day and t.told = 0),
kept as (
  insert into notifications as n (recipient_id, kind, tweet_id, day, id, actors, count)
  select recipient_id, {kind}, tweet_id, day, id, actors, count from truth where told > 0
      on conflict {group} do update
     set id = excluded.id, actors = excluded.actors, count = excluded.count
   where (n.id, n.actors, n.count) is distinct from (excluded.id, excluded.actors, excluded.count)
  returning n.recipient_id, n.tweet_id, n.day)
select t.recipient_id, b.id, t.id, k.day is not null, coalesce(s.seen_id, 0), t.kept_back
  from truth t
  left join before b using (recipient_id, tweet_id, day)
  left join kept k using (recipient_id, tweet_id, day)
  left join notifications_seen s on s.user_id = t.recipient_id
"""


def _refresh(kind: Kind) -> str:
    is_follow = kind in (Kind.FOLLOW, Kind.REQUEST)
    return _REFRESH.format(
        kind=kind.value,
        group=_GROUP,
        actors=MAX_ACTORS,
        most=MAX_COUNT,
        looked_at=LOOKED_AT,
        edges=_EDGES[kind],
        why=told_sql.why_not(recipient="w.recipient_id", actor="a.actor_id", is_follow=is_follow),
    )


REFRESH = {kind: _refresh(kind) for kind in _EDGES}

# Where it stands among the others: whoever is named by an edit is told of it now.
_PLACE = f"""case when t.edit_times is null then g.tweet_id
  else ((extract(epoch from t.edit_times[cardinality(t.edit_times)]) * 1000)::bigint
        - {ids.EPOCH_MS}) * {ids.at_ms(ids.EPOCH_MS + 1)} end"""
# Recipient, kind, and whether it is unread; or kind and why it is not told.
TELL = f"""
with given as materialized (
  select * from unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::int[])
    as g (recipient_id, kind, tweet_id, author_id, day)),
judged as materialized (
  select g.*, {_PLACE} as place, case when exists (
              select from muted_conversations m
               where m.user_id = g.recipient_id and m.conversation_id = t.conversation_id)
              then 'conversation'
              else {told_sql.why_not(recipient="g.recipient_id", actor="g.author_id")} end as why
    from given g {told_sql.STANDING.format(tweet="g.tweet_id", author="g.author_id")}
    left join users u on u.id = g.author_id),
kept as (
  insert into notifications (recipient_id, kind, tweet_id, day, id, actors, count)
  select recipient_id, kind, tweet_id, day, place, array[author_id], 1 from judged
   where why is null
      on conflict {_GROUP} do nothing
  returning recipient_id, kind, id)
select k.recipient_id, k.kind, k.id > coalesce(s.seen_id, 0), null
  from kept k left join notifications_seen s on s.user_id = k.recipient_id
union all
select recipient_id, kind, false, why from judged where why is not null
"""  # noqa: S608 (own names)

# Groups in which somebody who undid something may be: named, or among those who are only counted.
UNDONE = """
select n.recipient_id, n.kind, n.tweet_id, n.day
  from unnest(%s::bigint[], %s::int[], %s::bigint[]) as g (recipient_id, kind, tweet_id)
  join notifications n using (recipient_id, kind, tweet_id)
 where n.count > cardinality(n.actors) or n.actors && %s::bigint[]
"""
# Groups that name somebody of whom the recipient hears no more.
PARTED = f"""
select n.recipient_id, n.kind, n.tweet_id, n.day
  from unnest(%s::bigint[], %s::bigint[]) as g (recipient_id, actor_id)
  join notifications n using (recipient_id)
 where n.actors @> array[g.actor_id] and n.kind >= {Kind.LIKE.value}
"""  # noqa: S608 (own names)
# The first condition is that of the index.
DELETE_OF_TWEETS = (
    "delete from notifications where tweet_id <> 0 and tweet_id = any(%s) returning recipient_id"
)
FORGET = (
    "with seen as (delete from notifications_seen where user_id = any(%(ids)s)),"
    " muted as (delete from muted_conversations where user_id = any(%(ids)s))"
    " delete from notifications where recipient_id = any(%(ids)s)"
)
DELETE_OLD = """
delete from notifications where key in (
  select key from notifications where day < %s order by day limit %s)
"""
UNREAD = """
select u.user_id, (
    select count(*) from (
      select from notifications n where n.recipient_id = u.user_id
         and n.id > coalesce(s.seen_id, 0) limit %s) c)
  from unnest(%s::bigint[]) as u (user_id) left join notifications_seen s using (user_id)
"""
SEE = """
insert into notifications_seen as s (user_id, seen_id) values (%s, %s)
    on conflict (user_id) do update set seen_id = excluded.seen_id
 where s.seen_id < excluded.seen_id
"""
