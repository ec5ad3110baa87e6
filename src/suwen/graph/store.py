"""Opening graph files: connections, transactions, and the errors of SQLite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from suwen.errors import SuwenError, WriteError
from suwen.files import StrPath, folder_for, os_error, require_regular
from suwen.graph.search import fold, grams, pairs
from suwen.graph.tables import APPLICATION, NAMES, TABLES, VERSION
from suwen.graph.texts import is_indexed

__all__ = [
    "Connection",
    "connect",
    "erase_free_pages",
    "one_state",
    "require_graph",
    "sorting_in_little_memory",
    "translated",
    "writing",
]

WAIT_SECONDS = 20.0
"""Seconds that a second writer waits; readers wait too while a large change is written."""

CACHE_KIB = 64 * 1024
SORTING_KIB = 16 * 1024
"""SQLite sorts as much in memory as its cache may hold: for indexes less, or memory would grow with the graph."""
PRIVATE = 0o600

NOT_WRITTEN = {f"SQLITE_IOERR_{what}" for what in ("WRITE", "FSYNC", "DIR_FSYNC", "TRUNCATE")}
"""SQLite's messages for a reached quota or limit: the graph is unchanged."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the errors of SQLite as coded errors.

    Raises
    ------
    SuwenError
        S101 or S102 when the file cannot be opened, S105 when it cannot be written (a quota), S701 when it is no
        graph, S703 when it is damaged, S704 when another process writes, S705 when the disk is full, S715 when a name
        that was asked for holds a lone surrogate.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise SuwenError("S715", text=error.object) from None
    except sqlite3.DatabaseError as error:
        raise _coded(error, path) from None


def _coded(error: sqlite3.DatabaseError, path: Path) -> Exception:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return SuwenError("S704", path, seconds=f"{WAIT_SECONDS:g}")
    if name == "SQLITE_NOTADB":
        return SuwenError("S701", path)
    if name == "SQLITE_FULL":
        return WriteError("S705", path)
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return SuwenError("S102" if path.exists() else "S101", path)
    if name in NOT_WRITTEN:
        return WriteError("S105", path, reason=str(error))
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_IOERR")):
        return SuwenError("S703", path, reason=str(error))
    return error


class Connection(sqlite3.Connection):
    """A connection that stays interrupted: many short queries in a row stop too."""

    is_interrupted = False

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Run a query, unless another thread has interrupted the connection."""
        if self.is_interrupted:
            raise sqlite3.OperationalError("interrupted")
        return super().execute(*arguments)

    def interrupt(self) -> None:
        """Stop the query that is running, and all that follow until `resume`."""
        self.is_interrupted = True
        super().interrupt()

    def resume(self) -> None:
        """Run queries again."""
        self.is_interrupted = False


def connect(path: StrPath) -> Connection:
    """Open a graph for reading.

    Raises
    ------
    SuwenError
        As `translated` and `require_graph`.
    """
    path = Path(path)
    connection = _connected(path)
    try:
        with translated(path):
            require_graph(connection, path)
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(path: Path) -> Connection:
    require_regular(path)
    if path.is_dir():
        raise SuwenError("S109", path, found="folder", expected="file")
    # A process that was killed while it wrote leaves a journal, and only who may write can apply it.
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    with translated(path):
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
        connection.create_function("fold", 1, fold, deterministic=True)
        connection.create_function("grams", 1, grams, deterministic=True)
        connection.create_function("pairs", 1, pairs, deterministic=True)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


@contextmanager
def one_state(connection: Connection) -> Iterator[None]:
    """Answer all queries of a block from one state of the graph, whatever others write; inside another block, from its.

    An interrupted connection runs queries again in the next block.
    """
    if connection.in_transaction:
        yield
        return
    # What stops a block may come when it has just ended.
    connection.resume()
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # A fault may have ended the transaction already, or the connection.
        with suppress(sqlite3.Error):
            connection.rollback()


@contextmanager
def sorting_in_little_memory(connection: sqlite3.Connection) -> Iterator[None]:
    """Let indexes be made in memory that does not grow with them; the rest of the sorting goes to temporary files."""
    connection.execute(f"PRAGMA cache_size = -{SORTING_KIB}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")


def require_graph(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that is no graph (S701), of another version (S702), or not whole (S703)."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION:
        raise SuwenError("S701", path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise SuwenError("S702", path, found=version, known=VERSION)
    missing = NAMES - {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if missing:
        raise SuwenError("S703", path, reason=f"it has no table {min(missing)}")
    if not connection.in_transaction:
        _require_whole(connection, path)


def _require_whole(connection: sqlite3.Connection, path: Path) -> None:
    # In a transaction, so that no other process changes the size meanwhile.
    connection.execute("BEGIN")
    try:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        if path.stat().st_size < pages * page_size:
            raise SuwenError("S703", path, reason="the file is shorter than it says")
    finally:
        connection.execute("END")


@contextmanager
def writing(path: StrPath, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Change a graph, wholly or not at all: a killed process, a full disk or an error leaves it as it was.

    Parameters
    ----------
    create
        Whether to make the graph, readable by its owner alone, if there is none.

    Raises
    ------
    SuwenError
        As `connect`; S704 when another process still writes after `WAIT_SECONDS`.
    """
    path = Path(path)
    with folder_for(path):
        is_new = create and not path.exists()
        if is_new:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, PRIVATE))
            except OSError as error:
                raise os_error(error, path) from None
        connection = _connected(path)
        try:
            with translated(path):
                connection.execute("PRAGMA secure_delete = ON")
                # The file of a process that was killed while creating it is empty again.
                if not (create and _is_empty(connection)):
                    require_graph(connection, path)
                connection.execute("BEGIN IMMEDIATE")
                if create and _is_empty(connection):
                    path.chmod(PRIVATE)  # an empty file of the user may be readable by others
                    _create(connection)
                require_graph(connection, path)
                yield connection
                connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()
            if is_new and path.exists() and not path.stat().st_size:
                path.unlink()


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    for statement in TABLES:
        connection.execute(statement)


def erase_free_pages(path: StrPath) -> None:
    """Reclaim the space of removed rows, so that nothing of them stays in the file or its indexes."""
    path = Path(path)
    connection = _connected(path)
    try:
        with translated(path):
            if is_indexed(connection):
                connection.execute("INSERT INTO sentence_gram (sentence_gram) VALUES ('optimize')")
            connection.execute("VACUUM")
    finally:
        connection.close()
