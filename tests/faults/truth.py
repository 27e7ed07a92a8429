"""What was acknowledged, and which pages agree with it.

Facts change while readers read, so each has the tick at which a change was begun and the one at
which it was acknowledged. A page is judged by what was certain from the moment its request was
sent until its answer was whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Shown = tuple[int, str, str]  # id, author, text
Pair = tuple[str, str]


class Wrong(AssertionError):
    """The service did what it promises never to do."""


@dataclass(slots=True)
class Post:
    """A post that was acknowledged."""

    id: int
    author: str
    text: str
    is_deleting: bool = False
    deleted_at: int | None = None
    # Seen by everybody who should; it must never be missing from now on.
    is_settled: bool = False


@dataclass(slots=True)
class Edge:
    """Whether one person follows another."""

    is_on: bool = False
    is_changing: bool = False
    acknowledged_at: int = 0
    is_settled: bool = False


@dataclass
class Truth:
    """People by name, who follows whom, and all posts."""

    protected: set[str]
    tick: int = 0
    posts: dict[int, Post] = field(default_factory=dict)
    # Every text is said once: text -> author, from before the first attempt on.
    sent: dict[str, str] = field(default_factory=dict)
    edges: dict[Pair, Edge] = field(default_factory=dict)
    # Those whose block was acknowledged: pair -> tick.
    blocks: dict[Pair, int] = field(default_factory=dict)

    def now(self) -> int:
        """A tick later than all that has happened."""
        self.tick += 1
        return self.tick

    def edge(self, follower: str, followee: str) -> Edge:
        """The edge, which may be off."""
        return self.edges.setdefault((follower, followee), Edge())

    def begin_change(self, *pairs: Pair) -> None:
        """From now on nobody knows whether these edges are on."""
        for pair in pairs:
            edge = self.edge(*pair)
            edge.is_changing, edge.is_settled = True, False

    def end_change(self, *pairs: Pair, is_on: bool) -> None:
        """The change was acknowledged."""
        for pair in pairs:
            edge = self.edge(*pair)
            edge.is_on, edge.is_changing, edge.acknowledged_at = is_on, False, self.now()

    def blocks_between(self, one: str, other: str) -> bool:
        """Whether one blocks the other."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def home(self, viewer: str) -> list[int]:
        """What a quiet home timeline shows, newest first."""
        read = {pair[1] for pair, e in self.edges.items() if pair[0] == viewer and e.is_on}
        return sorted((p.id for p in self.live() if p.author in {viewer} | read), reverse=True)

    def profile(self, viewer: str, author: str) -> list[int]:
        """What a quiet profile shows, newest first."""
        if viewer != author:
            closed = author in self.protected and not self.edge(viewer, author).is_on
            if closed or self.blocks_between(viewer, author):
                return []
        return sorted((p.id for p in self.live() if p.author == author), reverse=True)

    def live(self) -> list[Post]:
        """Posts that are not deleted."""
        return [post for post in self.posts.values() if post.deleted_at is None]

    def settle(self) -> None:
        """All there is was seen by everybody who should see it."""
        for post in self.posts.values():
            post.is_settled = True
        for edge in self.edges.values():
            edge.is_settled = not edge.is_changing

    def check_page(
        self,
        viewer: str,
        page: Sequence[Shown],
        *,
        since: int,
        below: int | None,
        is_last: bool,
        may_lack: bool = False,
    ) -> int:
        """Judge a page of a home timeline that was asked for at tick `since`.

        Args:
            below: the page's cursor: what is newer was on the page before.
            may_lack: what is settled is being delivered again.

        Returns:
            How many posts had to be on it.

        Raises:
            Wrong: order, a double, something hidden, or something settled that is missing.
        """
        ids = [shown[0] for shown in page]
        if ids != sorted(set(ids), reverse=True) or (below and ids and ids[0] >= below):
            raise Wrong(f"{viewer}: order or double in {ids}, below {below}")
        for shown in page:
            self.check_shown(viewer, shown, since)
        low = 0 if is_last or not ids else ids[-1]
        needed = [
            post.id
            for post in self.posts.values()
            if low <= post.id
            and (below is None or post.id < below)
            and post.is_settled
            and not post.is_deleting
            and (post.author == viewer or self._is_settled_on(viewer, post.author))
        ]
        if not may_lack and (missing := set(needed) - set(ids)):
            raise Wrong(f"{viewer}: settled posts {sorted(missing)} missing from {ids}")
        return len(needed)

    def _is_settled_on(self, viewer: str, author: str) -> bool:
        edge = self.edge(viewer, author)
        return edge.is_on and edge.is_settled and not edge.is_changing

    def check_shown(self, viewer: str, shown: Shown, since: int) -> None:
        """Raise Wrong for a post that the viewer's home timeline must not hold."""
        tweet_id, author, text = shown
        if self.sent.get(text) != author:
            raise Wrong(f"{viewer}: nobody said {text!r} ({tweet_id}) as {author}")
        if author != viewer:
            edge = self.edge(viewer, author)
            if not (edge.is_on or edge.is_changing) and edge.acknowledged_at <= since:
                raise Wrong(f"{viewer}: shows {tweet_id} of {author}, not followed since {edge}")
        post = self.posts.get(tweet_id)
        if post is None:
            # Its acknowledgement is under way; another of the same text is a double.
            if any(other.text == text for other in self.posts.values()):
                raise Wrong(f"{viewer}: a second tweet {tweet_id} says {text!r}")
        elif post.deleted_at is not None and post.deleted_at <= since:
            raise Wrong(f"{viewer}: shows {tweet_id}, deleted before")
