"""The one table of what a request needs: operation → scopes, and whether an application may ask
without a person. What is not in the table is refused (`apps.users.bearer`).

Words and needs are X's (specification 2.166); `block.write` is for POST and DELETE of blocking,
which X's table lacks and its clients still call.
"""

from dataclasses import dataclass

# In the words of the consent page.
READS: dict[str, str] = {
    "tweet.read": "See posts that you can see, also of protected accounts that let you in",
    "users.read": "See profiles that you can see",
    "follows.read": "See whom you follow and who follows you",
    "timeline.read": "See your timelines",
    "like.read": "See what you like",
    "bookmark.read": "See your bookmarks",
    "list.read": "See your lists, private ones too",
    "mute.read": "See whom you mute",
    "block.read": "See whom you block",
    "space.read": "See spaces that you can see",
    "dm.read": "Read your direct messages",
    "users.email": "See your e-mail address",
}
WRITES: dict[str, str] = {
    "tweet.write": "Post, repost and delete posts for you",
    "tweet.moderate.write": "Hide and show replies to your posts",
    "follows.write": "Follow and unfollow people for you",
    "like.write": "Like posts for you, and take likes back",
    "bookmark.write": "Add and remove bookmarks",
    "list.write": "Make and change your lists",
    "mute.write": "Mute and unmute people for you",
    "block.write": "Block and unblock people for you",
    "media.write": "Upload pictures and videos for you",
    "dm.write": "Send direct messages for you",
}
OFFLINE = "offline.access"
SCOPES: dict[str, str] = {
    **READS,
    **WRITES,
    OFFLINE: "Do this until you take the permission back, also while you are away",
}
READ_SCOPES = " ".join(sorted(READS.keys() - {"users.email"}))
WRITE_SCOPES = " ".join(sorted((READS.keys() | WRITES.keys()) - {"users.email"}))


@dataclass(frozen=True, slots=True)
class Permission:
    """What one operation needs."""

    scopes: frozenset[str]
    # Public things may be read without a person.
    app_only: bool = False


_PUBLIC = "tweet.read users.read"
# Operation → (scopes, besides tweet.read and users.read where a `+` is before them).
_PERSON = {
    "GET /2/users/me": "+",
    "GET /2/users/search": "+",
    "GET /2/users/personalized_trends": "+",
    "GET /2/users/reposts_of_me": "timeline.read tweet.read",
    "GET /2/users/{id}/timelines/reverse_chronological": "+",
    "POST /2/tweets": "+ tweet.write",
    "DELETE /2/tweets/{id}": "+ tweet.write",
    # What nobody sees yet is for those who may post it.
    "POST /2/scheduled_tweets": "+ tweet.write",
    "GET /2/scheduled_tweets": "+ tweet.write",
    "GET /2/scheduled_tweets/{id}": "+ tweet.write",
    "PUT /2/scheduled_tweets/{id}": "+ tweet.write",
    "DELETE /2/scheduled_tweets/{id}": "+ tweet.write",
    "PUT /2/tweets/{tweet_id}/hidden": "+ tweet.moderate.write",
    "POST /2/users/{id}/retweets": "+ tweet.write",
    "DELETE /2/users/{id}/retweets/{source_tweet_id}": "+ tweet.write",
    "GET /2/tweets/{id}/liking_users": "+ like.read",
    "GET /2/users/{id}/liked_tweets": "+ like.read",
    "POST /2/users/{id}/likes": "+ like.write",
    "DELETE /2/users/{id}/likes/{tweet_id}": "+ like.write",
    "GET /2/users/{id}/bookmarks": "+ bookmark.read",
    "GET /2/users/{id}/bookmarks/folders": "bookmark.read users.read",
    "GET /2/users/{id}/bookmarks/folders/{folder_id}": "+ bookmark.read",
    "POST /2/users/{id}/bookmarks": "+ bookmark.write",
    "DELETE /2/users/{id}/bookmarks/{tweet_id}": "+ bookmark.write",
    "POST /2/users/{id}/following": "+ follows.write",
    "DELETE /2/users/{source_user_id}/following/{target_user_id}": "+ follows.write",
    "GET /2/users/{id}/muting": "+ mute.read",
    "POST /2/users/{id}/muting": "+ mute.write",
    "DELETE /2/users/{source_user_id}/muting/{target_user_id}": "+ mute.write",
    "GET /2/users/{id}/blocking": "+ block.read",
    "POST /2/users/{id}/blocking": "+ block.write",
    "DELETE /2/users/{source_user_id}/blocking/{target_user_id}": "+ block.write",
    "POST /2/lists": "+ list.read list.write",
    "PUT /2/lists/{id}": "+ list.write",
    "DELETE /2/lists/{id}": "+ list.write",
    "POST /2/lists/{id}/members": "+ list.write",
    "DELETE /2/lists/{id}/members/{user_id}": "+ list.write",
    "POST /2/users/{id}/followed_lists": "+ list.write",
    "DELETE /2/users/{id}/followed_lists/{list_id}": "+ list.write",
    "GET /2/users/{id}/pinned_lists": "+ list.read",
    "POST /2/users/{id}/pinned_lists": "+ list.write",
    "DELETE /2/users/{id}/pinned_lists/{list_id}": "+ list.write",
    "GET /2/media/upload": "media.write",
    "POST /2/media/upload": "media.write",
    "POST /2/media/upload/initialize": "media.write",
    "POST /2/media/upload/{id}/append": "media.write",
    "POST /2/media/upload/{id}/finalize": "media.write",
    "POST /2/media/metadata": "media.write",
    "GET /1.1/media/upload.json": "media.write",
    "POST /1.1/media/upload.json": "media.write",
    "POST /1.1/media/metadata/create.json": "media.write",
    "GET /2/dm_events": "+ dm.read",
    "GET /2/dm_events/{event_id}": "+ dm.read",
    "DELETE /2/dm_events/{event_id}": "dm.read dm.write",
    "GET /2/dm_conversations/{id}/dm_events": "+ dm.read",
    "GET /2/dm_conversations/with/{participant_id}/dm_events": "+ dm.read",
    "POST /2/dm_conversations": "+ dm.write",
    "POST /2/dm_conversations/with/{participant_id}/messages": "+ dm.write",
    "POST /2/dm_conversations/{dm_conversation_id}/messages": "+ dm.write",
}
# Also for applications by themselves; they see what a visitor sees.
_ANYBODY = {
    "GET /2/tweets": "+",
    "GET /2/tweets/{id}": "+",
    "GET /2/tweets/{id}/edit_history": "+",
    "GET /2/tweets/{id}/quote_tweets": "+",
    "GET /2/tweets/{id}/retweeted_by": "+",
    "GET /2/tweets/{id}/retweets": "+",
    "GET /2/tweets/search/recent": "+",
    "GET /2/tweets/search/all": "+",
    "GET /2/tweets/counts/recent": "+",
    "GET /2/tweets/counts/all": "+",
    "GET /2/tweets/search/stream": "+",
    "GET /2/tweets/search/stream/rules": "+",
    "GET /2/tweets/search/stream/rules/counts": "+",
    "POST /2/tweets/search/stream/rules": "+",
    "GET /2/tweets/sample/stream": "+",
    "GET /2/trends/by/woeid/{woeid}": "+",
    "GET /2/users": "+",
    "GET /2/users/by": "+",
    "GET /2/users/by/username/{username}": "+",
    "GET /2/users/{id}": "+",
    "GET /2/users/{id}/tweets": "+",
    "GET /2/users/{id}/mentions": "+",
    "GET /2/users/{id}/followers": "+ follows.read",
    "GET /2/users/{id}/following": "+ follows.read",
    "GET /2/users/{id}/list_memberships": "+ list.read",
    "GET /2/users/{id}/owned_lists": "+ list.read",
    "GET /2/users/{id}/followed_lists": "+ list.read",
    "GET /2/lists/{id}": "+ list.read",
    "GET /2/lists/{id}/followers": "+ list.read",
    "GET /2/lists/{id}/members": "+ list.read",
    "GET /2/lists/{id}/tweets": "+ list.read",
    "GET /2/spaces": "+ space.read",
    "GET /2/spaces/{id}": "+ space.read",
    "GET /2/spaces/by/creator_ids": "+ space.read",
    "GET /2/spaces/search": "+ space.read",
    "GET /2/media": "tweet.read",
    "GET /2/media/{media_key}": "tweet.read",
}


def _table() -> dict[str, Permission]:
    rows = [(key, words, False) for key, words in _PERSON.items()]
    rows += [(key, words, True) for key, words in _ANYBODY.items()]
    return {
        key: Permission(frozenset(words.replace("+", _PUBLIC).split()), app_only)
        for key, words, app_only in rows
    }


# "GET /2/users/{id}" → what it needs.
OPERATIONS: dict[str, Permission] = _table()


def scopes_of(operation: str) -> frozenset[str]:
    """What an operation needs: `scopes_of("GET /2/users/me")`."""
    return OPERATIONS[operation].scopes


def within(access: str, scopes: frozenset[str]) -> bool:
    """Whether an application that may only read stays within that."""
    return access == "write" or not scopes & WRITES.keys()
