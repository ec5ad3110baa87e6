"""Show a document in a Jupyter notebook: its text with colored mentions, without a page around it."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from suwen.document import Document, Span
from suwen.pages.page import Types, mark, marked_up, mention_title, text_with_mentions
from suwen.pages.rendering import render
from suwen.schema import LCDD

__all__ = ["LONGEST", "document_html"]

LONGEST = 20_000
"""Maximum characters of a text that are shown, because a notebook keeps every output in its file."""


def document_html(document: Document) -> str:
    """Return the HTML of a document; of a text longer than `LONGEST`, the beginning and how much is left out.

    Nested mentions are frames within frames; of two that cross, the later one is cut where the earlier one ends.
    """
    # No mention is cut at the end.
    crossing = (entity.end for entity in document.entities if entity.start < LONGEST < entity.end)
    end = min(max((LONGEST, *crossing)), len(document.text))
    entities = [entity for entity in document.entities if entity.end <= end]
    types = Types(LCDD)

    def opening_tag(index: int, piece: Span) -> Markup:
        entity = entities[index]
        kind = types[entity.label]
        return mark(entity, piece, "mention", kind.zh, mention_title(kind, entity.score), kind.color)

    def stretch(start: int, stop: int) -> Iterator[Markup]:
        yield marked_up(document.text[start:stop])

    return "".join(
        render(
            "notebook",
            name=document.id,
            entities=len(document.entities),
            left_out=len(document.text) - end,
            not_shown=len(document.entities) - len(entities),
            pieces=text_with_mentions(document.text[:end], entities, opening_tag, stretch),
        )
    )
