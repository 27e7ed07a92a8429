"""Pages of lists: one's own, those one follows, and who is on them. A list's posts are shown by
`apps.timelines`."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph import queries_lists, services_lists
from apps.graph.forms import ListForm
from apps.graph.list_pages import list_card, list_cards, lists_at, position_of
from apps.graph.people import may_look_inside, person_named, persons_by_ids, user_named
from apps.infra import clock
from apps.infra.errors import DomainError, Forbidden
from apps.infra.web import edges, pages

# Own lists that the dialog of a profile offers.
MAX_CHOICES = 100
SHELVES: dict[str, Any] = {
    "own": queries_lists.owned,
    "followed": queries_lists.followed,
    "on": queries_lists.memberships,
}


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


async def _shelf(request: HttpRequest, viewer: Any, shelf: str) -> HttpResponse:
    found = await lists_at(request, viewer.pk, SHELVES[shelf], user_id=viewer.pk)
    context: dict[str, Any] = {
        "tab": "lists",
        "shelf": shelf,
        "list": await list_cards(viewer.pk, found.things),
        "older_url": pages.older_url(request, found.next_id),
        "older_page": "before" in request.GET,
    }
    if shelf == "own" and not context["older_page"]:
        pins = await queries_lists.pinned(
            viewer.pk, before=None, after=None, limit=services_lists.MAX_PINNED
        )
        ids = [list_id for _edge, list_id in pins]
        shown = await queries_lists.visible_lists(viewer.pk, ids)
        pinned = [shown[one] for one in ids if one in shown]
        context["pinned"] = await list_cards(viewer.pk, pinned)
    return pages.page(request, "graph/lists.html", viewer, context)


@pages.members
async def own(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """One's own lists, newest first, the pinned ones above."""
    return await _shelf(request, viewer, "own")


@pages.members
async def followed(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Lists that one follows."""
    return await _shelf(request, viewer, "followed")


@pages.members
async def memberships(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Public lists of others that one is on."""
    return await _shelf(request, viewer, "on")


@pages.everyone
async def of_account(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """The lists of an account, as the viewer may see them."""
    owner = await person_named(viewer_id=_id(viewer), username=username)
    context: dict[str, Any] = {"owner": owner, "shelf": "of", "list": []}
    if may_look_inside(owner):
        found = await lists_at(request, _id(viewer), queries_lists.owned, user_id=owner.user.id)
        context["list"] = await list_cards(_id(viewer), found.things)
        context["older_url"] = pages.older_url(request, found.next_id)
    else:
        context["closed"] = True
    return pages.page(request, "graph/lists.html", viewer, context)


# ── Make, change, delete ─────────────────────────────────────────────────────


async def _form(
    request: HttpRequest, viewer: Any, form: ListForm, verb: Callable[..., Any], **more: Any
) -> HttpResponse | None:
    """Do what a form asks for; None when it does not ask, or was refused."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        made = await sync_to_async(verb)(now=clock.now(), **more, **form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return None
    messages.success(request, _("List saved."))
    return HttpResponseRedirect(f"/lists/{made.id}")


def _form_page(request: HttpRequest, viewer: Any, form: ListForm, **more: Any) -> HttpResponse:
    status = pages.INVALID if form.errors else 200
    context = {"tab": "lists", "form": form, **more}
    return pages.page(request, "graph/list_form.html", viewer, context, status=status)


@pages.members
async def new(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Make a list."""
    form = ListForm(request.POST if request.method == "POST" else None)
    done = await _form(request, viewer, form, services_lists.create_list, owner_id=viewer.pk)
    return done or _form_page(request, viewer, form, heading=_("New list"), action="/lists/new")


@pages.members
async def edit(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Change a list of one's own."""
    card = await list_card(viewer.pk, list_id)
    if not card.is_mine:
        raise Forbidden(_("Only its owner can change a list."))
    initial = {name: getattr(card.list, name) for name in ("name", "description", "is_private")}
    form = ListForm(request.POST if request.method == "POST" else None, initial=initial)
    done = await _form(
        request, viewer, form, services_lists.update_list, user_id=viewer.pk, list_id=list_id
    )
    action = f"{card.url}/edit"
    return done or _form_page(
        request, viewer, form, heading=_("Edit list"), action=action, card=card
    )


@pages.members
async def delete(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form does it."""
    if request.method == "POST":
        await sync_to_async(services_lists.delete_list)(
            user_id=viewer.pk, list_id=list_id, now=clock.now()
        )
        return pages.done(request, _("List deleted."), fallback="/lists")
    card = await list_card(viewer.pk, list_id)
    context = {
        "question": _("Delete the list %(name)s?") % {"name": card.list.name},
        "consequence": _("It goes for its followers, too. Nobody is unfollowed."),
        "yes": _("Delete"),
        "no": _("Keep"),
        "action": f"{card.url}/delete",
        "back": "/lists",
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)


# ── Follow and pin ───────────────────────────────────────────────────────────


async def _deed(
    request: HttpRequest, viewer: Any, list_id: int, verb: Callable[..., Any], text: str
) -> HttpResponse:
    """Do it, and show the buttons as they are now, or go back with a message."""
    await sync_to_async(verb)(user_id=viewer.pk, list_id=list_id, now=clock.now())
    if not pages.is_part(request):
        return pages.done(request, text, fallback=f"/lists/{list_id}")
    card = await list_card(viewer.pk, list_id)
    response = pages.page(request, "graph/list_buttons.html", viewer, {"card": card})
    pages.tell(response, text)
    return response


@pages.deed
async def follow(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Follow a list."""
    verb = services_lists.follow_list
    return await _deed(request, viewer, list_id, verb, _("You follow this list."))


@pages.deed
async def unfollow(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Follow it no longer."""
    verb = services_lists.unfollow_list
    return await _deed(request, viewer, list_id, verb, _("You no longer follow this list."))


@pages.deed
async def pin(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Have a list at hand, at the top of one's lists."""
    verb = services_lists.pin_list
    return await _deed(request, viewer, list_id, verb, _("The list is pinned."))


@pages.deed
async def unpin(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Have it at hand no longer."""
    verb = services_lists.unpin_list
    return await _deed(request, viewer, list_id, verb, _("The list is not pinned any more."))


# ── Who is on it, who follows it ─────────────────────────────────────────────


async def _people(
    request: HttpRequest, viewer: Any | None, list_id: int, shelf: str, edges_of: edges.EdgesOf
) -> HttpResponse:
    card = await list_card(_id(viewer), list_id)

    async def keep(ids: Any) -> dict[int, Any]:
        shown = await persons_by_ids(viewer_id=_id(viewer), ids=ids)
        return {person.user.id: person for person in shown}

    found = await edges.page_of(
        edges.of(edges_of, list_id), keep, position=position_of(request), limit=pages.PAGE_SIZE
    )
    context = {
        "tab": "lists" if viewer else "",
        "card": card,
        "shelf": shelf,
        "list": found.things,
        "older_url": pages.older_url(request, found.next_id),
    }
    return pages.page(request, "graph/list_people.html", viewer, context)


@pages.everyone
async def members(request: HttpRequest, viewer: Any | None, list_id: int) -> HttpResponseBase:
    """Who is on a list, added last, first."""
    return await _people(request, viewer, list_id, "members", queries_lists.members)


@pages.everyone
async def followers(request: HttpRequest, viewer: Any | None, list_id: int) -> HttpResponseBase:
    """Who follows a list."""
    return await _people(request, viewer, list_id, "followers", queries_lists.followers)


@pages.deed
async def add(request: HttpRequest, viewer: Any, list_id: int) -> HttpResponseBase:
    """Put the account of the form's `username` on the list."""
    name = request.POST.get("username", "").strip().removeprefix("@")
    user = await user_named(name)
    await sync_to_async(services_lists.add_member)(
        user_id=viewer.pk, list_id=list_id, member_id=user.id, now=clock.now()
    )
    text = _("@%(name)s is on the list.") % {"name": user.username}
    return pages.done(request, text, fallback=f"/lists/{list_id}/members")


@pages.deed
async def remove(
    request: HttpRequest, viewer: Any, list_id: int, username: str
) -> HttpResponseBase:
    """Take an account off the list."""
    user = await user_named(username)
    await sync_to_async(services_lists.remove_member)(
        user_id=viewer.pk, list_id=list_id, member_id=user.id, now=clock.now()
    )
    text = _("@%(name)s is not on the list any more.") % {"name": user.username}
    return pages.done(request, text, fallback=f"/lists/{list_id}/members")


@pages.members
async def choose(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """On which of one's own lists an account is to be: a page, or the dialog of its profile."""
    user = await user_named(username)
    edges_found = await queries_lists.owned(viewer.pk, before=None, after=None, limit=MAX_CHOICES)
    shown = await queries_lists.visible_lists(viewer.pk, [one for _edge, one in edges_found])
    lists = [shown[one] for _edge, one in edges_found if one in shown]
    on = (await queries_lists.memberships_in(lists, user_ids=[user.id])).get(user.id, frozenset())
    if request.method == "POST":
        wanted = {number for one in request.POST.getlist("list") if (number := pages.id_from(one))}
        own_ids = {one.id for one in lists}
        await sync_to_async(_put)(
            viewer.pk, user.id, add=(wanted & own_ids) - on, drop=(own_ids - wanted) & on
        )
        return pages.done(request, _("Your lists are saved."), fallback=f"/{user.username}")
    context = {
        "user": user,
        "choices": [(one, one.id in on) for one in lists],
        "back": f"/{user.username}",
    }
    part = "graph/choose_lists.html" if pages.is_part(request) else "graph/choose_lists_page.html"
    return pages.page(request, part, viewer, context)


def _put(owner_id: int, member_id: int, *, add: set[int], drop: set[int]) -> None:
    for verb, ids in ((services_lists.add_member, add), (services_lists.remove_member, drop)):
        for list_id in sorted(ids):
            verb(user_id=owner_id, list_id=list_id, member_id=member_id, now=clock.now())
