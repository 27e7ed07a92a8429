"""tweepy's two clients, called alike, so that one script drives both."""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from apps.infra import clock
from apps.users.models import User
from apps.users.services import issue_token
from apps.users.services_tokens import app_only_token, issue_oauth1
from tests.users.oauth_clients import App

tweepy: Any = pytest.importorskip("tweepy", reason="tweepy is not installed")


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that one person and one application can show."""

    user_id: int
    bearer: str
    app_bearer: str
    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str

    @classmethod
    def of(cls, app: App, user: User) -> "Credentials":
        """New ones."""
        now, keys = clock.now(), app.keys
        token, secret = issue_oauth1(application_id=keys.application_id, user_id=user.id, now=now)
        return cls(
            user_id=user.id,
            bearer=issue_token(user_id=user.id, now=now),
            app_bearer=app_only_token(application_id=keys.application_id, now=now),
            consumer_key=keys.consumer_key,
            consumer_secret=keys.consumer_secret,
            access_token=token,
            access_token_secret=secret,
        )

    def for_client(self, **other: Any) -> dict[str, Any]:
        """What both clients of tweepy are made with."""
        return {
            "bearer_token": self.bearer,
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "access_token": self.access_token,
            "access_token_secret": self.access_token_secret,
            **other,
        }


class Sync:
    """`tweepy.Client`."""

    def __init__(self, **given: Any) -> None:
        self.client = tweepy.Client(**given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def pages(self, method: str, *args: Any, **how: Any) -> list[Any]:
        """All pages of a method, from the first to the last."""
        return list(tweepy.Paginator(getattr(self.client, method), *args, **how))

    def close(self) -> None:
        self.client.session.close()


class Async:
    """`tweepy.asynchronous.AsyncClient`, in a loop of its own."""

    def __init__(self, **given: Any) -> None:
        from tweepy.asynchronous import AsyncClient

        self._loop = asyncio.new_event_loop()
        self.client = AsyncClient(**given)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        return lambda *args, **how: self._loop.run_until_complete(method(*args, **how))

    def pages(self, method: str, *args: Any, **how: Any) -> list[Any]:
        """As of `Sync`."""
        from tweepy.asynchronous import AsyncPaginator

        async def all_of_them() -> list[Any]:
            paginator = AsyncPaginator(getattr(self.client, method), *args, **how)
            return [page async for page in paginator]

        return self._loop.run_until_complete(all_of_them())

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


KINDS: dict[str, Any] = {"sync": Sync, "async": Async}


@contextmanager
def hand(kind: str, credentials: Credentials, **other: Any) -> Iterator[Any]:
    """A client of either kind for a `with`; anything that tweepy warns of is an error."""
    if kind == "async":
        pytest.importorskip("async_lru", reason="tweepy[async] is not installed")
    made = KINDS[kind](**credentials.for_client(**other))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            yield made
    finally:
        made.close()


def ids_of(pages: Any) -> list[int]:
    """The ids on pages, in order; those of lists are texts in tweepy."""
    return [int(one.id) for page in pages for one in page.data or ()]
