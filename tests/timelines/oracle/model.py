"""What every home timeline should show, said as simply as possible."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Post:
    """A tweet; `original` is set for a retweet."""

    id: int
    author: int
    original: int | None = None
    is_deleted: bool = False
    is_hidden: bool = False
    # Delivered to everybody who was to get it, and nothing has changed since.
    is_settled: bool = False

    @property
    def is_gone(self) -> bool:
        """Nobody sees it now."""
        return self.is_deleted or self.is_hidden


@dataclass
class Model:
    """People and what they did. Every change here was acknowledged by the service."""

    people: list[int]
    posts: dict[int, Post] = field(default_factory=dict)
    follows: set[tuple[int, int]] = field(default_factory=set)
    requests: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)
    protected: set[int] = field(default_factory=set)
    suspended: set[int] = field(default_factory=set)

    def home(self, viewer: int, *, settled: bool = False) -> list[int]:
        """Ids of a home timeline, newest first.

        Args:
            settled: only those that must be there already.
        """
        return sorted(
            (
                post.id
                for post in self.posts.values()
                if self.shows(viewer, post) and (post.is_settled or not settled)
            ),
            reverse=True,
        )

    def shows(self, viewer: int, post: Post) -> bool:
        """Whether a post is in the viewer's home timeline."""
        author = post.author
        if post.is_gone or (author != viewer and (viewer, author) not in self.follows):
            return False
        if self._is_shut(viewer, author):
            return False
        if post.original is None:
            return True
        original = self.posts[post.original]
        closed = original.author in self.protected and original.author != viewer
        return not (
            original.is_gone
            or self._is_shut(viewer, original.author)
            or (closed and (viewer, original.author) not in self.follows)
        )

    def _is_shut(self, viewer: int, author: int) -> bool:
        return (
            author in self.suspended
            or (viewer, author) in self.mutes
            or (viewer, author) in self.blocks
            or (author, viewer) in self.blocks
        )

    def block(self, one: int, other: int) -> None:
        """Neither follows the other any more."""
        self.blocks.add((one, other))
        for pair in ((one, other), (other, one)):
            self.follows.discard(pair)
            self.requests.discard(pair)
