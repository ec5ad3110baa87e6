"""Reading files exactly and writing them completely or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from suwen.errors import SuwenError, WriteError

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays there
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "StrPath",
    "adding_folder",
    "decode_text",
    "excess",
    "folder_for",
    "holding",
    "os_error",
    "parse_toml",
    "paths_of",
    "read_json",
    "read_terms",
    "read_text",
    "replacing",
    "replacing_folder",
    "require_new",
    "require_new_or_empty",
    "require_no_frame",
    "require_outside",
    "require_regular",
    "sha256",
    "write_bytes",
    "write_json",
    "write_text",
]

StrPath = str | os.PathLike[str]
"""A path as callers may give it: public functions make a `Path` of it."""

PATHS = "the path of a file or folder"
WORKPLACE = ".part"


def os_error(error: OSError, path: Path, otherwise: Literal["S105", "S113"] = "S105") -> SuwenError:
    """Return the coded error for an error of the operating system.

    Parameters
    ----------
    otherwise
        The code for all other errors: S105 for writing, S113 for reading.
    """
    if isinstance(error, FileNotFoundError):
        return SuwenError("S101", path)
    if isinstance(error, PermissionError):
        return SuwenError("S102", path)
    if isinstance(error, IsADirectoryError):
        return SuwenError("S109", path, found="folder", expected="file")
    if isinstance(error, NotADirectoryError | FileExistsError):
        above = next((folder for folder in path.parents if folder.is_file()), None)
        if above is not None:
            return SuwenError("S109", above, found="file", expected="folder")
    kind = WriteError if otherwise == "S105" else SuwenError
    return kind(otherwise, path, reason=os.strerror(error.errno) if error.errno else str(error))


def paths_of(given: StrPath | Sequence[StrPath]) -> list[StrPath]:
    """Return the paths that a caller gives: one, or several.

    Raises
    ------
    SuwenError
        S132 for anything else, such as a data frame or documents.
    """
    if isinstance(given, str | os.PathLike):
        return [given]
    require_no_frame(given, PATHS)
    paths = list(given) if isinstance(given, Iterable) else [given]
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            raise SuwenError("S132", expected=PATHS, found=type(path).__name__)
    return paths


def require_no_frame(given: object, expected: str) -> None:
    """Refuse a data frame (S132), which would pass for several strings: the names of its columns."""
    if hasattr(given, "columns"):
        raise SuwenError("S132", expected=expected, found=type(given).__name__)


def require_new(path: StrPath) -> None:
    """Refuse an output that exists, before the work for it begins.

    Raises
    ------
    SuwenError
        S104.
    """
    path = Path(path)
    if path.exists():
        raise SuwenError("S104", path)


def require_new_or_empty(path: StrPath) -> None:
    """Refuse an output that exists, unless it is an empty folder.

    Raises
    ------
    SuwenError
        S104.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise SuwenError("S104", path)


def require_outside(output: StrPath, inputs: Iterable[StrPath]) -> None:
    """Refuse an output inside an input folder: the next run would read it as an input.

    Raises
    ------
    SuwenError
        S127.
    """
    above = Path(os.path.abspath(output)).parents  # noqa: PTH100 (links are left as they are)
    if any(Path(os.path.abspath(one)) in above for one in inputs):  # noqa: PTH100
        raise SuwenError("S127", output)


SPECIAL = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


def require_regular(path: StrPath) -> None:
    """Refuse a pipe, socket or device, which may be endless or block forever.

    Raises
    ------
    SuwenError
        S126.
    """
    path = Path(path)
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return  # it will be said when it is opened
    if kind in SPECIAL:
        raise SuwenError("S126", path, found=SPECIAL[kind])


def read_text(path: StrPath) -> str:
    """Return the exact characters of a UTF-8 file: no newline translated, no byte order mark removed.

    Raises
    ------
    SuwenError
        S101, S102, S109 or S113 when it cannot be read, S103 when it is not UTF-8.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise os_error(error, path, "S113") from None
    return decode_text(data, path)


def decode_text(data: bytes, path: Path) -> str:
    """Return the characters of UTF-8 bytes; `path` is named when they are not UTF-8.

    Raises
    ------
    SuwenError
        S103.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SuwenError("S103", path, line, byte=f"0x{data[error.start]:02X}", offset=error.start) from None


def read_json(path: StrPath) -> Any:
    """Return the value in a JSON file.

    Raises
    ------
    SuwenError
        As `read_text`; S204 when it is not JSON.
    """
    path = Path(path)
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SuwenError("S204", path, error.lineno, reason=error.msg) from None
    except (ValueError, RecursionError) as error:
        raise SuwenError("S204", path, reason=excess(error)) from None


def parse_toml(text: str, path: StrPath) -> dict[str, Any]:
    """Return the values of a TOML file that has been read.

    Raises
    ------
    SuwenError
        S403 when it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SuwenError("S403", path, reason=excess(error)) from None


def excess(error: ValueError | RecursionError) -> str:
    """Return the reason of a parser error; for Python's own limits, without the advice to programmers."""
    if isinstance(error, RecursionError):
        return "brackets are nested too deep"
    # Errors that parsers find themselves have their own class.
    return "a number has too many digits" if type(error) is ValueError else str(error)


@contextmanager
def replacing(path: StrPath, private: bool = False) -> Iterator[Path]:
    """Give a temporary path that replaces `path` when the block succeeds, and is removed otherwise.

    The content is flushed to the disk before it is moved, so that a crash leaves the old file or the new one. What a
    killed process left is removed by the next write to the same path.

    Parameters
    ----------
    private
        Whether only the owner may read it: it holds text of a file that only its owner can read.

    Raises
    ------
    SuwenError
        S101, S102, S105 or S109 when it cannot be written.
    """
    path = Path(path)
    try:
        with _workplace(path) as workplace:
            temporary = workplace / path.name
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            # Some libraries make private files; the final one gets the ordinary permissions.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o600 if private else 0o666 & ~umask)
            temporary.replace(path)
    except OSError as error:
        raise os_error(error, path) from None


@contextmanager
def replacing_folder(path: StrPath, overwrite: bool = False, private: bool = False) -> Iterator[Path]:
    """Do the same as `replacing`, for a folder.

    Raises
    ------
    SuwenError
        S104 when `path` exists with content and `overwrite` is false; S102, S105 or S109 when it cannot be written.
    """
    path = Path(path)
    if not overwrite:
        require_new_or_empty(path)
    try:
        with _workplace(path) as workplace:
            temporary = workplace / path.name
            temporary.mkdir(mode=0o700 if private else 0o777)
            yield temporary
            if path.is_dir():
                path.replace(workplace / f"{path.name}.old")
            else:
                path.unlink(missing_ok=True)
            temporary.replace(path)
    except OSError as error:
        raise os_error(error, path) from None


@contextmanager
def adding_folder(path: Path) -> Iterator[Path]:
    """Write a folder of a cache, whose name says its content: what another process added meanwhile is kept.

    Raises
    ------
    SuwenError
        S102, S105 or S109 when it cannot be written.
    """
    try:
        with _workplace(path) as workplace:
            temporary = workplace / path.name
            temporary.mkdir()
            yield temporary
            try:
                temporary.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
    except OSError as error:
        raise os_error(error, path) from None


@contextmanager
def _workplace(path: Path) -> Iterator[Path]:
    """Make a hidden folder beside `path` for the duration of the block, locked to show that it is in use.

    A lock ends with its process, however that ends: folders that can be locked are of dead ones, and are removed.
    """
    with folder_for(path):
        prefix = f".{path.name}."
        for found in path.parent.iterdir():
            if found.name.startswith(prefix) and found.name.endswith(WORKPLACE) and found.is_dir():
                lock = _lock(found, wait=False)
                if lock is not None:
                    shutil.rmtree(found, ignore_errors=True)
                    os.close(lock)
        workplace, lock = _new_workplace(prefix, path.parent)
        try:
            yield workplace
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
            if lock is not None:
                os.close(lock)


@contextmanager
def folder_for(path: Path) -> Iterator[None]:
    """Make the folders above an output; those that were made and are empty after the block are removed again.

    Raises
    ------
    SuwenError
        S102, S105 or S109 when they cannot be made.
    """
    made: list[Path] = []
    try:
        try:
            made += takewhile(lambda folder: not folder.exists(), path.parents)
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise os_error(error, path) from None
        yield
    finally:
        with suppress(OSError):  # what is not empty is in use
            for folder in made:
                folder.rmdir()


def _new_workplace(prefix: str, parent: Path) -> tuple[Path, int | None]:
    while True:
        try:
            workplace = Path(tempfile.mkdtemp(prefix=prefix, suffix=WORKPLACE, dir=parent))
        except FileNotFoundError:
            # Another process, which had made the folder and failed, took it away.
            parent.mkdir(parents=True, exist_ok=True)
            continue
        lock = _lock(workplace, wait=True)
        if workplace.is_dir():
            return workplace, lock
        # Another process took it for a dead one's before it was locked.
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, wait: bool) -> int | None:
    """Lock a folder until the descriptor is closed; None when another process has it, or there are no locks here."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Lock a folder for this process while the block lasts, where the file system knows locks.

    Raises
    ------
    SuwenError
        S125 when another process has it.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SuwenError("S125", folder) from None
        except OSError:
            pass  # there are no locks here
        yield
    finally:
        os.close(descriptor)


def write_text(path: StrPath, text: str) -> None:
    """Write exactly these characters in UTF-8, completely or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: StrPath, data: bytes) -> None:
    """Write a file, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: StrPath, value: Any) -> None:
    """Write a value as readable JSON, completely or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def sha256(path: StrPath) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise os_error(error, path, "S113") from None


def read_terms(paths: Iterable[Path]) -> frozenset[str]:
    """Read the terms of files with one term a line; text after a tab is ignored.

    Raises
    ------
    SuwenError
        S101, S102 or S103 when a file cannot be read, S106 when it holds no term.
    """
    terms: set[str] = set()
    for path in paths:
        found = {line.split("\t")[0].strip() for line in read_text(path).split("\n")} - {""}
        if not found:
            raise SuwenError("S106", path)
        terms |= found
    return frozenset(terms)
