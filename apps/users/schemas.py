"""What leaves this app: frozen, complete, never a row."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOut:
    """One account as others may use it; `is_suspended` is for the visibility filter."""

    id: int
    username: str
    name: str
    bio: str
    location: str
    url: str
    lang: str
    is_protected: bool
    is_suspended: bool
    created_at: datetime
    followers_count: int
    following_count: int
    tweet_count: int
    pinned_tweet_id: int | None = None
    listed_count: int = 0
    # Where their pictures are, below the address of all pictures; "" for the drawn ones.
    avatar: str = ""
    banner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person a request acts as. `digest` names the token; empty for a browser session."""

    user_id: int
    scopes: frozenset[str]
    application_id: int | None = None
    digest: str = ""
    expires_at_ms: int | None = None

    @property
    def viewer_id(self) -> int | None:
        """Whose eyes a read has."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOnly:
    """An application that asks without a person: it reads what is public, and acts for nobody."""

    application_id: int
    scopes: frozenset[str]
    digest: str
    expires_at_ms: int | None = None

    @property
    def viewer_id(self) -> int | None:
        """Whose eyes a read has: a visitor's."""
        return None


# Whoever a token may stand for.
Caller = Actor | AppOnly


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationOut:
    """A program that acts for people; the secrets only as they are stored."""

    id: int
    owner_id: int
    name: str
    description: str
    website: str
    client_id: str
    client_secret_digest: str
    is_confidential: bool
    consumer_key: str
    consumer_secret_sealed: str
    redirect_uris: tuple[str, ...]
    access: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantOut:
    """What one person lets one application do; `scopes` is sorted."""

    application_id: int
    name: str
    description: str
    website: str
    scopes: tuple[str, ...]
    since: datetime


class Visit(NamedTuple):
    """From where somebody came: what the browser calls itself, and the network; "" if unknown."""

    agent: str
    network: str


class DeviceOut(NamedTuple):
    """A browser in which an account is logged in."""

    id: int
    agent: str
    network: str
    signed_in_at: datetime
    # The one that asks.
    is_this: bool


class SecurityEventOut(NamedTuple):
    """Something that happened to an account's door; `kind` is one of `SecurityEvent.Kind`."""

    kind: str
    agent: str
    network: str
    at: datetime
