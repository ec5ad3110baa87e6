"""The Document as a value."""

import pickle

import pytest

from suwen.document import Document, Entity


def test_document_goes_to_other_processes() -> None:
    document = Document("a", "糖尿病。", (Entity("Disease", 0, 3),))
    assert pickle.loads(pickle.dumps(document)) == document


def test_document_entity_moves_with_its_fragments() -> None:
    entity = Entity("Disease", 3, 8, ((3, 5), (6, 8)), "T1", 0.5)
    assert entity.moved(-3) == Entity("Disease", 0, 5, ((0, 2), (3, 5)), "T1", 0.5)


def test_document_keeps_lists_as_tuples() -> None:
    entity = Entity("Drug", 2, 6, id="T1")
    document = Document("a", "口服二甲双胍", [entity], attributes=[])  # type: ignore[arg-type]
    assert document == Document("a", "口服二甲双胍", (entity,))
    assert isinstance(document.entities, tuple)


def test_document_finds_entities_by_their_ids() -> None:
    first, second = Entity("Drug", 2, 7, ((2, 4), (5, 7)), id="T2"), Entity("Method", 0, 2, id="T1")
    document = Document("a", "口服二甲\n双胍", (first, second))
    assert document.entity("T1") is second
    assert (document.mention("T2"), document.mention("T1")) == ("二甲双胍", "口服")
    with pytest.raises(KeyError, match="the document 'a' has no entity 'T3'"):
        document.mention("T3")
