"""Tables of accounts, applications and tokens."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from apps.infra.ids import next_id
from apps.infra.stores import invalidation

MAX_USERNAME = 15
MAX_NAME = 50
MAX_BIO = 160
MAX_ADDRESS = 80
# Neither who may do what nor what others see.
_UNANNOUNCED = frozenset({"last_login"})


class UserQuerySet(models.QuerySet["User"]):
    """Changes of many accounts are announced to every process, like those of one."""

    @transaction.atomic(savepoint=False)
    def update(self, **values: Any) -> int:
        """Change the rows; the caches know before the commit."""
        ids = list(self.values_list("pk", flat=True))
        changed = super().update(**values)
        invalidation.announce([("u", user_id) for user_id in ids])
        return changed


class UserManager(BaseUserManager["User"]):
    """Look-ups by the natural key, in any letter case."""

    def get_queryset(self) -> UserQuerySet:
        """All accounts."""
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)

    def create_superuser(self, username: str, password: str, email: str = "") -> "User":
        user = User(id=next_id(), username=username, name=username, email=email or None)
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """One account. The counts are kept by the services that change the edges, in their
    transaction."""

    # No default: Django makes bare users for its own checks, where no id can be leased.
    id = models.BigIntegerField(primary_key=True, editable=False)
    username = models.CharField(max_length=MAX_USERNAME)
    name = models.CharField(max_length=MAX_NAME)
    bio = models.CharField(max_length=MAX_BIO, blank=True, default="")
    location = models.CharField(max_length=30, blank=True, default="")
    url = models.CharField(max_length=100, blank=True, default="")
    # Null, not "": two people without an address are not the same.
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001
    # The language of pages; empty: the one that the browser asks for.
    lang = models.CharField(max_length=8, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_protected = models.BooleanField(default=False)
    suspended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    followers_count = models.IntegerField(default=0)
    following_count = models.IntegerField(default=0)
    tweet_count = models.IntegerField(default=0)
    # Public lists that the account is a member of.
    listed_count = models.IntegerField(default=0, db_default=0)
    # Where the own picture and the one over the profile are, below the address of all pictures;
    # "" for the drawn ones.
    avatar = models.CharField(max_length=MAX_ADDRESS, blank=True, default="", db_default="")
    banner = models.CharField(max_length=MAX_ADDRESS, blank=True, default="", db_default="")
    # The tweet that stands on top of the profile.
    pinned_tweet_id = models.BigIntegerField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "users"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique_ci"),
            models.UniqueConstraint(Lower("email"), name="user_email_unique_ci"),
            models.CheckConstraint(
                condition=models.Q(username__regex=r"^[A-Za-z0-9_]{1,15}$"),
                name="user_username_shape",
            ),
        ]
        indexes = [
            # Who to follow: the most followed accounts.
            models.Index(models.F("followers_count").desc(), "id", name="user_most_followed"),
        ]

    def __str__(self) -> str:
        return f"@{self.username}"

    @transaction.atomic(savepoint=False)
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; what may change who is let in and what others see is announced before the commit,
        also when no service did it (`manage.py changepassword`, the admin, a shell)."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            # Posts may have named it before there was such an account.
            invalidation.announce([("s", self.username.lower())], hold=False)
        fields = kwargs.get("update_fields")
        if not is_new and (fields is None or not _UNANNOUNCED.issuperset(fields)):
            invalidation.announce([("u", self.pk)])


class Application(models.Model):
    """A program that acts for people, with the tokens they granted it.

    The consumer key and secret are for OAuth 1.0a and app-only tokens, the client id and secret for
    OAuth 2.
    """

    class Access(models.TextChoices):
        """The most that people can grant."""

        READ = "read", "Read"
        WRITE = "write", "Read and write"

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    owner_id = models.BigIntegerField()
    name = models.CharField(max_length=32)
    description = models.CharField(max_length=200, blank=True, default="")
    website = models.CharField(max_length=200, blank=True, default="")
    client_id = models.CharField(max_length=40, unique=True)
    # SHA-256; empty for a program that cannot keep a secret.
    client_secret_digest = models.CharField(max_length=64, blank=True, default="")
    is_confidential = models.BooleanField(default=True)
    consumer_key = models.CharField(max_length=40, unique=True)
    # Signatures need the secret itself: sealed (`apps.users.sealing`).
    consumer_secret = models.TextField(blank=True, default="")
    # Raised to make the app-only token another one.
    bearer_generation = models.IntegerField(default=0)
    # One per line; compared letter by letter.
    redirect_uris = models.TextField(blank=True, default="")
    access = models.CharField(max_length=8, choices=Access, default=Access.WRITE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "applications"
        indexes = [
            # Developer page: one owner's applications.
            models.Index(fields=["owner_id", "id"], name="application_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A token of any kind. Only its SHA-256 is kept: a stolen table opens no door.

    The digest of a refresh token begins with `r.`, that of an OAuth 1.0a token with `1.`: neither
    is found where a bearer token is looked for.
    """

    class Kind(models.TextChoices):
        """What a token is good for."""

        USER = "user", "bearer of a person"
        APP = "app", "bearer of an application"
        REFRESH = "refresh", "makes new bearer tokens"
        OAUTH1 = "oauth1", "signs requests of a person"

    digest = models.CharField(primary_key=True, max_length=66)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.USER)
    # Null for an application's own.
    user_id = models.BigIntegerField(null=True, blank=True)
    application_id = models.BigIntegerField(null=True, blank=True)
    # Tokens that come from one consent, by refreshing too.
    family_id = models.BigIntegerField(null=True, blank=True)
    scopes = models.TextField()
    # OAuth 1.0a: the token's secret, sealed.
    secret = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    # A refresh token is good for one use.
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "access_tokens"
        indexes = [
            # Settings: one person's tokens; suspension: all of them.
            models.Index(fields=["user_id"], name="token_of_user"),
            # An application that is deleted, or whose keys are made anew.
            models.Index(fields=["application_id"], name="token_of_application"),
            # A code or a refresh token that comes a second time.
            models.Index(fields=["family_id"], name="token_of_family"),
        ]

    def __str__(self) -> str:
        return f"token {self.digest[:8]}"


class AuthorizationCode(models.Model):
    """What a person's consent (OAuth 2) is carried back in; good for one use, for a short time."""

    digest = models.CharField(primary_key=True, max_length=64)
    application_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    family_id = models.BigIntegerField()
    redirect_uri = models.TextField()
    scopes = models.TextField()
    code_challenge = models.CharField(max_length=128)
    challenge_method = models.CharField(max_length=8)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "authorization_codes"
        indexes = [
            # Old ones are swept.
            models.Index(fields=["expires_at"], name="code_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"code {self.digest[:8]}"


class RequestToken(models.Model):
    """An OAuth 1.0a flow under way, from request_token to access_token."""

    digest = models.CharField(primary_key=True, max_length=64)
    # Sealed.
    secret = models.TextField()
    application_id = models.BigIntegerField()
    # "oob": the person types a PIN.
    callback = models.TextField()
    # Set by the consent.
    user_id = models.BigIntegerField(null=True, blank=True)
    verifier_digest = models.CharField(max_length=64, blank=True, default="")
    # Wrong verifiers that were tried.
    tries = models.SmallIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "request_tokens"
        indexes = [
            # Old ones are swept.
            models.Index(fields=["expires_at"], name="request_token_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"request {self.digest[:8]}"


class Device(models.Model):
    """A browser that is logged in, as its owner sees it. It goes with its session."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    user_id = models.BigIntegerField()
    session_key = models.CharField(max_length=40, unique=True)
    # What the browser calls itself, in two words.
    agent = models.CharField(max_length=40, blank=True, default="")
    # The network it came from, not the whole address.
    network = models.CharField(max_length=48, blank=True, default="")
    signed_in_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "devices"
        indexes = [
            # Settings: one person's devices.
            models.Index(fields=["user_id", "-signed_in_at"], name="device_of_user"),
        ]

    def __str__(self) -> str:
        return self.agent


class SecurityEvent(models.Model):
    """Something that decides who gets in, for the account's owner to read."""

    class Kind(models.TextChoices):
        """What happened."""

        SIGNED_UP = "signed_up", "account opened"
        SIGNED_IN = "signed_in", "logged in"
        PASSWORD_CHANGED = "password_changed", "password changed"
        PASSWORD_RESET = "password_reset", "password set with a link"
        EMAIL_CHANGED = "email_changed", "e-mail address confirmed"
        EMAIL_REMOVED = "email_removed", "e-mail address removed"
        DEVICE_ENDED = "device_ended", "a device logged out"
        OTHERS_ENDED = "others_ended", "all other devices logged out"

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    user_id = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    agent = models.CharField(max_length=40, blank=True, default="")
    network = models.CharField(max_length=48, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "security_events"
        indexes = [
            # Settings: what happened to one account, latest first.
            models.Index(fields=["user_id", "-id"], name="security_event_of_user"),
        ]

    def __str__(self) -> str:
        return self.kind
