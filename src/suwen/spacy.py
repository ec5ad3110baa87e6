"""suwen as a component of spaCy: ``nlp.add_pipe("suwen", config={"model": "model"})``.

What suwen finds becomes ``doc.ents``. A span of spaCy begins and ends with a token, an entity of suwen where it does;
so the component says what becomes of those that do not fit, and keeps the exact offsets of all:

- ``doc._.suwen`` is suwen's own document of the text, with every entity, its exact offsets, fragments and confidence.
- ``span._.suwen`` is the entity that a span in ``doc.ents`` stands for (None for the spans of other components).
- ``doc._.suwen_relations`` lists the relations as ``(type, head, tail, confidence)`` with suwen's entities, where the
  component is told to find them: ``config={"relations": True}`` or a relation model instead of ``True``.
- ``alignment_mode`` is spaCy's: ``strict`` leaves out what does not fit, ``contract`` takes the tokens that lie whole
  inside, ``expand`` those that are touched. ``doc._.suwen_misaligned`` counts, by what became of them, the entities
  that did not fit: ``moved``, ``left out``, and ``overlapping`` (their tokens belong to another entity already).

A warning says so, once. With ``spacy.blank("zh")`` every character is a token, and everything fits.

Other components' entities give way where they overlap suwen's, unless ``overwrite`` is false.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import Literal

from spacy.language import Language
from spacy.tokens import Doc, Span

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import jsonl
from suwen.formats.json_files import numbered_objects
from suwen.formats.reading import refuse
from suwen.inference.predictor import Extractor
from suwen.loading import load

__all__ = ["SuwenComponent", "make_component"]

Alignment = Literal["strict", "contract", "expand"]
ALIGNMENTS = ("strict", "contract", "expand")

MISALIGNED = (
    "suwen: there are entities that do not begin and end with tokens; doc._.suwen_misaligned counts what was moved in "
    "doc.ents or left out, doc._.suwen has all as they are, and with spacy.blank('zh') every character is a token"
)

DEFAULTS = {"model": None, "device": "cpu", "alignment_mode": "expand", "overwrite": True, "relations": False}


class SuwenComponent:
    """Finds entities with a model of suwen.

    Parameters
    ----------
    extractor
        The model.
    alignment_mode
        The treatment of entities that do not begin and end with a token.
    overwrite
        Whether entities that other components found give way; otherwise suwen's do.

    Raises
    ------
    SuwenError
        S404 for an unknown `alignment_mode`.
    """

    def __init__(self, extractor: Extractor, alignment_mode: Alignment = "expand", overwrite: bool = True) -> None:
        if alignment_mode not in ALIGNMENTS:
            raise SuwenError("S404", what="alignment_mode", name=alignment_mode, known=", ".join(ALIGNMENTS))
        self.extractor = extractor
        self.alignment_mode = alignment_mode
        self.overwrite = overwrite

    def __call__(self, doc: Doc) -> Doc:
        """Find the entities of a text."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Find the entities of many texts; suwen makes its own batches, so `batch_size` has no effect."""
        docs, sources = tee(stream)
        found = self.extractor.pipe(Document(str(number), doc.text) for number, doc in enumerate(sources))
        for doc, document in zip(docs, found, strict=True):
            self._set_entities(doc, document)
            yield doc

    def _set_entities(self, doc: Doc, document: Document) -> None:
        counts: Counter[str] = Counter()
        others = list(doc.ents)
        taken = set() if self.overwrite else {token.i for span in others for token in span}
        spans: list[Span] = []
        places: list[tuple[int, int, int]] = []
        for number, entity in enumerate(document.entities):
            span = self._span(doc, entity)
            if span is None:
                counts["left out"] += 1
                continue
            tokens = set(range(span.start, span.end))
            if not taken.isdisjoint(tokens):
                counts["overlapping"] += 1
                continue
            if (span.start_char, span.end_char) != (entity.start, entity.end):
                counts["moved"] += 1
            taken |= tokens
            spans.append(span)
            places.append((span.start, span.end, number))
        if self.overwrite:
            others = [span for span in others if taken.isdisjoint(range(span.start, span.end))]
        doc.ents = [*spans, *others]
        if counts["moved"] or counts["left out"]:
            # The same words each time, so that Python shows them once.
            warnings.warn(MISALIGNED, stacklevel=2)
        doc._.suwen_misaligned = dict(counts)
        # As plain values, so that docs can be stored and sent to other processes.
        doc.user_data[DOCUMENT] = jsonl.line(document).decode()
        doc.user_data[PLACES] = places

    def _span(self, doc: Doc, entity: Entity) -> Span | None:
        span: Span | None = doc.char_span(
            entity.start, entity.end, label=entity.label, alignment_mode=self.alignment_mode
        )
        # If no token is inside, "contract" gives a span without tokens.
        return span if span is not None and len(span) else None


DOCUMENT, PLACES = "suwen_document", "suwen_places"
"""The keys in ``doc.user_data`` of suwen's document, and of ``(start, end, number)`` of its entities in tokens."""


def _document_of(doc: Doc) -> Document | None:
    """Return the document that suwen made of a text."""
    line = doc.user_data.get(DOCUMENT)
    return (
        None
        if line is None
        else next(jsonl.scan_rows(numbered_objects([line.encode()], Path(), refuse), Path(), "", refuse)).document
    )


def _entity_of(span: Span) -> Entity | None:
    """Return the entity that a span stands for."""
    document = _document_of(span.doc)
    if document is None:
        return None
    places = {(start, end): number for start, end, number in span.doc.user_data[PLACES]}
    number = places.get((span.start, span.end))
    return None if number is None else document.entities[number]


def _relations_of(doc: Doc) -> list[tuple[str, Entity, Entity, float | None]]:
    """Return the relations that suwen found in a text, with their arguments."""
    document = _document_of(doc)
    if document is None:
        return []
    entities = {entity.id: entity for entity in document.entities}
    return [(one.label, entities[one.head], entities[one.tail], one.score) for one in document.relations]


@Language.factory("suwen", default_config=DEFAULTS, assigns=["doc.ents"])  # type: ignore[untyped-decorator]
def make_component(
    nlp: Language,
    name: str,
    model: str | None,
    device: str,
    alignment_mode: Alignment,
    overwrite: bool,
    relations: bool | str,
) -> SuwenComponent:
    """Make the component; spaCy calls this for ``nlp.add_pipe("suwen", config={…})``.

    Parameters
    ----------
    model
        A model folder; by default the bundled model.
    device
        Where the model runs, as for `suwen.load`.
    relations
        True to find relations too, or a relation model, as for `suwen.load`.

    Raises
    ------
    SuwenError
        As `suwen.load` and `SuwenComponent`.
    """
    del nlp, name
    return SuwenComponent(load(model, device=device, relations=relations), alignment_mode, overwrite)


if not Doc.has_extension("suwen"):
    Doc.set_extension("suwen", getter=_document_of)
    Doc.set_extension("suwen_misaligned", default=None)
    Doc.set_extension("suwen_relations", getter=_relations_of)
    Span.set_extension("suwen", getter=_entity_of)
