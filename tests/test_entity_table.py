from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.document import Document, Entity
from suwen.formats.entity_table import Places, Sentence
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view


@pytest.mark.parametrize(
    ("text", "mention", "sentence"),
    [
        ("血糖高。口服二甲双胍。停药。", (6, 10), "口服二甲双胍。"),
        ("血糖高。口服二甲\n\n双胍。停药。", (6, 12), "口服二甲双胍。"),
        ("甲。give insulin\n\nglargine B。C。", (7, 23), "give insulin glargine B。"),
        ("血糖高。口服二甲；双胍。停药。", (6, 11), "口服二甲；双胍。"),
        ("一。\n\n二。\n\n三。\n\n四。", (4, 9), "二。三。"),
    ],
)
def test_entity_table_gives_the_sentences_that_a_mention_touches(
    text: str, mention: tuple[int, int], sentence: str
) -> None:
    found = Places(Document("a", text)).sentence(Entity("Drug", *mention))
    assert found.text == sentence
    assert text[found.start : found.end].replace("\n\n", " " if "insulin" in text else "") == sentence


def test_entity_table_gives_no_sentence_before_the_first() -> None:
    assert Places(Document("a", " \n 。")).sentence(Entity("Drug", 0, 1)) == Sentence("", 0, 1)


@given(st.text(st.sampled_from("糖尿ab1。；.\n "), max_size=40), st.data())
def test_entity_table_gives_a_sentence_that_holds_the_mention(text: str, data: st.DataObject) -> None:
    view = make_view(text)
    if not view.text.strip():
        return
    start = data.draw(st.integers(0, len(view.text) - 1))
    pieces = view.to_source(start, data.draw(st.integers(start + 1, len(view.text))))
    if not pieces:
        return
    entity = Entity("Drug", pieces[0][0], pieces[-1][1], pieces if len(pieces) > 1 else ())
    document = Document("a", text, (entity,))
    found = Places(document).sentence(entity)
    assert found.start <= entity.start < entity.end <= found.end
    assert document.mention(entity) in found.text
    whole = {int(view.source[begin]) for begin, _ in split_sentences(view)}
    assert found.start in whole
