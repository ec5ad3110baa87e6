"""DiaKG: the form of the diabetes knowledge graph corpus, one JSON object a document.

``{"doc_id": …, "paragraphs": [{"paragraph_id", "paragraph", "sentences": [{"sentence_id", "sentence", "start_idx",
"end_idx", "entities": [{"entity_id", "entity", "entity_type", "start_idx", "end_idx"}], "relations": [{"relation_id",
"relation_type", "head_entity_id", "tail_entity_id"}]}]}]}``. Ends are exclusive; those of entities count from their
sentence, those of sentences from their paragraph.

Paragraphs become parts of one text with a blank line between them; ``meta["diakg"]`` keeps where they and their
sentences begin. A document of another origin is cut at its paragraph breaks and sentence ends (`suwen.text`) when it is
written; an entity that crosses an end keeps its sentences together.

Source: Chang et al. 2021, "DiaKG: an annotated diabetes dataset for medical knowledge graph construction", CCKS.
"""

from __future__ import annotations

import itertools
import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing_folder
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import SUFFIXES, built, field, listed, reporting_at, scan_json
from suwen.formats.reading import Annotation, Located, Problem
from suwen.formats.record_forms import record_form
from suwen.formats.writing import counting_names, encoded, not_held, output_file
from suwen.schema import Schema
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["FORMAT", "NAME", "Diakg"]

NAME = "diakg"
PARAGRAPH_BREAK = "\n\n"
_HELD = {"entity", "entity id", "relation", "annotated mention"}
_PARAGRAPH = re.compile(r"[^\n]+")


class Diakg(WritableFormat):
    """Read and write the form of DiaKG: a folder, or one file.

    A document is named as its file; ``meta["diakg"]`` has its ``doc_id``. Faults are S101, S102, S103, S114, S115,
    S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = SUFFIXES

    def sniff(self, path: StrPath) -> bool:
        """Return True if a ``.json`` file, or the first one of a folder, is an object with paragraphs."""
        return record_form(Path(path)) == NAME

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read files of one document each; lines are the numbers of paragraphs.

        Parameters
        ----------
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        return scan_json(Path(path), problem, partial(_located, schema=schema), encoding)

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write a folder of ``.json`` files; an id with ``/`` goes into subfolders.

        Returns
        -------
        Counter[str]
            Counts of what it cannot hold, by kind. White space between paragraphs is not kept, nor counted.

        Raises
        ------
        SuwenError
            S104 when the folder exists with content, S105 when it cannot be written, S110 or S111 for an id that
            cannot be a file, S210 for a lone surrogate.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        with replacing_folder(path) as folder:
            for document in counting_names(documents, lost):
                values, missing = _values(document)
                content = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
                output_file(folder, document, ".json").write_bytes(encoded(content, document))
                lost += missing
        return lost


FORMAT = Diakg()


def _located(values: Any, path: Path, name: str, problem: Problem, schema: Schema | None) -> Iterator[Located]:
    text = ""
    places: list[tuple[Annotation, int]] = []
    paragraphs: list[list[Any]] = []
    names: list[Any] = []
    for number, paragraph in enumerate(field(values, "paragraphs", list, NAME), 1):
        report = reporting_at(problem, path, number)
        try:
            content = field(paragraph, "paragraph", str, NAME)
            sentences = field(paragraph, "sentences", list, NAME)
        except SuwenError as error:
            report(error)
            continue
        text += PARAGRAPH_BREAK if text else ""
        starts = {len(text)}
        for sentence in sentences:
            try:
                start = _sentence_start(sentence, content)
            except SuwenError as error:
                report(error)
                continue
            starts.add(len(text) + start)
            places += [(item, number) for item in _annotations(sentence, len(text) + start, report, schema)]
        paragraphs.append([len(text), sorted(starts), len(text) + len(content)])
        names.append(paragraph.get("paragraph_id"))
        text += content
    kept = {"paragraphs": paragraphs} | ({} if values.get("doc_id") is None else {"doc_id": values["doc_id"]})
    if names != [str(number) for number in range(len(names))]:
        kept["paragraph_ids"] = names
    entities = tuple(item for item, _ in places if isinstance(item, Entity))
    relations = tuple(item for item, _ in places if isinstance(item, Relation))
    document = Document(name, text, entities, relations, meta={NAME: kept})
    yield Located(document, path, None, path, tuple(places))


def _sentence_start(sentence: Any, paragraph: str) -> int:
    """Return the start of a sentence in its paragraph."""
    start: int = field(sentence, "start_idx", int, NAME)
    content = field(sentence, "sentence", str, NAME)
    if start < 0 or paragraph[start : start + len(content)] != content:
        raise SuwenError("S213", field="sentence", reason=f"is not at {start} of its paragraph", format=NAME)
    return start


def _annotations(sentence: Any, begin: int, report: Problem, schema: Schema | None) -> Iterator[Annotation]:
    """Yield the entities and relations of a sentence that begins at `begin` of the text."""
    builders: dict[str, Callable[[Any], Annotation]] = {
        "entities": partial(_entity, sentence["sentence"], begin, schema),
        "relations": _relation,
    }
    for key, build in builders.items():
        try:
            yield from built(listed(sentence, key, NAME), build, report)
        except SuwenError as error:
            report(error)


def _relation(values: Any) -> Relation:
    head, tail = (field(values, key, str, NAME) for key in ("head_entity_id", "tail_entity_id"))
    return Relation(field(values, "relation_type", str, NAME), head, tail, _name(values, "relation_id"))


def _entity(sentence: str, begin: int, schema: Schema | None, values: Any) -> Entity:
    start, end = field(values, "start_idx", int, NAME), field(values, "end_idx", int, NAME)
    label = field(values, "entity_type", str, NAME)
    mention = field(values, "entity", str, NAME) if values.get("entity") is not None else None
    if not 0 <= start < end <= len(sentence):
        raise SuwenError("S201", start=start, end=end, length=len(sentence))
    if schema is not None and label not in schema:
        raise SuwenError("S202", label=label, known=", ".join(schema.labels))
    annotated = None if mention in (None, sentence[start:end]) else mention
    return Entity(label, begin + start, begin + end, id=_name(values, "entity_id"), annotated=annotated)


def _name(values: dict[str, Any], key: str) -> str | None:
    return None if values.get(key) is None else str(field(values, key, str, NAME))


def _values(document: Document) -> tuple[dict[str, Any], Counter[str]]:
    """Return the object of a document, and what it could not hold."""
    lost = not_held(document, _HELD)
    kept = document.meta.get(NAME)
    kept = kept if isinstance(kept, dict) else {}
    lost["meta"] -= bool(kept)
    names = kept["paragraph_ids"] if isinstance(kept.get("paragraph_ids"), list) else []
    text, named = document.text, list(_named(document.entities))
    paragraphs: list[dict[str, Any]] = []
    starts: list[int] = []
    sentences: list[dict[str, Any]] = []
    for begin, inner, finish in _kept_paragraphs(kept, text) or _paragraphs(text, named):
        own: list[dict[str, Any]] = []
        for start, end in pairwise([*inner, finish]):
            own.append({"sentence_id": str(len(own)), "sentence": text[start:end], "start_idx": start - begin})
            own[-1] |= {"end_idx": end - begin, "entities": [], "relations": []}
        number = len(paragraphs)
        name = names[number] if number < len(names) else str(number)
        paragraphs.append({"paragraph_id": name, "paragraph": text[begin:finish], "sentences": own})
        starts += inner
        sentences += own

    homes: dict[str | None, int] = {}
    for entity in named:
        place = bisect_right(starts, entity.start) - 1
        if place < 0 or entity.end > starts[place] + len(sentences[place]["sentence"]):
            lost["entity across sentences"] += 1
            continue
        sentences[place]["entities"].append(_entity_row(entity, text, starts[place]))
        homes[entity.id] = place
    for number, relation in enumerate(document.relations):
        home = homes.get(relation.head)
        if home is None or home != homes.get(relation.tail):
            lost["relation between sentences"] += 1
            continue
        row = {"relation_type": relation.label, "relation_id": relation.id or f"R{number}"}
        row |= {"head_entity_id": relation.head, "tail_entity_id": relation.tail}
        sentences[home]["relations"].append(row)
    return {"doc_id": kept.get("doc_id", document.id), "paragraphs": paragraphs}, +lost


Paragraph = tuple[int, list[int], int]
"""A paragraph's start, the starts of its sentences (the first is the same), and its end, in the text."""


def _kept_paragraphs(kept: dict[str, Any], text: str) -> list[Paragraph] | None:
    """Return the paragraphs of the file that the document comes from; None when they are not those of this text."""
    spans = kept.get("paragraphs")
    paragraphs: list[Paragraph] = []
    position = 0
    for span in spans if isinstance(spans, list) else ():
        match span:
            case [int(begin), [int(first), *_] as starts, int(finish)] if first == begin:
                order = [position, *starts, finish, len(text)]
                if not all(type(offset) is int for offset in order) or order != sorted(order):
                    return None
                if text[position:begin].strip():
                    return None
                paragraphs.append((begin, starts, finish))
                position = finish
            case _:
                return None
    return paragraphs if isinstance(spans, list) and not text[position:].strip() else None


def _paragraphs(text: str, entities: Sequence[Entity]) -> Iterator[Paragraph]:
    """Yield the paragraphs and sentences that a text seems to have."""
    view = make_view(text)
    starts = sorted({int(view.source[start]) for start, _ in split_sentences(view)})
    for entity in entities:
        del starts[bisect_right(starts, entity.start) : bisect_left(starts, entity.end)]
    for match in _PARAGRAPH.finditer(view.text):
        begin, finish = int(view.source[match.start()]), int(view.source[match.end() - 1]) + 1
        inner = starts[bisect_right(starts, begin) : bisect_left(starts, finish)]
        yield begin, [begin, *inner], finish


def _named(entities: Iterable[Entity]) -> Iterator[Entity]:
    """Yield the entities, each with an id that no other has."""
    entities = list(entities)
    taken = {entity.id for entity in entities}
    fresh = (name for number in itertools.count() if (name := f"T{number}") not in taken)
    given: set[str | None] = {None}
    for entity in entities:
        yield entity if entity.id not in given else replace(entity, id=next(fresh))
        given.add(entity.id)


def _entity_row(entity: Entity, text: str, begin: int) -> dict[str, Any]:
    return {
        "entity_id": entity.id,
        "entity": text[entity.start : entity.end] if entity.annotated is None else entity.annotated,
        "entity_type": entity.label,
        "start_idx": entity.start - begin,
        "end_idx": entity.end - begin,
    }
