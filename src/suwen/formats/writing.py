"""What every writer shares: safe paths for document ids, and the count of what a format cannot hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path, PurePosixPath, PureWindowsPath

from suwen.document import Document, lone_surrogates
from suwen.errors import SuwenError

__all__ = ["LINE_BREAK", "encoded", "not_held", "output_file"]

LINE_BREAK = "line break in one piece (read back as fragments)"


def output_file(root: Path, document: Document, suffix: str) -> Path:
    """The file for a document below `root`, its folder made.

    Raises
    ------
    SuwenError
        S111 when the id would leave `root` or is no file name, S110 when two documents would share a file.
    """
    parts = document.id.split("/")
    relative = PurePosixPath(document.id)
    unsafe = "\\" in document.id or "\0" in document.id or PureWindowsPath(document.id).drive
    if unsafe or relative.is_absolute() or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise SuwenError("S111", id=document.id)
    path = root.joinpath(*parts[:-1], parts[-1] + suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = path.exists()
    except (OSError, UnicodeEncodeError):
        raise SuwenError("S111", id=document.id) from None
    if taken:
        raise SuwenError("S110", id=document.id, first="one document", second="another that is written")
    return path


def encoded(text: str, document: Document) -> bytes:
    """The text in UTF-8.

    Raises
    ------
    SuwenError
        S210 when an annotation holds a lone surrogate (a document's text cannot).
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        where, point, offset = next(lone_surrogates(document, ""))
        raise SuwenError("S210", document.id, where=where, point=point, offset=offset) from None


def not_held(document: Document, held: Collection[str]) -> Counter[str]:
    """How much of a document a format has no place for, by kind; `held` names the kinds that it does hold."""
    entities = document.entities
    counts = {
        "entity": len(entities),
        "fragments": sum(bool(entity.fragments) for entity in entities),
        "entity id": sum(entity.id is not None for entity in entities),
        "score": sum(entity.score is not None for entity in entities),
        "annotated mention": sum(entity.annotated is not None for entity in entities),
        "relation": len(document.relations),
        "attribute": len(document.attributes),
        "note": len(document.notes),
        "group": int(document.group is not None),
        "page": len(document.pages),
        "meta": len(document.meta),
    }
    return Counter({kind: count for kind, count in counts.items() if count and kind not in held})
