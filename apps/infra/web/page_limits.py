"""How often pages of the site may be asked for, and its forms sent.

A member has one bucket for all pages. A form is charged to the bucket of the operations of the API
that do the same, so nobody has more by using both. Visitors are counted by address.
"""

from django.http import HttpRequest
from django.utils.translation import ngettext

from apps.infra.errors import RateLimited
from apps.infra.resilience import ratelimit, rules
from apps.infra.web import addresses
from apps.infra.web.handler import Scope

_MINUTE = 60
# In the scope of a request that was charged already.
_CHARGED = "is_charged"
# By the last part of a form's address: below a post, and below an account.
_ON_POSTS = {
    "like": "like",
    "unlike": "like",
    "bookmark": "like",
    "unbookmark": "like",
    "retweet": "repost",
    "unretweet": "repost",
    "delete": "delete",
    "edit": "post",
    "hide": "protect",
    "unhide": "protect",
    "report": "protect",
}
_ON_ACCOUNTS = {
    "follow": "follow",
    "unfollow": "follow",
    "block": "protect",
    "unblock": "protect",
    "mute": "protect",
    "unmute": "protect",
}
# /<name>/status/<id>/<deed>, and /<name>/<deed>.
_POST_PARTS, _ACCOUNT_PARTS = 4, 2


def group_of_form(path: str) -> str:
    """The group of `rules.TABLE` that a form's target belongs to."""
    first, *rest = parts = path.strip("/").split("/")
    if parts == ["compose"]:
        return "post"
    if first == "scheduled":
        return "delete" if parts[-1] == "delete" else "post"
    if first == "lists":
        return "change_lists"
    if len(parts) == _POST_PARTS and rest[0] == "status":
        return _ON_POSTS.get(parts[-1], "other_writes")
    if len(parts) == _ACCOUNT_PARTS:
        return _ON_ACCOUNTS.get(parts[-1], "other_writes")
    return "other_writes"


def address_of(request: HttpRequest) -> str:
    """The bucket's name of a request's address."""
    return "i" + addresses.network_of(request.META.get("REMOTE_ADDR") or "")


async def charge(request: HttpRequest, member_id: int | None) -> None:
    """Charge a page or a form to who asks. Raises RateLimited, in words for people."""
    if getattr(request, "scope", {}).get(_CHARGED):
        return
    try:
        if member_id is None:
            await ratelimit.charge_to(rules.VISITORS, address_of(request))
        elif request.method == "POST":
            await ratelimit.charge_to(rules.PERSON[group_of_form(request.path)], member_id)
        else:
            await ratelimit.charge_to(rules.PAGES, member_id)
    except RateLimited as refusal:
        raise in_words(refusal) from refusal


async def charge_again(group: str, member_id: int, *, times: int) -> None:
    """Charge a form that does several things at once for each but the first. Raises RateLimited, in
    words for people."""
    try:
        for _one in range(times):
            await ratelimit.charge_to(rules.PERSON[group], member_id)
    except RateLimited as refusal:
        raise in_words(refusal) from refusal


def charge_here(scope: Scope, member_id: int) -> bool:
    """Charge a page to a member, if this process has a permit; False: `charge` has to ask for one.
    Whoever answers in the end charges nothing more."""
    scope[_CHARGED] = ratelimit.spend_here(rules.PAGES.name, member_id)
    return bool(scope[_CHARGED])


def in_words(refusal: RateLimited) -> RateLimited:
    """The same for people: how long to wait, in their language."""
    seconds = refusal.retry_after_seconds or _MINUTE
    return RateLimited(_said(seconds), retry_after_seconds=seconds)


def _said(seconds: int) -> str:
    if seconds <= _MINUTE:
        text = ngettext(
            "That was often. Try again in %(n)d second.",
            "That was often. Try again in %(n)d seconds.",
            seconds,
        )
        return text % {"n": seconds}
    minutes = -(-seconds // _MINUTE)
    text = ngettext(
        "That was often. Try again in %(n)d minute.",
        "That was often. Try again in %(n)d minutes.",
        minutes,
    )
    return text % {"n": minutes}
