"""Cursors: where the next page of an answer begins. They hold numbers and identifiers, and no text of the request."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Any

from pydantic import TypeAdapter, ValidationError

from suwen.web.problems import ProblemError

__all__ = ["Cursors"]

BYTES = 8


class Cursors:
    """The cursors of one question to one state of a graph.

    Parameters
    ----------
    structure
        The state of the graph (`suwen.Graph.structure`).
    question
        All that the answer depends on, but for the page.
    """

    def __init__(self, structure: str, *question: Any) -> None:
        self._structure = structure
        self._question = blake2b(repr(question).encode(), digest_size=BYTES).hexdigest()

    def write(self, place: Any) -> str:
        """Return a cursor for a place, JSON values."""
        values = [self._structure, self._question, place]
        return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

    def read(self, cursor: str, kind: TypeAdapter[Any]) -> Any:
        """Return the place of a cursor.

        Raises
        ------
        ProblemError
            S828 when it is none of this question, S819 when the graph has changed since.
        """
        try:
            values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            structure, question, place = values
            found = kind.validate_json(json.dumps(place), strict=True)
        except (ValueError, TypeError, RecursionError, ValidationError):
            raise ProblemError("S828", 400) from None
        if question != self._question:
            raise ProblemError("S828", 400)
        if structure != self._structure:
            raise ProblemError("S819", 410)
        return found
