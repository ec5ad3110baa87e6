"""The ids of generated documents, which name the original in any format."""

from __future__ import annotations

import re

__all__ = ["generated_id", "original_id"]

GENERATED = re.compile(r"\.(?:mlm|mention|token|synonym|composition)-\d+$")


def generated_id(source: str, method: str, copy: int) -> str:
    """Return the id of the copy of a document that a method of augmentation made: ``138_5.mlm-1``."""
    return f"{source}.{method}-{copy}"


def original_id(document_id: str) -> str:
    """Return the id of the document that this one was generated from; its own where it was not.

    Examples
    --------
    >>> original_id("138_5.mlm-1"), original_id("138_5")
    ('138_5', '138_5')
    """
    return GENERATED.sub("", document_id)
