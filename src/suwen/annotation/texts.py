"""The texts that are to be annotated: articles of any format, without annotations."""

from __future__ import annotations

from collections.abc import Iterator

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction.inputs import Inputs, distinct, parts_of

__all__ = ["texts_in"]


def texts_in(inputs: Inputs, problems: list[SuwenError]) -> Iterator[Document]:
    """Read the texts of files, each with an id of its own, as ``suwen extract`` reads them.

    Parameters
    ----------
    inputs
        What `suwen.extraction.finding.find_inputs` found.
    problems
        Filled with what cannot be read; the rest is read.
    """
    problems += inputs.problems
    copies: dict[str, int] = {}
    for file in inputs.files:
        for part in parts_of(file, inputs.options):
            if isinstance(part, SuwenError):
                problems.append(part)
            else:
                yield distinct(part, copies)
