"""Verbs about saved searches: each is one transaction, and nobody but their owner knows of them."""

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Conflict, Invalid, NotFound
from apps.search.models import SavedSearch
from apps.search.query.errors import QueryError
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse

MAX_SAVED = 25
_LOCK = 7_465_241


class BadSearch(Invalid):
    """It is no query."""

    code = "bad_search"


class TooManySearches(Conflict):
    """The person keeps as many searches as one may."""

    code = "too_many_searches"


@transaction.atomic
def save_search(*, user_id: int, query: str, now: datetime) -> int:
    """Keep a query; once, however often it is said.

    Args:
        query: 1 to 512 characters after trimming, as the page of search takes it.

    Returns:
        The saved search's id.

    Raises:
        BadSearch, TooManySearches.
    """
    query = query.strip()
    try:
        parse(query, dialect=Dialect.WEB)
    except QueryError as error:
        raise BadSearch(f"{error.detail} {error.advice}".strip(), field="q") from error
    with connection.cursor() as cursor:
        # Two that come together must not both be the last one.
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_LOCK, user_id % (1 << 31)])
    own = SavedSearch.objects.filter(user_id=user_id)
    known = own.filter(query=query).values_list("id", flat=True).first()
    if known is not None:
        return int(known)
    if own.count() >= MAX_SAVED:
        raise TooManySearches(
            _("%(n)d saved searches is the limit. Remove one first.") % {"n": MAX_SAVED}, field="q"
        )
    made = SavedSearch.objects.create(user_id=user_id, query=query, created_at=now)
    return int(made.id)


@transaction.atomic
def remove_search(*, user_id: int, search_id: int, now: datetime) -> str:
    """Keep a query no longer; what it was. Raises NotFound: it is not saved, or by another."""
    search = SavedSearch.objects.filter(user_id=user_id, id=search_id).first()
    if search is None:
        raise NotFound(_("You do not keep this search any more."))
    search.delete()
    return str(search.query)
