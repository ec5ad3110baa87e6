"""Shared parts of all writers: safe paths for document ids, and counts of what a format cannot hold."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from suwen.document import Document, lone_surrogates
from suwen.errors import SuwenError

__all__ = [
    "ALIKE",
    "LINE_BREAK",
    "FileNames",
    "counting_names",
    "encoded",
    "file_key",
    "not_held",
    "output_file",
    "stored_name",
]

LINE_BREAK = "line break in one piece (read back as fragments)"
ALIKE = "file name of its own where upper and lower case are one"
LONGEST_PART = 200
"""Maximum bytes of a part of a path: file systems allow 255, and extensions and numbers are added."""
FORBIDDEN = re.compile(r'[\x00-\x1f<>:"|?*\\]')
"""Characters that Windows does not allow in names; other systems forbid only NUL."""
DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
"""The beginnings of names that are devices on Windows, with any extension and in any folder."""


def file_key(name: str) -> str:
    """Return a key that is equal for names that some file systems treat as one (case, Unicode forms)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class FileNames:
    """Finds a name for each document that Linux, macOS and Windows take for its file, and that no other has.

    The length of the whole path is not checked: it depends on the folder above, and on the system's settings.

    Parameters
    ----------
    suffixes
        The extensions of the files that each document has.
    """

    def __init__(self, suffixes: Collection[str]) -> None:
        self._suffixes = suffixes
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._copies: Counter[str] = Counter()

    def take(self, document_id: str) -> str:
        """Return the id itself if it is a valid and free name; otherwise a similar one."""
        plain = _possible(document_id)
        if self._above(plain) & self._files:
            # A file cannot be a folder too.
            plain = _fit(plain.replace("/", "_"))
        name = plain
        while not self._is_free(name):
            self._copies[plain] += 1
            name = f"{plain}~{self._copies[plain] + 1}"
        self._files |= self._paths(name)
        self._folders |= self._above(name)
        return name

    def _is_free(self, name: str) -> bool:
        paths = self._paths(name)
        return not (paths & self._files or paths & self._folders)

    def _paths(self, name: str) -> set[str]:
        return {file_key(name + suffix) for suffix in self._suffixes}

    @staticmethod
    def _above(name: str) -> set[str]:
        return {file_key(str(folder)) for folder in PurePosixPath(name).parents} - {"."}


def _possible(document_id: str) -> str:
    """Return the id as a relative path without hidden files and folders, each part one that can be a file name."""
    return "/".join(_fit(part) for part in FORBIDDEN.sub("_", document_id).split("/"))


def _fit(part: str) -> str:
    """Return a part of a path as a valid name: not hidden, no device, not too long, no final dot or blank."""
    if not part or part.startswith(".") or DEVICE.match(part):
        part = f"_{part}"
    data = part.encode()
    if len(data) > LONGEST_PART:
        part = data[:LONGEST_PART].decode(errors="ignore")
    # Windows drops them silently, so two names could become one file.
    return f"{part[:-1]}_" if part.endswith((".", " ")) else part


def output_file(root: Path, document: Document, suffix: str) -> Path:
    """Return the file for a document below `root`, its folder made.

    Raises
    ------
    SuwenError
        S111 when the id would leave `root` or is not a file name, S110 when two documents would share a file.
    """
    parts = document.id.split("/")
    relative = PurePosixPath(document.id)
    unsafe = "\\" in document.id or "\0" in document.id or PureWindowsPath(document.id).drive
    if unsafe or relative.is_absolute() or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise SuwenError("S111", id=document.id)
    try:
        path = root.joinpath(*map(stored_name, (*parts[:-1], parts[-1] + suffix)))
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = path.exists()
    except (OSError, UnicodeEncodeError):
        raise SuwenError("S111", id=document.id) from None
    if taken:
        raise SuwenError("S110", id=document.id, first="one document", second="another that is written")
    return path


def stored_name(name: str) -> str:
    """Return the name by which a file is opened: in a locale that lacks its characters, its bytes are UTF-8."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return os.fsdecode(name.encode())
    return name


def counting_names(documents: Iterable[Document], lost: Counter[str]) -> Iterator[Document]:
    """Yield the same documents; those are counted whose files some systems would take for another's."""
    seen: set[str] = set()
    for document in documents:
        key = file_key(document.id)
        if key in seen:
            lost[ALIKE] += 1
        seen.add(key)
        yield document


def encoded(text: str, document: Document) -> bytes:
    """Return the text in UTF-8.

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
    """Count what a format cannot hold of a document, by kind; `held` names the kinds that it does hold."""
    entities = document.entities
    counts = {
        "entity": len(entities),
        "fragments": sum(bool(entity.fragments) for entity in entities),
        "entity id": sum(entity.id is not None for entity in entities),
        "score": sum(entity.score is not None for entity in entities),
        "annotated mention": sum(entity.annotated is not None for entity in entities),
        "relation": len(document.relations),
        "relation score": sum(one.score is not None for one in document.relations) if "relation" in held else 0,
        "attribute": len(document.attributes),
        "note": len(document.notes),
        "group": int(document.group is not None),
        "page": len(document.pages),
        "meta": len(document.meta),
    }
    return Counter({kind: count for kind, count in counts.items() if count and kind not in held})
