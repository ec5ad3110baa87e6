"""Compute the rows that a graph keeps of a Document."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

from suwen.concepts.linking import Meanings
from suwen.corpus.sentences import sentence_spans
from suwen.document import Document, Entity, Relation, Span, lone_surrogates
from suwen.errors import SuwenError
from suwen.graph.keys import evidence_key, place_key
from suwen.graph.linking import AFFIRMED, Assertion, Form, Linker, assertions_in, forms_of

__all__ = ["EvidenceRow", "Facts", "MentionRow", "facts_of", "title_of", "year_of"]

DIGITS = 6


class MentionRow(NamedTuple):
    """A mention: where it stands, as what, and by what cue the text affirms it or not (a number in `POLARITIES`)."""

    start: int
    end: int
    fragments: tuple[Span, ...]
    form: Form
    polarity: int
    cue: Span | None
    confidence: float | None


class EvidenceRow(NamedTuple):
    """A relation between two mentions, named by their numbers; `start` and `end` are those of their sentences."""

    relation: str
    head: int
    tail: int
    start: int
    end: int
    polarity: int
    confidence: float | None
    key: int


@dataclass(slots=True)
class Facts:
    """The facts that a graph keeps of a document.

    Parameters
    ----------
    left_out
        How many entities and relations were left out, by reason.
    """

    title: str
    year: int | None
    model: str | None
    meanings: Meanings
    sentences: tuple[Span, ...]
    mentions: list[MentionRow]
    evidence: list[EvidenceRow]
    left_out: Counter[str] = field(default_factory=Counter)

    def hash(self, text: str) -> str:
        """Return a hash of the text and all that is known of it, whatever the order of its annotations."""
        mentions = [
            (start, end, fragments, form.type, *asserted) for start, end, fragments, form, *asserted in self.mentions
        ]
        evidence = sorted((one.key, one.polarity, _certainty(one.confidence)) for one in self.evidence)
        known = (text, self.title, self.year, self.model, mentions, evidence)
        return blake2b(repr(known).encode(), digest_size=16).hexdigest()


def facts_of(document: Document, linker: Linker) -> Facts:
    """Return the facts of a document, in an order that does not depend on that of its annotations.

    Raises
    ------
    SuwenError
        S210 when an id, a label, the title or the name of a model is not valid Unicode.
    """
    title, model = title_of(document), _model_of(document)
    labels = {entity.label for entity in document.entities} | {relation.label for relation in document.relations}
    stored = {"id": document.id, "labels": sorted(labels), "title": title, "model": model}
    for where, point, offset in lone_surrogates(stored, ""):
        raise SuwenError("S210", document.id, where=where, point=point, offset=offset)
    left_out: Counter[str] = Counter()
    asserted = assertions_in(document)
    meanings = linker.meanings(document)
    mentions, numbers = _mentions(document, forms_of(document, meanings, asserted), asserted, left_out)
    sentences = sentence_spans(document.text)
    evidence = _evidence(document, mentions, numbers, sentences, asserted, left_out)
    return Facts(
        title,
        year_of(document),
        model,
        meanings,
        sentences,
        mentions,
        evidence,
        left_out,
    )


def title_of(document: Document) -> str:
    """Return the title that the source states; without one, the document's id."""
    title = document.meta.get("title")
    return " ".join(title.split()) if isinstance(title, str) and title.strip() else document.id


def year_of(document: Document) -> int | None:
    """Return the year of publication that the source states (``year``, or the first four digits of ``date``)."""
    for name in ("year", "date"):
        value = str(document.meta.get(name, ""))[:4]
        if len(value) == 4 and value.isascii() and value.isdigit():
            return int(value)
    return None


def _model_of(document: Document) -> str | None:
    """Return the names of the models that an extraction states."""
    named = [document.meta.get(key) for key in ("model", "relation_model")]
    return "; ".join(name for name in named if isinstance(name, str)) or None


def _mentions(
    document: Document, forms: list[Form], asserted: dict[str, Assertion], left_out: Counter[str]
) -> tuple[list[MentionRow], dict[str, int]]:
    """Return the mentions in the order of the text, and the number of each entity by its id."""
    numbers: dict[str, int] = {}
    mentions: list[MentionRow] = []
    for entity, form in sorted(zip(document.entities, forms, strict=True), key=_place):
        assertion = asserted.get(entity.id or "", AFFIRMED)
        row = MentionRow(entity.start, entity.end, entity.fragments, form, *assertion, entity.score)
        if mentions and _is_same(mentions[-1], row):
            left_out["entities that stand there twice"] += 1
        else:
            mentions.append(row)
        if entity.id is not None:
            numbers.setdefault(entity.id, len(mentions) - 1)
    return mentions, numbers


def _place(item: tuple[Entity, Form]) -> tuple[int, int, str, tuple[Span, ...], float]:
    entity, _ = item
    return entity.start, entity.end, entity.label, entity.fragments, -_certainty(entity.score)


def _certainty(confidence: float | None) -> float:
    """Return a confidence; 1 for what was annotated."""
    return 1.0 if confidence is None else confidence


def _is_same(first: MentionRow, second: MentionRow) -> bool:
    return first[:2] == second[:2] and first.form.type == second.form.type


def _evidence(
    document: Document,
    mentions: list[MentionRow],
    numbers: dict[str, int],
    sentences: tuple[Span, ...],
    asserted: dict[str, Assertion],
    left_out: Counter[str],
) -> list[EvidenceRow]:
    starts = [start for start, _ in sentences]
    places = [place_key(mention.start, mention.end, mention.form.type) for mention in mentions]
    best: dict[int, EvidenceRow] = {}
    for relation in document.relations:
        head, tail = numbers.get(relation.head), numbers.get(relation.tail)
        if head is None or tail is None:
            left_out["relations without their entities"] += 1
            continue
        if head == tail:
            left_out["relations of an entity with itself"] += 1
            continue
        first, second = mentions[head], mentions[tail]
        start = starts[bisect_right(starts, min(first.start, second.start)) - 1]
        end = sentences[bisect_right(starts, max(first.end, second.end) - 1) - 1][1]
        polarity = _polarity(first.polarity, second.polarity, asserted.get(relation.id or "", AFFIRMED).polarity)
        confidence = _confidence(relation, first, second)
        key = evidence_key(document.id, relation.label, places[head], places[tail])
        row = EvidenceRow(relation.label, head, tail, start, end, polarity, confidence, key)
        if key in best:
            left_out["relations that stand there twice"] += 1
            row = max(best[key], row, key=lambda one: (_certainty(one.confidence), one.polarity))
        best[key] = row
    return sorted(best.values(), key=itemgetter(1, 2, 0))


def _polarity(*parts: int) -> int:
    """Return the polarity of a relation: negated if a part is, else hypothetical if a part is."""
    return 1 if 1 in parts else max(parts)


def _confidence(relation: Relation, head: MentionRow, tail: MentionRow) -> float | None:
    """Return the probability that a relation and both of its mentions are right; None where all are annotated."""
    product, is_scored = 1.0, False
    for score in (relation.score, head.confidence, tail.confidence):
        if score is not None:
            product, is_scored = product * score, True
    return round(product, DIGITS) if is_scored else None
