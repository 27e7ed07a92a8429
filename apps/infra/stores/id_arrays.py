"""Very many ids on their way from one query to another, without a step of Python for each."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdArray:
    """Ids as PostgreSQL writes an array; in SQL `%(ids)s::bigint[]`.

    As numbers, 100,000 of them would hold up an event loop for 50 ms on their way in and again on
    their way out; as one text they pass in one.
    """

    # `{1,2,3}`
    text: str
    count: int

    @classmethod
    def of(cls, ids: Iterable[int]) -> "IdArray":
        """These ids, in their order."""
        written = [str(one) for one in ids]
        return cls("{" + ",".join(written) + "}", len(written))

    def also(self, *ids: int) -> "IdArray":
        """The same and some more."""
        more = IdArray.of(ids)
        texts = [part.text[1:-1] for part in (self, more) if part.count]
        return IdArray("{" + ",".join(texts) + "}", self.count + more.count)
