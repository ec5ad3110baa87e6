"""Documents with relations, as several tests need them."""

from __future__ import annotations

from hypothesis import strategies as st

from suwen.document import Document, Entity, Relation
from suwen.schema import LCDD

TEXT = "二甲双胍0.5g治疗2型\r\n糖尿病。胰岛素每日三次！高血压"
ENTITIES = (
    Entity("Drug", 0, 4, id="T1"),
    Entity("Amount", 4, 8, id="T2"),
    Entity("Disease", 10, 17, ((10, 12), (14, 17)), "T3"),
    Entity("Drug", 18, 21, id="T4"),
    Entity("Frequency", 21, 25, id="T5"),
    Entity("Disease", 26, 29, id="T6"),
)
RELATIONS = (
    Relation("Drug_Disease", "T1", "T3", "R1"),
    Relation("Amount_Drug", "T2", "T1", "R2"),
    Relation("Frequency_Drug", "T5", "T4", "R3"),
    Relation("Drug_Disease", "T4", "T6", "R4"),
)
DOCUMENT = Document("a", TEXT, ENTITIES, RELATIONS)

TRIPLES = {(one.label, one.head, one.tail) for one in RELATIONS}


def triples(document: Document) -> set[tuple[str, str, str]]:
    """Type, head and tail of each relation."""
    return {(one.label, one.head, one.tail) for one in document.relations}


def by_span(document: Document) -> list[tuple[object, ...]]:
    """Each relation with the keys of its arguments instead of their ids."""
    keys = {entity.id: entity.key for entity in document.entities}
    return sorted((one.label, keys[one.head], keys[one.tail], one.score or 0.0) for one in document.relations)


@st.composite
def related_documents(draw: st.DrawFn, scored: bool = True, pieces: bool = True) -> Document:
    """A document with relations between its entities, whatever their types."""
    characters = "糖尿病口服二甲双胍。！😀𠮷 aB1\n" + "\r" * draw(st.booleans())
    text = draw(st.text(st.sampled_from(characters), min_size=2, max_size=40))
    entities = []
    for number in range(1, draw(st.integers(2, 6))):
        cuts = draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=4 if pieces else 2))
        ordered = sorted(cuts)[: 2 * (len(cuts) // 2)]
        spans = tuple(zip(ordered[::2], ordered[1::2], strict=True))
        label = draw(st.sampled_from(LCDD.labels))
        entities.append(Entity(label, ordered[0], ordered[-1], spans if len(spans) > 1 else (), f"T{number}"))
    names = st.sampled_from([entity.id for entity in entities])
    kinds = st.sampled_from([kind.name for kind in LCDD.relations])
    found = draw(st.lists(st.tuples(kinds, names, names), max_size=5, unique=True))
    scores = st.none() | st.floats(0, 1) if scored else st.none()
    relations = tuple(Relation(*row, f"R{number}", draw(scores)) for number, row in enumerate(found, 1))
    return Document("a", text, tuple(entities), relations)
