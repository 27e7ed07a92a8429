"""Reads of imports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.infra.stores import aiopostgres

_COLUMNS = (
    "id, name, state, total, done, report, error, error_about, is_by_command, created_at,"
    " finished_at"
)
# A person has few; older ones stay and are not shown.
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ImportOut:
    """An import as its owner sees it."""

    id: int
    name: str
    state: str
    total: int
    done: int
    report: dict[str, Any]
    error: str
    error_about: str
    is_by_command: bool
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody works on it, or will."""
        return self.state in {"waiting", "running", "undoing"}

    @property
    def percent(self) -> int | None:
        """How far it is; None while nobody knows of how much."""
        if self.state == "waiting" or not self.total:
            return None
        done = min(self.done, self.total)
        return 100 * done // self.total


async def imports_of(user_id: int) -> list[ImportOut]:
    """One person's imports, the newest first."""
    rows = await aiopostgres.fetch(
        f"select {_COLUMNS} from archive_imports where user_id = %s order by id desc limit %s",
        (user_id, MAX_SHOWN),
    )
    return [ImportOut(*row) for row in rows]


async def import_of(user_id: int, import_id: int) -> ImportOut | None:
    """An import, if it is this person's."""
    rows = await aiopostgres.fetch(
        f"select {_COLUMNS} from archive_imports where user_id = %s and id = %s",
        (user_id, import_id),
    )
    return ImportOut(*rows[0]) if rows else None
