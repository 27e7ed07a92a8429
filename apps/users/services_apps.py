"""Verbs about applications: who makes one gets keys, which are shown once."""

import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.infra.errors import Invalid, NotFound
from apps.infra.shown_names import shown_name
from apps.infra.stores import invalidation
from apps.users.models import AccessToken, Application
from apps.users.sealing import seal
from apps.users.services import digest_of

MAX_APPLICATIONS = 50
MAX_REDIRECTS = 10
MAX_URI = 500
_LETTERS = string.ascii_letters + string.digits
_URI = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# Addresses that would run or show something in this site's name, or in the browser's.
_BARRED = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "view-source"})


class BadApplication(Invalid):
    """A field of an application breaks its rule; `field` names it."""

    code = "bad_application"


class TooManyApplications(Invalid):
    """Somebody has as many applications as one may have."""

    code = "too_many_applications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What an application shows for itself; the secrets are told this once. "" was not made."""

    application_id: int
    consumer_key: str = ""
    consumer_secret: str = ""
    client_id: str = ""
    client_secret: str = ""


def letters(length: int) -> str:
    """A random text of letters and digits, 5.95 bits each."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def create_application(
    *,
    owner_id: int,
    name: str,
    now: datetime,
    description: str = "",
    website: str = "",
    redirect_uris: str = "",
    access: str = Application.Access.WRITE,
    is_confidential: bool = True,
) -> Keys:
    """Register a program.

    Args:
        redirect_uris: one per line; the only addresses people are sent back to.
        access: "read" or "write", the most that people can grant.
        is_confidential: it runs where it can keep a secret; else it gets no client secret.

    Raises:
        BadApplication, TooManyApplications.
    """
    fields = _checked(name, description, website, redirect_uris, access)
    if Application.objects.filter(owner_id=owner_id).count() >= MAX_APPLICATIONS:
        raise TooManyApplications(
            _("One person may have %(max_applications)s applications.")
            % {"max_applications": MAX_APPLICATIONS}
        )
    client_secret = letters(50) if is_confidential else ""
    consumer_secret = letters(50)
    made = Application.objects.create(
        owner_id=owner_id, created_at=now, is_confidential=is_confidential, client_id=letters(34),
        client_secret_digest=digest_of(client_secret) if client_secret else "",
        consumer_key=letters(25), consumer_secret=seal(consumer_secret), **fields,
    )  # fmt: skip
    return Keys(
        application_id=made.id, consumer_key=made.consumer_key, consumer_secret=consumer_secret,
        client_id=made.client_id, client_secret=client_secret,
    )  # fmt: skip


def update_application(
    *,
    owner_id: int,
    application_id: int,
    name: str,
    description: str,
    website: str,
    redirect_uris: str,
    access: str,
    now: datetime,
) -> None:
    """Replace what people read of an application, and where it may send them.

    With another access people are asked anew: what they granted is void.

    Raises:
        NotFound: not this person's. BadApplication.
    """
    fields = _checked(name, description, website, redirect_uris, access)
    with transaction.atomic():
        one = owned(owner_id=owner_id, application_id=application_id)
        if fields["access"] != one.access:
            revoke_all(AccessToken.objects.filter(application_id=one.id), now)
        Application.objects.filter(pk=one.pk).update(**fields)


def _checked(
    name: str, description: str, website: str, redirect_uris: str, access: str
) -> dict[str, str]:
    name, website = shown_name(name), website.strip()
    if not 1 <= len(name) <= 32:  # noqa: PLR2004
        raise BadApplication(_("A name has 1 to 32 characters."), field="name")
    if len(description) > 200:  # noqa: PLR2004
        raise BadApplication(_("A description has up to 200 characters."), field="description")
    for field, text in (("name", name), ("description", description), ("website", website)):
        if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
            raise BadApplication(
                _("This text holds characters that cannot be stored."), field=field
            )
    if website and (len(website) > 200 or not re.match(r"https?://[^\s]+$", website)):  # noqa: PLR2004
        raise BadApplication(_("A web address begins with http:// or https://."), field="website")
    if access not in Application.Access.values:
        raise BadApplication(_("An application reads, or reads and writes."), field="access")
    uris = redirect_uris.split()
    if len(uris) > MAX_REDIRECTS:
        raise BadApplication(
            _("Up to %(max_redirects)s addresses.") % {"max_redirects": MAX_REDIRECTS},
            field="redirect_uris",
        )
    for uri in uris:
        _check_redirect(uri)
    return {
        "name": name, "description": description.strip(), "website": website, "access": access,
        "redirect_uris": "\n".join(uris),
    }  # fmt: skip


def _check_redirect(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        raise BadApplication(
            _("%(uri)s is not an address.") % {"uri": uri[:80]}, field="redirect_uris"
        ) from None
    is_web = parts.scheme in {"http", "https"}
    if (
        len(uri) > MAX_URI
        or not _URI.fullmatch(uri)
        or not _SCHEME.fullmatch(parts.scheme)
        or parts.scheme in _BARRED
        or "#" in uri
        or parts.username is not None
        or (is_web and not host)
    ):
        raise BadApplication(
            _(
                "%(uri)s cannot be an address to come back to: it begins with"
                " https:// (or an app's own scheme) and has no #."
            )
            % {"uri": uri[:80]},
            field="redirect_uris",
        )


def owned(*, owner_id: int, application_id: int) -> Application:
    """An application of this person, locked: while its tokens are taken back nobody gets new ones.

    Raises:
        NotFound.
    """
    rows = Application.objects.select_for_update()
    one = rows.filter(id=application_id, owner_id=owner_id).first()
    if one is None:
        raise NotFound(_("There is no such application."))
    return one


def access_held(application_id: int) -> str | None:
    """What people can grant an application, None if it is gone. Until the caller's transaction ends
    nobody takes back its tokens, who could not see those that the caller makes."""
    with connection.cursor() as cursor:
        cursor.execute("select access from applications where id = %s for share", [application_id])
        row = cursor.fetchone()
    return row[0] if row else None


@transaction.atomic
def regenerate_consumer(*, owner_id: int, application_id: int, now: datetime) -> Keys:
    """A new consumer key and secret; the old ones, and all that was made with them, are void.

    Raises:
        NotFound.
    """
    one = owned(owner_id=owner_id, application_id=application_id)
    secret = letters(50)
    one.consumer_key, one.consumer_secret = letters(25), seal(secret)
    one.bearer_generation += 1
    one.save(update_fields=["consumer_key", "consumer_secret", "bearer_generation"])
    made_with = [AccessToken.Kind.APP, AccessToken.Kind.OAUTH1]
    revoke_all(AccessToken.objects.filter(application_id=one.id, kind__in=made_with), now)
    return Keys(application_id=one.id, consumer_key=one.consumer_key, consumer_secret=secret)


@transaction.atomic
def regenerate_client_secret(*, owner_id: int, application_id: int, now: datetime) -> Keys:
    """A new client secret; what people granted stays.

    Raises:
        NotFound. BadApplication: a public application has none.
    """
    one = owned(owner_id=owner_id, application_id=application_id)
    if not one.is_confidential:
        raise BadApplication(_("An application that cannot keep a secret has none."))
    secret = letters(50)
    one.client_secret_digest = digest_of(secret)
    one.save(update_fields=["client_secret_digest"])
    return Keys(application_id=one.id, client_id=one.client_id, client_secret=secret)


@transaction.atomic
def delete_application(*, owner_id: int, application_id: int, now: datetime) -> None:
    """Gone, with every token that anybody gave it; at once. Raises NotFound."""
    one = owned(owner_id=owner_id, application_id=application_id)
    revoke_all(AccessToken.objects.filter(application_id=one.id), now)
    one.delete()


def revoke_all(tokens: "QuerySet[AccessToken]", now: datetime) -> int:
    """Make tokens useless from the next request on; how many. The caller has locked what makes
    such tokens."""
    live = tokens.filter(revoked_at=None)
    digests = list(live.values_list("digest", flat=True))
    live.update(revoked_at=now)
    announce(digests)
    return len(digests)


def announce(digests: Iterable[str]) -> None:
    """Tell every process that these tokens are no longer what they were."""
    invalidation.announce([("k", digest) for digest in digests])
