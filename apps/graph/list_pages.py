"""What pages about lists share: a list with its owner and how the viewer stands to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.graph import queries_lists
from apps.graph.people import Person, persons_by_ids
from apps.graph.schemas import ListOut
from apps.infra.errors import NotFound
from apps.infra.web import edges, pages
from apps.infra.web.edges import EdgePage
from apps.infra.web.pagination import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCard:
    """One list on a page."""

    list: ListOut
    owner: Person
    is_mine: bool = False
    is_followed: bool = False
    is_pinned: bool = False

    @property
    def url(self) -> str:
        """Its page."""
        return f"/lists/{self.list.id}"


async def list_cards(viewer_id: int | None, lists: Iterable[ListOut]) -> list[ListCard]:
    """Lists that the viewer may see, as pages show them, in the given order."""
    shown = list(lists)
    owners = {
        person.user.id: person
        for person in await persons_by_ids(viewer_id=viewer_id, ids={one.owner_id for one in shown})
    }
    ids = [one.id for one in shown]
    followed, pinned = await queries_lists.marks_of(viewer_id, ids)
    return [
        ListCard(
            list=one,
            owner=owners[one.owner_id],
            is_mine=one.owner_id == viewer_id,
            is_followed=one.id in followed,
            is_pinned=one.id in pinned,
        )
        for one in shown
        if one.owner_id in owners
    ]


async def list_card(viewer_id: int | None, list_id: int) -> ListCard:
    """One list. Raises NotFound: there is none, or the viewer may not know that there is."""
    found = await queries_lists.visible_list(viewer_id, list_id)
    made = await list_cards(viewer_id, [found]) if found is not None else []
    if not made:
        raise NotFound(_("There is no such list."))
    return made[0]


def position_of(request: HttpRequest) -> Position | None:
    """The edge from which a page goes on (`?before=`)."""
    before = pages.id_from(request.GET.get("before"))
    return None if before is None else Position(direction="n", id=before)


async def lists_at(
    request: HttpRequest, viewer_id: int | None, edges_of: edges.EdgesOf, *, user_id: int
) -> EdgePage[ListOut]:
    """A page of lists at the other ends of an account's edges, as the viewer may see them."""
    return await edges.page_of(
        edges.of(edges_of, user_id),
        partial(queries_lists.visible_lists, viewer_id),
        position=position_of(request),
        limit=pages.PAGE_SIZE,
    )
