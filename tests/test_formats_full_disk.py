from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import WRITABLE, write_corpus

resource = pytest.importorskip("resource")

ROOM = 50_000
ENTITY = (Entity("Drug", 2, 6, id="T1"),)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond so many bytes: for a writer the same as a full disk, and it needs no rights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


TABLES = ("csv", "xlsx")


@pytest.mark.parametrize("name", [name for name in WRITABLE if name not in TABLES])
@pytest.mark.parametrize("path", ["out", "out.html", "out.jsonl.gz", "out.parquet"])
@pytest.mark.usefixtures("small_disk")
def test_full_disk_is_reported_in_one_line_and_leaves_nothing(tmp_path: Path, name: str, path: str) -> None:
    # Text that does not compress, so that it is too much for every format.
    texts = ("".join(chr(0x4E00 + (n * n * 7919 + m) % 20_000) for n in range(40_000)) for m in range(3))
    documents = (Document(f"d{number}", f"口服二甲双胍{text}", ENTITY) for number, text in enumerate(texts))
    with pytest.raises(SuwenError) as caught:
        write_corpus(documents, tmp_path / path, name)
    assert str(caught.value).startswith(f"S105 {tmp_path / 'out'}")
    assert "cannot write: File too large; free disk space" in str(caught.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.usefixtures("small_disk")
def test_full_disk_is_told_by_tables(tmp_path: Path, name: str) -> None:
    text = "糖" * 1_000
    spans = tuple(Entity("Drug", n, n + 4) for n in range(900))
    with pytest.raises(SuwenError, match=r"S105 .*File too large"):
        write_corpus([Document("a", text, spans)], tmp_path / "out", name)
    assert not any(tmp_path.iterdir())


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("small_disk")
def test_full_disk_is_told_while_a_sheet_is_written(tmp_path: Path) -> None:
    # The rows that are kept before are smaller than the sheet.
    spans = tuple(Entity("Drug", n, n + 1) for n in range(300))
    with pytest.raises(SuwenError, match=r"S105 .*File too large"):
        write_corpus([Document("a", "糖" * 300, spans)], tmp_path / "out", "xlsx")
    assert not any(tmp_path.iterdir())
