"""What tests of client libraries take for granted: accounts, tweets and a list that are on X under
these very ids, and the keys of one application. For development; a second run makes new keys.
"""

from dataclasses import dataclass
from datetime import datetime

from apps.graph import services_lists
from apps.infra import blocking, ids
from apps.infra.errors import Conflict
from apps.search import services as search_services
from apps.tweets import services_import as tweet_imports
from apps.tweets.services_import import TweetRow
from apps.users import queries_apps, services, services_apps, services_tokens
from apps.users import services_import as user_imports

APPLICATION = "Client tests"
BACK = "http://127.0.0.1/callback"
ME, OTHER = 1072250532645998596, 750362064426721281
TWITTER, DEVELOPERS, API, SUPPORT = 783214, 2244994945, 6253282, 17874544
LIST_ID, LIST_NAME = 84839422, "Official"
_PEOPLE = {
    ME: "client_tests", OTHER: "client_other", 145336962: "client_third", TWITTER: "Twitter",
    DEVELOPERS: "TwitterDev", API: "TwitterAPI", SUPPORT: "TwitterSupport",
    372575989: "TwitterNews", 3015271772: "TwitterFood",
}  # fmt: skip
_QUESTION, _ANSWER = 1344794577518145536, 1344794616005066752
# Tweet → (author, text, what it answers).
_TWEETS: dict[int, tuple[int, str, int | None]] = {
    1293593516040269825: (DEVELOPERS, "Here is a new API.", None),
    1293595870563381249: (API, "Here is how it came about.", None),
    1415348607813832708: (DEVELOPERS, "Now it retweets.", None),
    1507070437557096461: (DEVELOPERS, "Now it keeps bookmarks.", None),
    _QUESTION: (ME, "May replies be hidden?", None),
    _ANSWER: (OTHER, "This one may.", _QUESTION),
}


class IdTaken(Conflict):
    """Something else is here under an id that the tests use."""

    code = "id_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeys:
    """What a test shows: tokens of a person and of an application, and the keys behind them.

    `x_ck`, `x_cs`: consumer key and secret; `x_at`, `x_as`: access token and secret of OAuth 1.0a;
    `x_other`: the id of somebody else.
    """

    x_bearer: str
    x_app_bearer: str
    x_ck: str
    x_cs: str
    x_at: str
    x_as: str
    x_other: str


def seed_client_tests(*, now: datetime) -> ClientKeys:
    """Make the small world, where it is not there yet, and keys; those of the last run are void.

    Raises:
        IdTaken.
    """
    user_imports.ensure_users(user_ids=_PEOPLE, usernames=_PEOPLE, now=now)
    tweet_imports.ensure_partitions(tweet_ids=_TWEETS)
    rows = [
        TweetRow(
            id=tweet_id, author_id=author_id, text=text, in_reply_to_id=parent_id, lang="en",
            created_at=ids.created_at_of(tweet_id),
        )
        for tweet_id, (author_id, text, parent_id) in _TWEETS.items()
    ]  # fmt: skip
    search_services.index_tweets(tweet_ids=tweet_imports.import_tweets(rows=rows))
    _ensure_list(now)
    return _keys(now)


def _ensure_list(now: datetime) -> None:
    made = services_lists.ensure_list(list_id=LIST_ID, owner_id=TWITTER, name=LIST_NAME, now=now)
    if made.owner_id != TWITTER:
        raise IdTaken(f"The list {LIST_ID} is somebody else's.")
    for member_id in (DEVELOPERS, API):
        services_lists.add_member(user_id=TWITTER, list_id=LIST_ID, member_id=member_id, now=now)


def _keys(now: datetime) -> ClientKeys:
    for one in blocking.run(queries_apps.applications_of(ME)):
        if one.name == APPLICATION:
            services_apps.delete_application(owner_id=ME, application_id=one.id, now=now)
    keys = services_apps.create_application(
        owner_id=ME, name=APPLICATION, redirect_uris=BACK, now=now
    )
    number = keys.application_id
    token, secret = services_tokens.issue_oauth1(application_id=number, user_id=ME, now=now)
    return ClientKeys(
        x_bearer=services.issue_token(user_id=ME, application_id=number, now=now),
        x_app_bearer=services_tokens.app_only_token(application_id=number, now=now),
        x_ck=keys.consumer_key,
        x_cs=keys.consumer_secret,
        x_at=token,
        x_as=secret,
        x_other=str(OTHER),
    )
