"""Ids as one text are the same ids."""

import pytest

from apps.infra.stores import aiopostgres
from apps.infra.stores.id_arrays import IdArray


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (IdArray.of([]), []),
        (IdArray.of([]).also(), []),
        (IdArray.of([]).also(7), [7]),
        (IdArray.of([3, 1]).also(), [3, 1]),
        (IdArray.of([3, 1]).also(2, 1 << 62), [3, 1, 2, 1 << 62]),
    ],
)
def test_postgresql_reads_them_as_they_are(world, run, ids, expected):
    ((found,),) = run(aiopostgres.fetch("select %s::bigint[]", (ids.text,)))

    assert (found, ids.count) == (expected, len(expected))
