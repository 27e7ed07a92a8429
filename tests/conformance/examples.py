"""Example requests for the reference, one for each operation. Their answers are recorded from a
real run into `twitterlite/openapi/examples.json`; test_examples holds them against it.

In paths and bodies `{alice}`, `{first}`, `{own}`, `{picture}` … stand for ids of the world; it is
alice who asks.
"""

from typing import Any

_TWEET = "tweet.fields=created_at,public_metrics&expansions=author_id"
_USER = "user.fields=created_at,public_metrics"
_LIST = "list.fields=member_count,owner_id"


def _post(path: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"path": path, "json": body, **more}


EXAMPLES: dict[str, dict[str, Any]] = {
    # Reads.
    "GET /2/tweets": {"path": f"/2/tweets?ids={{first}},{{quote}},1&{_TWEET}"},
    "GET /2/tweets/{id}": {
        "path": "/2/tweets/{first}?tweet.fields=entities,lang,reply_settings,conversation_id"
    },
    "GET /2/tweets/{id}/edit_history": {"path": "/2/tweets/{edited}/edit_history"},
    "GET /2/tweets/{id}/liking_users": {"path": "/2/tweets/{first}/liking_users?max_results=2"},
    "GET /2/tweets/{id}/retweeted_by": {"path": "/2/tweets/{first}/retweeted_by"},
    "GET /2/tweets/{id}/retweets": {"path": "/2/tweets/{first}/retweets"},
    "GET /2/tweets/{id}/quote_tweets": {
        "path": "/2/tweets/{first}/quote_tweets?tweet.fields=referenced_tweets"
    },
    "GET /2/tweets/search/recent": {
        "path": f"/2/tweets/search/recent?query=tea%20-is:retweet&{_TWEET}"
    },
    "GET /2/tweets/search/all": {"path": "/2/tweets/search/all?query=from:bob%20tea"},
    "GET /2/tweets/counts/recent": {
        "path": "/2/tweets/counts/recent?query=tea&granularity=day", "trim": 2,
    },
    "GET /2/tweets/counts/all": {
        "path": "/2/tweets/counts/all?query=tea&granularity=day", "trim": 2,
    },
    "GET /2/tweets/search/stream": {
        "path": "/2/tweets/search/stream?expansions=author_id", "auth": "app",
    },
    "GET /2/tweets/sample/stream": {"path": "/2/tweets/sample/stream", "auth": "app"},
    "GET /2/tweets/search/stream/rules": {
        "path": "/2/tweets/search/stream/rules", "auth": "app",
    },
    "GET /2/users/me": {"path": f"/2/users/me?{_USER}"},
    "GET /2/users": {"path": "/2/users?ids={alice},{bob},1"},
    "GET /2/users/by": {"path": "/2/users/by?usernames=alice,bob"},
    "GET /2/users/by/username/{username}": {
        "path": f"/2/users/by/username/alice?{_USER},description,url,location"
    },
    "GET /2/users/{id}": {"path": "/2/users/{alice}?expansions=pinned_tweet_id"},
    "GET /2/users/search": {"path": "/2/users/search?query=al"},
    "GET /2/users/reposts_of_me": {"path": "/2/users/reposts_of_me"},
    "GET /2/users/{id}/tweets": {"path": f"/2/users/{{alice}}/tweets?max_results=5&{_TWEET}",
                                 "trim": 2},
    "GET /2/users/{id}/mentions": {"path": "/2/users/{bob}/mentions?tweet.fields=created_at"},
    "GET /2/users/{id}/timelines/reverse_chronological": {
        "path": f"/2/users/{{alice}}/timelines/reverse_chronological?max_results=2&{_TWEET}"
    },
    "GET /2/users/{id}/liked_tweets": {"path": "/2/users/{alice}/liked_tweets?max_results=5"},
    "GET /2/users/{id}/bookmarks": {"path": "/2/users/{alice}/bookmarks?max_results=2"},
    "GET /2/users/{id}/following": {"path": "/2/users/{alice}/following"},
    "GET /2/users/{id}/followers": {"path": f"/2/users/{{alice}}/followers?{_USER}"},
    "GET /2/users/{id}/muting": {"path": "/2/users/{alice}/muting"},
    "GET /2/users/{id}/blocking": {"path": "/2/users/{alice}/blocking"},
    "GET /2/users/{id}/owned_lists": {"path": f"/2/users/{{alice}}/owned_lists?{_LIST}"},
    "GET /2/users/{id}/list_memberships": {"path": "/2/users/{alice}/list_memberships"},
    "GET /2/users/{id}/followed_lists": {
        "path": f"/2/users/{{alice}}/followed_lists?{_LIST}&expansions=owner_id"
    },
    "GET /2/users/{id}/pinned_lists": {"path": "/2/users/{alice}/pinned_lists"},
    "GET /2/lists/{id}": {"path": f"/2/lists/{{own}}?{_LIST},description,private"},
    "GET /2/lists/{id}/members": {"path": "/2/lists/{own}/members"},
    "GET /2/lists/{id}/followers": {"path": "/2/lists/{own}/followers"},
    "GET /2/lists/{id}/tweets": {"path": "/2/lists/{own}/tweets?max_results=2"},
    "GET /2/media": {"path": "/2/media?media_keys={media}&media.fields=alt_text,url,width,height"},
    "GET /2/media/{media_key}": {"path": "/2/media/{media}?media.fields=alt_text"},
    "GET /2/media/upload": {"path": "/2/media/upload?command=STATUS&media_id={picture}"},
    "GET /1.1/media/upload.json": {
        "path": "/1.1/media/upload.json?command=STATUS&media_id={picture}"
    },
    "GET /2/trends/by/woeid/{woeid}": {"path": "/2/trends/by/woeid/1?max_trends=3"},
    "GET /2/users/personalized_trends": {
        "path": "/2/users/personalized_trends?personalized_trend.fields=trend_name,trending_since"
    },
    "GET /2/spaces": {"path": "/2/spaces?ids=1OdJrXWaPVPGX"},
    "GET /2/spaces/{id}": {"path": "/2/spaces/1OdJrXWaPVPGX"},
    "GET /2/spaces/by/creator_ids": {"path": "/2/spaces/by/creator_ids?user_ids={bob}"},
    "GET /2/spaces/search": {"path": "/2/spaces/search?query=tea"},
    # Writes.
    "POST /2/tweets": _post("/2/tweets", {"text": "Hello from the API"}),
    "POST /2/scheduled_tweets": _post(
        "/2/scheduled_tweets",
        {"text": "Good morning", "scheduled_at": "{tomorrow}"},
        keep="scheduled",
    ),
    "GET /2/scheduled_tweets": {"path": "/2/scheduled_tweets", "trim": 1},
    "GET /2/scheduled_tweets/{id}": {"path": "/2/scheduled_tweets/{scheduled}"},
    "PUT /2/scheduled_tweets/{id}": {
        "path": "/2/scheduled_tweets/{scheduled}", "json": {"text": "Good morning, everybody"},
    },
    "DELETE /2/scheduled_tweets/{id}": {"path": "/2/scheduled_tweets/{scheduled}"},
    "PUT /2/tweets/{tweet_id}/hidden": {
        "path": "/2/tweets/{answer}/hidden", "json": {"hidden": True},
    },
    "POST /2/users/{id}/likes": _post("/2/users/{alice}/likes", {"tweet_id": "{quote}"}),
    "DELETE /2/users/{id}/likes/{tweet_id}": {"path": "/2/users/{alice}/likes/{quote}"},
    "POST /2/users/{id}/retweets": _post("/2/users/{alice}/retweets", {"tweet_id": "{quote}"}),
    "DELETE /2/users/{id}/retweets/{source_tweet_id}": {
        "path": "/2/users/{alice}/retweets/{quote}"
    },
    "POST /2/users/{id}/bookmarks": _post("/2/users/{alice}/bookmarks", {"tweet_id": "{quote}"}),
    "DELETE /2/users/{id}/bookmarks/{tweet_id}": {"path": "/2/users/{alice}/bookmarks/{quote}"},
    "POST /2/users/{id}/following": _post(
        "/2/users/{alice}/following", {"target_user_id": "{bob}"}
    ),
    "DELETE /2/users/{source_user_id}/following/{target_user_id}": {
        "path": "/2/users/{alice}/following/{bob}"
    },
    "POST /2/users/{id}/muting": _post("/2/users/{alice}/muting", {"target_user_id": "{bob}"}),
    "DELETE /2/users/{source_user_id}/muting/{target_user_id}": {
        "path": "/2/users/{alice}/muting/{bob}"
    },
    "POST /2/lists": _post("/2/lists", {"name": "Tea", "description": "People who drink it"}),
    "PUT /2/lists/{id}": {"path": "/2/lists/{own}", "json": {"name": "Green tea"}},
    "POST /2/lists/{id}/members": _post("/2/lists/{own}/members", {"user_id": "{bob}"}),
    "DELETE /2/lists/{id}/members/{user_id}": {"path": "/2/lists/{own}/members/{bob}"},
    "POST /2/users/{id}/followed_lists": _post(
        "/2/users/{alice}/followed_lists", {"list_id": "{bobs}"}
    ),
    "DELETE /2/users/{id}/followed_lists/{list_id}": {
        "path": "/2/users/{alice}/followed_lists/{bobs}"
    },
    "POST /2/users/{id}/pinned_lists": _post(
        "/2/users/{alice}/pinned_lists", {"list_id": "{bobs}"}
    ),
    "DELETE /2/users/{id}/pinned_lists/{list_id}": {
        "path": "/2/users/{alice}/pinned_lists/{bobs}"
    },
    "POST /2/tweets/search/stream/rules": _post(
        "/2/tweets/search/stream/rules",
        {"add": [{"value": "milk -is:retweet", "tag": "dairy"}]},
        auth="app",
    ),
    "POST /2/media/upload": {
        "path": "/2/media/upload", "files": {"media": "tea.jpg", "media_category": "tweet_image"},
    },
    "POST /2/media/upload/initialize": _post(
        "/2/media/upload/initialize",
        {"total_bytes": "{bytes}", "media_type": "image/jpeg", "media_category": "tweet_image"},
        keep="upload",
    ),
    "POST /2/media/upload/{id}/append": {
        "path": "/2/media/upload/{upload}/append",
        "files": {"segment_index": "0", "media": "tea.jpg"},
    },
    "POST /2/media/upload/{id}/finalize": _post("/2/media/upload/{upload}/finalize", {}),
    "POST /2/media/metadata": _post(
        "/2/media/metadata",
        {"id": "{picture}", "metadata": {"alt_text": {"text": "A cup of tea"}}},
    ),
    "POST /1.1/media/upload.json": {
        "path": "/1.1/media/upload.json", "files": {"media": "tea.jpg"},
    },
    "POST /1.1/media/metadata/create.json": _post(
        "/1.1/media/metadata/create.json",
        {"media_id": "{picture}", "alt_text": {"text": "A cup of tea"}},
    ),
    # What cannot be undone comes last.
    "POST /2/users/{id}/blocking": _post("/2/users/{alice}/blocking", {"target_user_id": "{erin}"}),
    "DELETE /2/users/{source_user_id}/blocking/{target_user_id}": {
        "path": "/2/users/{alice}/blocking/{erin}"
    },
    "DELETE /2/lists/{id}": {"path": "/2/lists/{private}"},
    "DELETE /2/tweets/{id}": {"path": "/2/tweets/{deeper}"},
    # Tokens.
    "POST /oauth2/token": {
        "path": "/oauth2/token", "form": {"grant_type": "client_credentials"}, "auth": "consumer",
    },
    "POST /oauth2/invalidate_token": {
        "path": "/oauth2/invalidate_token", "form": {"access_token": "{app_token}"},
        "auth": "consumer",
    },
    "POST /2/oauth2/token": {
        "path": "/2/oauth2/token",
        "form": {
            "grant_type": "authorization_code", "code": "{code}",
            "redirect_uri": "https://app.example/back", "code_verifier": "{verifier}",
        },
        "auth": "basic",
    },
    "POST /2/oauth2/revoke": {
        "path": "/2/oauth2/revoke", "form": {"token": "{app_token}"}, "auth": "basic",
    },
}  # fmt: skip
# For a person's browser, or signed by a library: an example would say nothing.
WITHOUT = {
    "GET /i/oauth2/authorize", "GET /oauth/authorize", "GET /oauth/authenticate",
    "POST /oauth/request_token", "POST /oauth/access_token",
}  # fmt: skip
