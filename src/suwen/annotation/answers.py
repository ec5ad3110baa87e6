"""The cache of answers: no answer is paid for twice, even if the run fails."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from suwen.annotation.endpoint import Answer
from suwen.errors import SuwenError
from suwen.files import holding, os_error
from suwen.runs import whole_lines

__all__ = ["Answers", "request_key"]

PRIVATE = 0o600
"""Answers repeat the texts that were asked about."""
BEGIN = b'{"key": "'
"""The beginning of every line."""
NO_ANSWER = "it is not an answer of a cache"


def request_key(request: Any) -> str:
    """Return the SHA-256 of all that decides an answer (model, prompt, parameters), as JSON values."""
    return sha256(json.dumps(request, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class Answers:
    """A file of answers, one a line, that only its owner can read.

    Parameters
    ----------
    path
        The file; made if it is not there. A last line that a kill cut in two is removed. A file of another kind is not
        changed.

    Raises
    ------
    SuwenError
        S101, S102, S105 or S109 when it cannot be opened, S125 when another process has it, S204 when it is not a file
        of answers.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._known: dict[str, Answer] = {}
        self._path = path
        try:
            with ExitStack() as opened:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
                opened.callback(os.close, self._file)
                # Another process would take a line that is half-written for one that a kill cut in two.
                opened.enter_context(holding(path))
                self._require_answers()
                os.chmod(path, PRIVATE)  # noqa: PTH101 (one that was there already)
                for number, line in enumerate(whole_lines(path), 1):
                    self._read(line, number)
                self._opened = opened.pop_all()
        except OSError as error:
            raise os_error(error, path) from None

    def _require_answers(self) -> None:
        """Check, before the file is changed, that every line is one of a cache."""
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not (line.startswith(BEGIN) or BEGIN.startswith(line)):
                    raise SuwenError("S204", self._path, number, reason=NO_ANSWER)

    def _read(self, line: bytes, number: int) -> None:
        try:
            values = json.loads(line)
            key = values.pop("key")
            self._known[key] = Answer(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SuwenError("S204", self._path, number, reason=NO_ANSWER) from None

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> Answer | None:
        """Return the answer to a request, if it is known."""
        return self._known.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is in the file before this returns.

        Raises
        ------
        SuwenError
            S105 when the disk is full.
        """
        fields = {name: getattr(answer, name) for name in Answer.__slots__}
        line = (json.dumps({"key": key, **fields}, ensure_ascii=False) + "\n").encode()
        try:
            with self._lock:
                self._known[key] = answer
                end = self._path.stat().st_size
                try:
                    while line:
                        line = line[os.write(self._file, line) :]
                except OSError:
                    # The answer of another thread must not follow half a line.
                    os.ftruncate(self._file, end)
                    raise
        except OSError as error:
            raise os_error(error, self._path) from None

    def close(self) -> None:
        """Close the file."""
        self._opened.close()
