"""Follower blocks: an author's followers as prepared fragments, in the memory of a worker.

A block is exact for whatever was committed before its version was read. Every follow counts the
author's version up before it commits, and marks the author for as long as the commit may take;
one MGET per batch and instance compares. A block is only ever added to: who unfollowed still gets
the push, and the read leaves it out.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

from django.conf import settings

from apps.graph import services as graph_services
from apps.infra import clock, ids
from apps.infra.stores.aioredis import encode
from apps.infra.stores.sharding import instance_of, shard_of
from apps.timelines.store import scripts
from apps.timelines.store.pushes import fragment_of
from apps.timelines.store.wire import Wire

# Bounds the memory of a process: about 8 bytes an edge, and 100 for each distinct follower.
MAX_EDGES = 2_000_000
# What an author costs beside the edges, counted in edges.
_AUTHOR_EDGES = 32
# A follow that commits so long after its id was made is still found by an incremental load.
LOOK_BACK_IDS = 60_000 << 22
# An author who is too large for this lane is looked at again after so long.
RECHECK_SECONDS = 60.0
_KEYS_PER_MGET = 1_000


@dataclass(slots=True)
class Block:
    """One author's followers, and the author, by instance of their home timelines."""

    parts: list[list[bytes]]
    count: int = 0
    newest_edge: int = 0
    # b"" while a follow may be uncommitted: good for this batch only.
    version: bytes = b""
    # The next load is a whole one, whatever is known: follows that are dated back may be open.
    is_provisional: bool = False
    # More followers than this lane takes; `parts` is empty.
    is_over: bool = False
    looked_at: float = 0.0


@dataclass(slots=True)
class Asked:
    """What was asked on each wire: the authors, in the order of the replies."""

    authors: list[list[list[int]]]


B = TypeVar("B", bound=Block)


class Blocks(Generic[B]):
    """The blocks of one lane, least recently used ones go first.

    Args:
        ceiling: gives the most followers that the lane takes.
    """

    def __init__(self, ceiling: Callable[[], int]) -> None:
        self._ceiling = ceiling
        self._blocks: OrderedDict[int, B] = OrderedDict()
        self._edges = self._evicted = 0
        self._run_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._blocks)

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._edges = self._evicted = 0

    def ask(self, wires: Sequence[Wire], author_ids: Iterable[int]) -> Asked:
        """Send the question for the versions of these authors' blocks; `answer` reads."""
        run_ids = tuple(wire.run_id for wire in wires)
        if run_ids != self._run_ids:
            # A server that lost its last second may show an old version as the newest.
            self.clear()
            self._run_ids = run_ids
        by_wire: list[list[int]] = [[] for _ in wires]
        for author_id in author_ids:
            by_wire[instance_of(shard_of(author_id))].append(author_id)
        asked = Asked([])
        for wire, authors in zip(wires, by_wire, strict=True):
            groups = [
                authors[start : start + _KEYS_PER_MGET]
                for start in range(0, len(authors), _KEYS_PER_MGET)
            ]
            asked.authors.append(groups)
            if groups:
                wire.send(encode([_versions_of(group) for group in groups]))
        return asked

    def answer(self, wires: Sequence[Wire], asked: Asked) -> dict[int, B]:
        """The blocks of the authors that were asked for, loaded where they were not valid."""
        found: dict[int, B] = {}
        stale: list[int] = []
        for wire, groups in zip(wires, asked.authors, strict=True):
            for authors, values in zip(groups, wire.read(len(groups)), strict=True):
                for place, author_id in enumerate(authors):
                    block = self._blocks.get(author_id)
                    if block is not None and self._is_valid(block, *values[2 * place :][:2]):
                        found[author_id] = block
                        self._blocks.move_to_end(author_id)
                    else:
                        stale.append(author_id)
        if stale:
            self._load(wires, stale, found)
        return found

    def _is_valid(self, block: B, version: bytes | None, dirty: bytes | None) -> bool:
        if block.is_over:
            return time.monotonic() - block.looked_at < RECHECK_SECONDS
        return dirty is None and version is not None and version == block.version

    def _load(self, wires: Sequence[Wire], authors: list[int], found: dict[int, B]) -> None:
        # Before PostgreSQL is read: whoever follows after this changes the version.
        versions = _take_versions(wires, authors)
        known = {
            one: block
            for one in authors
            if (block := self._drop(one)) and not block.is_over and not block.is_provisional
        }
        # A version that was lost, or taken away by an import: anything may have changed.
        fresh = {one for one in authors if one not in known or versions[one].is_new}
        # Followers from a clock that was ahead: who follows now is not among the newest.
        now = ids.at_ms(clock.now_ms() + 1)
        fresh |= {one for one, block in known.items() if block.newest_edge >= now}
        known = {one: block for one, block in known.items() if one not in fresh}
        self._extend(known)
        loaded = {one: block for one, block in known.items() if not block.is_over}
        loaded |= self._read([one for one in authors if one not in loaded])
        for author_id, block in loaded.items():
            version = versions[author_id]
            block.version = b"" if version.is_open else version.value
            block.is_provisional = version.is_open and author_id in fresh
            self._keep(author_id, block)
        found.update(loaded)

    def _read(self, authors: list[int]) -> dict[int, B]:
        """Whole blocks from PostgreSQL."""
        raise NotImplementedError

    def _extend(self, known: dict[int, B]) -> None:
        """Add who followed since; a block that cannot be extended is `is_over` after this."""
        raise NotImplementedError

    def _keep(self, author_id: int, block: B) -> None:
        self._blocks[author_id] = block
        self._edges += block.count + _AUTHOR_EDGES
        self._make_room()

    def _make_room(self) -> None:
        while self._edges > MAX_EDGES and len(self._blocks) > 1:
            oldest = next(iter(self._blocks))
            gone = self._drop(oldest)
            self._evicted += gone.count if gone else 0
        if self._evicted > MAX_EDGES:
            self._forget_people()
            self._evicted = 0

    def _forget_people(self) -> None:
        """As many edges went as there is room for: what is kept of people may be of use to none."""

    def _drop(self, author_id: int) -> B | None:
        block = self._blocks.pop(author_id, None)
        if block is not None:
            self._edges -= block.count + _AUTHOR_EDGES
        return block


class FollowerBlocks(Blocks[Block]):
    """Blocks of the quick lane: fragments that authors share, 8 bytes an edge."""

    def __init__(self, ceiling: Callable[[], int]) -> None:
        super().__init__(ceiling)
        self._fragments: dict[int, tuple[int, bytes]] = {}

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._fragments.clear()

    def _forget_people(self) -> None:
        # Those in blocks live on there.
        self._fragments.clear()

    def _read(self, authors: list[int]) -> dict[int, Block]:
        """Whole blocks from PostgreSQL."""
        if not authors:
            return {}
        ceiling = self._ceiling()
        edges = graph_services.follower_edges(after=dict.fromkeys(authors, 0), limit=ceiling + 1)
        followers = {one: list(group) for one, group in groupby(edges, key=lambda edge: edge[0])}
        blocks = {}
        for author_id in authors:
            block = blocks[author_id] = Block([[] for _ in settings.REDIS_STATE_URLS])
            rows = followers.get(author_id, [])
            if len(rows) > ceiling:
                block.is_over, block.looked_at = True, time.monotonic()
                continue
            # The author reads the own posts too.
            self._append(block, author_id)
            for _, edge_id, follower_id in rows:
                self._append(block, follower_id)
                block.newest_edge = edge_id
            # Lists that grow have room for more; copies have none.
            block.parts = [part[:] for part in block.parts]
        return blocks

    def _extend(self, known: dict[int, Block]) -> None:
        """Add who followed since; a block that grows over the ceiling is `is_over` after this."""
        if not known:
            return
        after = {one: max(block.newest_edge - LOOK_BACK_IDS, 0) for one, block in known.items()}
        ceiling = self._ceiling()
        for author_id, edge_id, follower_id in graph_services.follower_edges(
            after=after, limit=ceiling + 1
        ):
            block = known[author_id]
            instance, fragment = self._fragment(follower_id)
            # The look back finds many who are there already; the newest are at the end.
            if fragment not in block.parts[instance]:
                block.parts[instance].append(fragment)
                block.count += 1
            block.newest_edge = max(block.newest_edge, edge_id)
        for block in known.values():
            # Some of them may have gone: the truth is read again.
            block.is_over = block.count > ceiling + 1

    def _append(self, block: Block, user_id: int) -> None:
        instance, fragment = self._fragment(user_id)
        block.parts[instance].append(fragment)
        block.count += 1

    def _fragment(self, user_id: int) -> tuple[int, bytes]:
        known = self._fragments.get(user_id)
        if known is None:
            known = instance_of(shard_of(user_id)), fragment_of(user_id)
            self._fragments[user_id] = known
        return known


def _versions_of(authors: Sequence[int]) -> list[bytes]:
    command = [b"MGET"]
    for author_id in authors:
        command += (
            graph_services.block_version_key(author_id),
            graph_services.block_dirty_key(author_id),
        )
    return command


@dataclass(frozen=True, slots=True)
class _Version:
    """What a block that is loaded after this may carry; `is_open`: a follow may be uncommitted."""

    value: bytes
    is_open: bool
    is_new: bool


def _take_versions(wires: Sequence[Wire], authors: list[int]) -> dict[int, _Version]:
    by_wire: list[list[int]] = [[] for _ in wires]
    for author_id in authors:
        by_wire[instance_of(shard_of(author_id))].append(author_id)
    for wire, group in zip(wires, by_wire, strict=True):
        if group:
            wire.send(encode([_version_call(author_id) for author_id in group]))
    versions: dict[int, _Version] = {}
    for wire, group in zip(wires, by_wire, strict=True):
        for author_id, (value, is_open, is_new) in zip(group, wire.read(len(group)), strict=True):
            versions[author_id] = _Version(value, bool(is_open), bool(is_new))
    return versions


def _version_call(author_id: int) -> tuple[bytes, ...]:
    # 15 digits or more: longer than any that was counted up from nothing.
    fresh = b"%d" % (secrets.randbits(52) + 10**14)
    version = graph_services.block_version_key(author_id)
    dirty = graph_services.block_dirty_key(author_id)
    return (b"EVALSHA", scripts.VERSION.sha, b"2", version, dirty, fresh)
