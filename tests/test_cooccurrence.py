from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Relation
from suwen.inference.relations.cooccurrence import REACH, CooccurrenceExtractor
from suwen.inference.relations.extractor import with_entity_ids, with_relations
from suwen.schema import LCDD
from suwen.text.distance import gap

TEXT = "二甲双胍0.5g治疗2型糖尿病。胰岛素每日三次！高血压"


def spot(label: str, mention: str, name: str | None = None) -> Entity:
    start = TEXT.index(mention)
    return Entity(label, start, start + len(mention), id=name)


DRUG, AMOUNT, DISEASE = spot("Drug", "二甲双胍", "T1"), spot("Amount", "0.5g", "T2"), spot("Disease", "2型糖尿病", "T3")
INSULIN, OTHER = spot("Drug", "胰岛素", "T4"), spot("Disease", "高血压", "T5")
ENTITIES = (DRUG, AMOUNT, DISEASE, INSULIN, OTHER)


def relations(document: Document) -> set[tuple[str, str, str]]:
    return {(one.label, one.head, one.tail) for one in document.relations}


def test_cooccurrence_relates_fitting_types_within_a_sentence() -> None:
    document = CooccurrenceExtractor().relate(Document("a", TEXT, ENTITIES))
    assert document.relations == (Relation("Drug_Disease", "T1", "T3", "R1"), Relation("Amount_Drug", "T2", "T1", "R2"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from("药。！？，\n"), min_size=1, max_size=150).map("".join),
    st.lists(
        st.tuples(st.sampled_from(["Drug", "Disease", "Amount", "Level"]), st.integers(0, 149), st.integers(1, 9)),
        max_size=8,
    ),
)
def test_cooccurrence_is_what_trying_all_pairs_gives(text: str, spans: list[tuple[str, int, int]]) -> None:
    entities = [
        Entity(label, start, min(start + length, len(text))) for label, start, length in spans if start < len(text)
    ]
    document = with_entity_ids(Document("a", text, tuple(entities)))
    wanted = set()
    for kind in LCDD.relations:
        for head in document.entities:
            for tail in document.entities:
                start, end = gap((head.start, head.end), (tail.start, tail.end))
                if (head.label, tail.label) != (kind.head, kind.tail) or end - start > REACH:
                    continue
                if not any(mark in text[start:end] for mark in "。！？"):
                    wanted.add((kind.name, head.id, tail.id))
    found = CooccurrenceExtractor().relate(document)
    assert relations(found) == wanted
    assert len(found.relations) == len(wanted)
    backwards = CooccurrenceExtractor().relate(replace(document, entities=document.entities[::-1]))
    assert {(one.label, one.head, one.tail) for one in backwards.relations} == wanted


def test_relation_extractor_gives_ids_to_entities() -> None:
    entities = (replace(DRUG, id=None), replace(AMOUNT, id="T1"), replace(DISEASE, id="T1"))
    named = with_entity_ids(Document("a", TEXT, entities))
    assert [entity.id for entity in named.entities] == ["T2", "T1", "T3"]
    assert with_entity_ids(named) is named


def test_relation_extractor_replaces_relations_and_what_is_said_of_them() -> None:
    document = Document(
        "a",
        TEXT,
        ENTITIES,
        (Relation("Drug_Disease", "T4", "T5", "R1"),),
        attributes=(Attribute("A1", "Doubt", "R1"), Attribute("A2", "Negation", "T3")),
        notes=(Note("#1", "AnnotatorNotes", "A1", "x"), Note("#2", "AnnotatorNotes", "T1", "y")),
        meta={"key": "value"},
    )
    found = with_relations(document, [("Drug_Disease", DRUG, DISEASE, 0.12345678)])
    assert found.relations == (Relation("Drug_Disease", "T1", "T3", "R1", 0.123457),)
    assert [one.id for one in found.attributes] == ["A2"]
    assert [one.id for one in found.notes] == ["#2"]
    assert (found.entities, found.meta) == (ENTITIES, {"key": "value"})
