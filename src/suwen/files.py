"""Reading files exactly and writing them whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from suwen.errors import SuwenError

__all__ = [
    "decode_text",
    "os_error",
    "read_json",
    "read_text",
    "replacing",
    "replacing_folder",
    "require_new",
    "sha256",
    "write_json",
    "write_text",
]


def os_error(error: OSError, path: Path, otherwise: Literal["S105", "S113"] = "S105") -> SuwenError:
    """The coded error that tells a user what the operating system said.

    Parameters
    ----------
    otherwise
        The code for what has none of its own: S105 for writing, S113 for reading.
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
    return SuwenError(otherwise, path, reason=os.strerror(error.errno) if error.errno else str(error))


def require_new(path: Path) -> None:
    """Refuse an output that exists, before the work for it begins.

    Raises
    ------
    SuwenError
        S104.
    """
    if path.exists():
        raise SuwenError("S104", path)


def read_text(path: Path) -> str:
    """The exact characters of a UTF-8 file: no newline translated, no byte order mark removed.

    Raises
    ------
    SuwenError
        S101, S102, S109 or S113 when it cannot be read, S103 when it is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise os_error(error, path, "S113") from None
    return decode_text(data, path)


def decode_text(data: bytes, path: Path) -> str:
    """The characters of UTF-8 bytes; `path` is named when they are not UTF-8.

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


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises
    ------
    SuwenError
        As `read_text`; S204 when it is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SuwenError("S204", path, error.lineno, reason=error.msg) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets as deep
        raise SuwenError("S204", path, reason=error) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes otherwise.

    The content is flushed to the disk before it is moved, so that a crash leaves the old file or the new one.

    Raises
    ------
    SuwenError
        S101, S102, S105 or S109 when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise os_error(error, path) from None
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes private files; the final one gets the ordinary permissions.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise os_error(error, path) from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its place when the block ends well, and vanishes otherwise.

    Raises
    ------
    SuwenError
        S104 when `path` exists with content and `overwrite` is false; S102, S105 or S109 when it cannot be written.
    """
    if path.exists() and not overwrite and not (path.is_dir() and not any(path.iterdir())):
        raise SuwenError("S104", path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise os_error(error, path) from None
    try:
        yield temporary
        temporary.chmod(0o755)
        if path.is_dir():
            old = temporary.with_suffix(".old")
            path.replace(old)
            temporary.replace(path)
            shutil.rmtree(old)
        else:
            path.unlink(missing_ok=True)
            temporary.replace(path)
    except OSError as error:
        raise os_error(error, path) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write exactly these characters in UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise os_error(error, path, "S113") from None
