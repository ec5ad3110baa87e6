"""The models of the server, and the answers about texts and files."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suwen.bundled import model_path, relation_model_path
from suwen.concepts.assertion import assertions
from suwen.concepts.coding import Coder
from suwen.concepts.terminologies import Terminology
from suwen.document import Document, Entity
from suwen.inference.predictor import Extractor
from suwen.inference.relations.extractor import RelationExtractor
from suwen.loading import load, load_relations
from suwen.schema import LCDD, Schema
from suwen.web import answers
from suwen.web.answers import ExtractRequest, RelateRequest
from suwen.web.problems import ProblemError

__all__ = ["Models"]

ID = "text"
CROWD, CROWDED_CHARACTERS = 400, 1000
"""Maximum number of entities that begin within this number of characters, because all pairs of them are compared."""


class Models:
    """The models that find entities and relations, loaded once.

    Parameters
    ----------
    model, relation_model
        Model folders; by default the bundled ones.
    codes
        A terminology whose codes entities get.

    Raises
    ------
    SuwenError
        As `suwen.loading.load`.
    """

    def __init__(
        self, model: Path | None = None, relation_model: Path | None = None, codes: Terminology | None = None
    ) -> None:
        self._coder = None if codes is None else Coder(codes)
        # One thread each: the server works on several requests at once.
        self._entities: Extractor = load(model, threads=1)
        schema = self._entities.schema if self._entities.schema.relations else LCDD
        self._relations: RelationExtractor = load_relations(relation_model, schema, threads=1)
        self.name = model_path(model).name
        folder = relation_model_path(relation_model)
        self.relations_name = "cooccurrence" if folder is None else folder.name

    @property
    def schema(self) -> Schema:
        """The entity types that are found."""
        return self._entities.schema

    @property
    def relation_schema(self) -> Schema:
        """The relation types that are found."""
        return self._relations.schema

    def extract(self, asked: ExtractRequest) -> answers.Extraction:
        """Find the entities of a text."""
        return self._answer(Document(ID, asked.text), asked.relations, asked.assertion)

    def extract_documents(self, documents: Sequence[Document], relations: bool, assertion: bool) -> answers.Files:
        """Find the entities of the documents of a file."""
        found = []
        for document in documents:
            answer = self._answer(document, relations, assertion)
            title = document.meta.get("title")
            found.append(
                answers.ExtractionFile(
                    id=document.id,
                    title=title if isinstance(title, str) and title else document.id,
                    text=document.text,
                    **dict(answer),
                )
            )
        return answers.Files(documents=found)

    def relate(self, asked: RelateRequest) -> answers.Extraction:
        """Find the relations between given entities.

        Raises
        ------
        ProblemError
            S822 when an entity lies outside the text, or too many stand in one place.
        """
        if any(not one.start < one.end <= len(asked.text) for one in asked.entities):
            raise ProblemError("S822", 422, field="entities", reason="offsets are code points of the text, start < end")
        starts = sorted(one.start for one in asked.entities)
        if any(bisect_left(starts, start + CROWDED_CHARACTERS) - place > CROWD for place, start in enumerate(starts)):
            reason = f"at most {CROWD} of them may begin within {CROWDED_CHARACTERS:,} characters"
            raise ProblemError("S822", 422, field="entities", reason=reason)
        entities = tuple(
            Entity(one.label, one.start, one.end, id=f"T{number}") for number, one in enumerate(asked.entities, 1)
        )
        answer = _extraction(self._relations.relate(Document(ID, asked.text, entities)), assertion=False)
        answer.relations_model = self.relations_name
        return answer

    def _answer(self, document: Document, relations: bool, assertion: bool) -> answers.Extraction:
        found = self._entities(document)
        if relations:
            found = self._relations.relate(found)
        answer = _extraction(found, assertion)
        if self._coder is not None:
            _add_codes(answer, self._coder.with_codes(found))
        answer.model = self.name
        answer.relations_model = self.relations_name if relations else None
        return answer


def _add_codes(answer: answers.Extraction, coded: Document) -> None:
    """Put the attributes of `Coder` into the entities of an answer."""
    found: dict[tuple[str, str], Any] = {(one.target, one.label): one.value for one in coded.attributes}
    for entity in answer.entities:
        entity.code, entity.code_match = found.get((entity.id, "Code")), found[entity.id, "Code_Match"]


def _extraction(document: Document, assertion: bool) -> answers.Extraction:
    found = assertions(document) if assertion else [None] * len(document.entities)
    entities = [
        answers.Entity(
            id=str(one.id),
            label=one.label,
            start=one.start,
            end=one.end,
            fragments=list(one.fragments),
            text=document.mention(one),
            score=one.score,
            assertion=asserted and answers.Assertion(polarity=asserted.value, cue=asserted.cue),
        )
        for one, asserted in zip(document.entities, found, strict=True)
    ]
    relations = [
        answers.Relation(id=str(one.id), type=one.label, head=one.head, tail=one.tail, score=one.score)
        for one in document.relations
    ]
    return answers.Extraction(model=None, entities=entities, relations=relations)
