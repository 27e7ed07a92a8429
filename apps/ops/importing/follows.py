"""Imports of a follow graph."""

from collections.abc import Mapping, Sequence

from apps.graph import services_import as graph_imports
from apps.infra import clock
from apps.ops.importing.edges import BadRow, Edge, Layout, Person
from apps.ops.importing.runner import Numbered, Skip, Stored
from apps.timelines import services_import as timeline_imports
from apps.users import services_import as user_imports

_COMMENTS = (b"#", b"%", b"//")


def says_nothing(raw: bytes) -> bool:
    """Whether a line is blank or a comment, as in SNAP's edge lists."""
    return not raw.strip() or raw.startswith(_COMMENTS)


class FollowJob:
    """Edges into `follows`, accounts made as needed.

    Args:
        usernames: names for accounts that are made, by id.
    """

    kind = "follows"
    batch_size = 20_000
    settles_each_batch = True

    def __init__(self, *, layout: Layout, usernames: Mapping[int, str]) -> None:
        self._layout = layout
        self._usernames = usernames

    def parse(self, raw: bytes) -> Edge | None:
        """One row. Raises Skip."""
        if says_nothing(raw):
            return None
        try:
            edge = self._layout.edge(raw)
        except BadRow as reason:
            raise Skip(str(reason)) from reason
        if edge[0] == edge[1]:
            raise Skip("follows itself")
        return edge

    def prepare(self, items: Numbered[Edge]) -> None:
        """Nothing."""

    def store(self, items: Numbered[Edge]) -> Stored:
        """Make the accounts, then the edges."""
        result = Stored()
        ids = self._ids(items, result)
        lines, edges = [], []
        for line, (follower, followee) in items:
            edge = (ids.get(follower), ids.get(followee))
            if edge[0] is None or edge[1] is None:
                result.skipped.append((line, "nobody can have this user name"))
            elif edge[0] == edge[1]:
                result.skipped.append((line, "follows itself"))
            else:
                lines.append(line)
                edges.append((edge[0], edge[1]))
        done = graph_imports.import_follows(edges=edges)
        result.stored = done.stored
        result.skipped += [(lines[place], "is there already") for place in done.duplicates]
        result.skipped += [(lines[place], "one blocks the other") for place in done.blocked]
        result.unsettled = {follower for follower, _ in edges}
        return result

    def _ids(self, items: Numbered[Edge], result: Stored) -> Mapping[Person, int]:
        """Account ids of everybody named in the batch."""
        now = clock.now()
        people = {person for _, edge in items for person in edge}
        numbers = {person for person in people if isinstance(person, int)}
        names = {person for person in people if isinstance(person, str)}
        made = user_imports.ensure_users(user_ids=numbers, now=now, usernames=self._usernames)
        result.made_users = len(made)
        found: dict[Person, int] = {number: number for number in numbers}
        if names:
            before = user_imports.ids_of_usernames(usernames=names)
            by_name = user_imports.ensure_usernames(usernames=names, now=now)
            result.made_users += len(by_name) - len(before)
            found |= {name: by_name[name.lower()] for name in names if name.lower() in by_name}
        return found

    def settle(self, unsettled: Sequence[int]) -> None:
        """The followers' home timelines lack the posts of those whom they follow now."""
        timeline_imports.drop_homes(user_ids=unsettled)
