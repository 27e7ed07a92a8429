"""Who did something that others may be told of, and why not to tell them: SQL for workers.

The edges come from the tables that are the truth of them. Each statement stands in a lateral join
behind `w`, a row with recipient_id, tweet_id, and the bounds of the edges' ids: `low` and, not
included, `high`.
"""

LIKES = """
select user_id as actor_id, id from likes
 where tweet_id = w.tweet_id and id >= w.low and id < w.high and user_id <> w.recipient_id
"""
RETWEETS = """
select user_id as actor_id, retweet_id as id from retweets
 where tweet_id = w.tweet_id and retweet_id >= w.low and retweet_id < w.high
   and user_id <> w.recipient_id
"""
FOLLOWS = """
select follower_id as actor_id, id from follows
 where followee_id = w.recipient_id and id >= w.low and id < w.high
"""
REQUESTS = """
select follower_id as actor_id, id from follow_requests
 where followee_id = w.recipient_id and id >= w.low and id < w.high
"""
# The tweet itself as `t`, if it is not deleted. One that is hidden may come back; until then no
# read shows it.
STANDING = "join tweets t on t.id = {tweet} and t.author_id = {author} and t.deleted_at is null"
_WHY_NOT = """case
  when exists (select from blocks where blocker_id = {recipient} and blocked_id = {actor})
    or exists (select from blocks where blocker_id = {actor} and blocked_id = {recipient})
    then 'blocked'
  when exists (select from mutes where muter_id = {recipient} and muted_id = {actor}) then 'muted'
  when u.id is null or u.suspended_at is not null or not u.is_active then 'suspended'
{protected}end"""
_PROTECTED = """  when u.is_protected and not exists (
    select from follows where follower_id = {recipient} and followee_id = {actor}) then 'protected'
"""


def why_not(*, recipient: str, actor: str, is_follow: bool = False) -> str:
    """An expression: why this actor's doing is not told to this recipient; null where it is.

    Args:
        recipient, actor: columns. The actor's account is joined, perhaps missing, as `u`.
        is_follow: a protected account may follow; what it likes and posts only its followers see.
    """
    protected = "" if is_follow else _PROTECTED.format(recipient=recipient, actor=actor)
    return _WHY_NOT.format(recipient=recipient, actor=actor, protected=protected)
