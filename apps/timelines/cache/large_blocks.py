"""Follower blocks of very large authors: packed, in pieces, and loaded piece by piece.

The bulk lane pushes to one piece while the next is read, so that nobody waits for a million
edges; what is loaded stays, as far as there is room. A follower is 30 bytes here, whereas shared
fragments would take hundreds: few of them follow several such authors.
"""

import time
from dataclasses import dataclass, field

from apps.graph import services as graph_services
from apps.timelines.cache import blocks
from apps.timelines.cache.blocks import Block, Blocks
from apps.timelines.store import pushes
from apps.timelines.store.pushes import Packed

# Followers that are read and pushed as one; between two pieces others have their turn.
PIECE = 1_000
# Followers of the last minute that are compared with those who are there.
MOST_NEW = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Followers up to an edge, by instance."""

    last_edge: int
    parts: list[Packed]


@dataclass(slots=True)
class LargeBlock(Block):
    """A block in pieces; more of them may be still to load. `parts` is empty."""

    author_id: int = 0
    pieces: list[Piece] = field(default_factory=list)
    is_whole: bool = False


class LargeBlocks(Blocks[LargeBlock]):
    """The blocks of the bulk lane."""

    def piece(self, block: LargeBlock, place: int) -> Piece | None:
        """A piece by its number, loaded now if need be; None behind the last.

        Afterwards the block may be `is_over`: then it has no pieces any more.
        """
        while place >= len(block.pieces) and not block.is_whole:
            self._load_piece(block)
        return block.pieces[place] if place < len(block.pieces) else None

    def _load_piece(self, block: LargeBlock) -> None:
        last_edge, followers = graph_services.follower_page(
            author_id=block.author_id, after=block.newest_edge, limit=PIECE
        )
        block.is_whole = len(followers) < PIECE
        block.newest_edge = max(block.newest_edge, last_edge)
        if not block.pieces:
            # The author reads the own posts too.
            followers.append(b"%d" % block.author_id)
        self._add(block, followers)

    def _add(self, block: LargeBlock, followers: list[bytes]) -> None:
        if block.count + len(followers) > self._ceiling() + 1:
            self._grow(block, -block.count)
            block.pieces.clear()
            block.is_whole = block.is_over = True
            block.looked_at = time.monotonic()
        elif followers:
            block.pieces.append(Piece(block.newest_edge, pushes.packed(followers)))
            self._grow(block, len(followers))

    def _grow(self, block: LargeBlock, by: int) -> None:
        block.count += by
        if self._blocks.get(block.author_id) is block:
            self._edges += by
            self._blocks.move_to_end(block.author_id)
            self._make_room()

    def _read(self, authors: list[int]) -> dict[int, LargeBlock]:
        """Blocks without a piece: those come when they are asked for."""
        return {author_id: LargeBlock([], author_id=author_id) for author_id in authors}

    def _extend(self, known: dict[int, LargeBlock]) -> None:
        for block in known.values():
            if not block.pieces:
                continue
            low = max(block.newest_edge - blocks.LOOK_BACK_IDS, 0)
            last_edge, followers = graph_services.follower_page(
                author_id=block.author_id, after=low, limit=MOST_NEW
            )
            if len(followers) == MOST_NEW and last_edge <= block.newest_edge:
                # Too many to compare: the truth is read again.
                block.is_over = True
                continue
            block.newest_edge = max(block.newest_edge, last_edge)
            self._add_missing(block, followers, low)
            block.is_whole = block.is_over or len(followers) < MOST_NEW

    def _add_missing(self, block: LargeBlock, followers: list[bytes], low: int) -> None:
        recent = [
            string
            for piece in block.pieces
            if piece.last_edge > low
            for part in piece.parts
            for string in part.strings
        ]
        words = (b":%b\r" % follower for follower in followers)
        missing = [
            follower
            for follower, word in zip(followers, words, strict=True)
            if not any(word in string for string in recent)
        ]
        if missing:
            self._add(block, missing)
