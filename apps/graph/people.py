"""People as lists show them: the account, how the viewer stands to it, the right button."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from apps.graph import queries, suggesting
from apps.graph.schemas import Relations, Relationship
from apps.infra.errors import NotFound
from apps.infra.resilience import brownout
from apps.infra.stores.cache import LocalCache
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

STRANGER = Relationship()
# What somebody was offered stays for so long, unless they or those have changed: whoever follows,
# blocks or mutes announces it ("y"), and accounts are compared.
SHOWN_SECONDS = 60.0
MAX_SHOWN = 2_000
SUGGESTIONS = 4
MAX_KNOWN = 100
_NOBODY: "list[Person]" = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One row of a list of people; `mine` says that it is the viewer."""

    user: UserOut
    relation: Relationship = STRANGER
    mine: bool = False
    # Of a suggestion: people whom the viewer follows and who follow it.
    via: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the person is called."""
        return _label(self.user)


_shown: LocalCache[int, tuple[float, list[Person]]] = LocalCache(
    "y", max_items=MAX_SHOWN, name="suggested_people"
)


async def user_named(username: str) -> UserOut:
    """The account with this name, in any letter case. Raises NotFound."""
    user = (await user_queries.users_by_usernames([username])).get(username.lower())
    if user is None:
        raise NotFound(_("There is no account named @%(name)s.") % {"name": username})
    return user


async def person_named(*, viewer_id: int | None, username: str) -> Person:
    """The same with the viewer's relation to it. Raises NotFound."""
    return (await persons(viewer_id=viewer_id, users=[await user_named(username)]))[0]


async def persons(*, viewer_id: int | None, users: Sequence[UserOut]) -> list[Person]:
    """Accounts with the viewer's relation to each, in the given order; one query."""
    if viewer_id is None:
        return [Person(user=user) for user in users]
    relations = await queries.relationships(viewer_id, [user.id for user in users])
    return [
        Person(user=user, relation=relations.get(user.id, STRANGER), mine=user.id == viewer_id)
        for user in users
    ]


async def persons_by_ids(*, viewer_id: int | None, ids: Iterable[int]) -> list[Person]:
    """As `persons`, from ids; unknown and suspended accounts are left out."""
    wanted = list(ids)
    found = await user_queries.users_by_ids(wanted)
    users = [found[user_id] for user_id in wanted if user_id in found]
    return await persons(
        viewer_id=viewer_id, users=[user for user in users if not user.is_suspended]
    )


async def who_to_follow(
    viewer_id: int | None, *, limit: int = SUGGESTIONS, relations: Relations | None = None
) -> list[Person]:
    """Public accounts that the viewer does not follow yet and has not shut out: those whom people
    follow whom the viewer follows, then the most followed.

    Args:
        relations: the viewer's, where the caller has them already.
    """
    if brownout.house.level >= brownout.Level.NO_EXTRAS:
        return _NOBODY
    if viewer_id is not None and limit == SUGGESTIONS:
        kept = _shown.get(viewer_id)
        if kept is not None and kept[0] > time.monotonic() and await _are_same(kept[1]):
            return kept[1]
        started = time.monotonic()
        found = await _who_to_follow(viewer_id, limit, relations)
        _shown.put(viewer_id, (started + SHOWN_SECONDS, found), started=started)
        return found
    return await _who_to_follow(viewer_id, limit, relations)


def remembered(viewer_id: int) -> list[Person] | None:
    """What `who_to_follow` gives a member, if it is in memory: the very list that it gave. The
    caller has caught up with the invalidation log."""
    if brownout.house.level >= brownout.Level.NO_EXTRAS:
        return _NOBODY
    kept = _shown.get(viewer_id)
    if kept is None or kept[0] <= time.monotonic():
        return None
    user_of = user_queries.in_memory().get
    same = all(user_of(person.user.id) is person.user for person in kept[1])
    return kept[1] if same else None


async def _are_same(people: Sequence[Person]) -> bool:
    """Whether the accounts are the very ones that were shown before."""
    users = await user_queries.users_by_ids([person.user.id for person in people])
    return all(users.get(person.user.id) is person.user for person in people)


async def _who_to_follow(
    viewer_id: int | None, limit: int, relations: Relations | None
) -> list[Person]:
    offered = list(await suggesting.candidates(viewer_id, relations))
    shown: list[Person] = []
    # Nearly always the first look finds enough.
    for look in range(0, len(offered), 2 * limit):
        some = offered[look : look + 2 * limit]
        via_ids = {one for suggestion in some for one in suggestion.via}
        users = await user_queries.users_by_ids({one.user_id for one in some} | via_ids)
        open_ones = [one for one in some if _is_open(users.get(one.user_id))]
        people = await persons(viewer_id=viewer_id, users=[users[one.user_id] for one in open_ones])
        for suggestion, person in zip(open_ones, people, strict=True):
            if not (person.relation.following or person.relation.requested):
                via = tuple(_label(users[one]) for one in suggestion.via if one in users)
                shown.append(replace(person, via=via))
        if len(shown) >= limit:
            break
    return shown[:limit]


def _is_open(user: UserOut | None) -> bool:
    return user is not None and not user.is_suspended and not user.is_protected


def _label(user: UserOut) -> str:
    return user.name or user.username


async def known_followers(*, viewer_id: int, user_id: int) -> list[Person]:
    """Whom the viewer follows of those who follow an account; at most `MAX_KNOWN`."""
    ids = await queries.known_followers(viewer_id, user_id, limit=MAX_KNOWN)
    return await persons_by_ids(viewer_id=viewer_id, ids=ids)


def may_look_inside(person: Person) -> bool:
    """Whether lists and likes of an account are open to the viewer."""
    if person.relation.blocking or person.relation.blocked_by or person.user.is_suspended:
        return False
    return not person.user.is_protected or person.mine or person.relation.following
