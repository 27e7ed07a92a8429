"""Fixtures of archives: real samples, unpacked, and a world in which months come and go."""

import gzip
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest
import zstandard
from django.conf import settings

from apps.archives import services_import
from apps.archives.models import ArchiveImport
from apps.archives.services import begin_import
from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.infra.stores import partitions, postgres
from apps.users.models import User
from tests.ops.conftest import wrong_rows  # noqa: F401 - what has to be exact

SAMPLES = ("export-2021-03_larsbrinkhoff", "export-2022-10_larsbrinkhoff", "grailbird-2013-02")
Take = Callable[..., ArchiveImport]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A real archive as a folder; the test is skipped where the corpus is absent."""
    given = os.environ.get("TWITTERLITE_CORPUS")
    root = (Path(given) if given else BASE_DIR.parent / "shared" / "data") / "archive"
    unpacked: dict[str, Path] = {}

    def find(name: str) -> Path:
        if not root.is_dir():
            pytest.skip("no corpus: neither TWITTERLITE_CORPUS nor ../shared/data")
        if name not in unpacked:
            unpacked[name] = _unpacked(root, name, tmp_path_factory.mktemp("sample"))
        return unpacked[name]

    return find


def _unpacked(root: Path, name: str, into: Path) -> Path:
    packed = next(iter(root.glob(f"{name}*.tar.zst")), None)
    if packed is not None:
        with packed.open("rb") as file:
            stream = cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(file))
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(into, filter="data")
        return into
    if not (root / name).is_dir():
        pytest.skip(f"no sample {name}")
    for path in (root / name).rglob("*"):
        if path.is_file():
            target = into / path.relative_to(root / name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".gz":
                target.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            else:
                shutil.copyfile(path, target)
    return into


@pytest.fixture
def many_months(world: None) -> Iterator[None]:
    """Takes the months away again that a test has made: every later test would wait for them."""
    with postgres.connect() as raw:
        before = set(partitions.existing_months(raw))
        yield
        raw.execute("delete from tweets")
        for month in set(partitions.existing_months(raw)) - before:
            raw.execute(f"drop table {partitions.name_of(month)}")


@pytest.fixture
def take(world: None, many_months: None) -> Iterator[Take]:
    """Take an archive in as a worker would: `take(alice, folder)`; the import at its end."""
    root = Path(settings.ARCHIVE_DIR)

    def work(user: User, path: Path, **how: Any) -> ArchiveImport:
        import_id = begin_import(
            user_id=user.id, path=path, name=path.name, now=clock.now(), is_by_command=True
        )
        while services_import.go_on(import_id=import_id, **how):
            pass
        return ArchiveImport.objects.get(id=import_id)

    yield work
    shutil.rmtree(root, ignore_errors=True)
