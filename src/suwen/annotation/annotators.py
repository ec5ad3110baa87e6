"""The documents of several annotators, by annotator and by document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from suwen.document import Document

__all__ = ["Annotations", "by_document"]

Annotations = Mapping[str, Sequence[Document]]
"""The documents of each annotator, by name."""


def by_document(annotators: Annotations) -> Collection[Mapping[str, Document]]:
    """Return each document as its annotators have it, by name."""
    found: dict[str, dict[str, Document]] = {}
    for name, documents in annotators.items():
        for document in documents:
            found.setdefault(document.id, {})[name] = document
    return found.values()
