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


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("path", ["out", "out.html", "out.jsonl.gz", "out.parquet"])
@pytest.mark.usefixtures("small_disk")
def test_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, name: str, path: str) -> None:
    # Text that does not compress, so that it is too much for every format.
    texts = ("".join(chr(0x4E00 + (n * n * 7919 + m) % 20_000) for n in range(40_000)) for m in range(3))
    documents = (Document(f"d{number}", f"口服二甲双胍{text}", ENTITY) for number, text in enumerate(texts))
    with pytest.raises(SuwenError) as caught:
        write_corpus(documents, tmp_path / path, name)
    assert str(caught.value).startswith(f"S105 {tmp_path / 'out'}")
    assert "cannot write: File too large; check the disk's free space" in str(caught.value)
    assert not any(tmp_path.iterdir())
