"""Lists and records made of training sentences."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_training import config, corpus

from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.schema import Schema
from suwen.tagging.encode import prepare
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules
from suwen.training.build import build
from suwen.training.data import select_data
from suwen.training.lists import as_lists, as_records, encode_lists
from suwen.training.taggers import train_tagger

TEXT = "诊断为糖尿病、肾病、高血压。血糖升高。合并肥胖症、冠心病、1,25二羟维生素D缺乏、脑病。"


RULES = WindowRules(context=8, length=80, overlap=8)


def lists(text: str, gold: list[Entity], share: float = 1.0):
    prepared = prepare(text, ViewRules(), RULES)
    return prepared, as_lists(prepared, gold, RULES, share, np.random.default_rng(0))


def test_lists_have_one_item_a_line_and_the_same_offsets() -> None:
    start = TEXT.index("1,25")
    prepared, found = lists(TEXT, [Entity("Drug", start, start + 10)])
    assert found is not None
    shown = [found.view.text[begin:end] for begin, end in found.sentences]
    assert shown == ["诊断为糖尿病", "肾病", "高血压", "合并肥胖症", "冠心病", "1,25二羟维生素D缺乏", "脑病"]
    assert len(found.view.text) == len(prepared.view.text)
    assert found.view.source is prepared.view.source
    assert all(window.start == block.start for block in found.blocks for window in block.windows)


def test_lists_need_items_and_chance() -> None:
    assert lists("血糖升高、血压升高。", [])[1] is None
    assert lists(TEXT, [], share=0.0)[1] is None


@settings(deadline=None)
@given(st.text("糖尿病肾、,。\n", max_size=60), st.floats(0, 1))
def test_lists_change_separators_alone(text, share) -> None:
    prepared, found = lists(text, [], share)
    if found is None:
        return
    for old, new in zip(prepared.view.text, found.view.text, strict=True):
        assert old == new or (new == "\n" and old in "、,。")
    begins = [begin for begin, _ in found.sentences]
    assert begins == sorted(set(begins))


def records(text: str, mentions: dict[str, str], share: float = 1.0) -> tuple[str, list[tuple[str, str]]]:
    gold = [
        Entity(label, text.index(mention), text.index(mention) + len(mention)) for mention, label in mentions.items()
    ]
    prepared = prepare(text, ViewRules(), RULES)
    found, entities = as_records(prepared, gold, share, np.random.default_rng(1))
    return found, [(found[entity.start : entity.end], entity.label) for entity in entities]


def test_records_keep_names_and_values_and_short_clauses() -> None:
    text = "患者空腹血糖为7.8 mmol/L，一般情况良好，诊断为2型糖尿病、肾病。只有高血压。"
    kinds = {
        "空腹血糖": "Test",
        "7.8 mmol/L": "Test_Value",
        "2型糖尿病": "Disease",
        "肾病": "Disease",
        "高血压": "Disease",
    }
    found, entities = records(text, kinds)
    first, *lines = found.splitlines()
    assert first in ("空腹血糖 7.8 mmol/L", "空腹血糖：7.8 mmol/L", "空腹血糖  7.8 mmol/L")
    assert lines == ["一般情况良好", "2型糖尿病、肾病", ""]
    assert entities == list(kinds.items())[:4]


def test_records_need_two_entities_apart_and_chance() -> None:
    assert records("诊断为糖尿病。", {"糖尿病": "Disease"}) == ("", [])
    assert records("糖尿病肾病。", {"糖尿病": "Disease", "糖尿病肾病": "Disease"}) == ("", [])
    assert records("糖尿病和肾病。", {"糖尿病": "Disease", "肾病": "Disease"}, share=0.0) == ("", [])


@settings(deadline=None)
@given(st.text("糖尿病肾、,。\n", max_size=60), st.sets(st.tuples(st.integers(0, 60), st.integers(1, 4))))
def test_records_have_the_entities_of_the_text(text, places) -> None:
    prepared = prepare(text, ViewRules(), RULES)
    gold = [Entity("Disease", start, start + size) for start, size in places if start + size <= len(text)]
    found, entities = as_records(prepared, gold, 1.0, np.random.default_rng(0))
    known = {
        prepared.view.text[slice(*span)]
        for entity in gold
        if (span := prepared.view.to_view(entity.start, entity.end)) is not None
    }
    assert {found[entity.start : entity.end] for entity in entities} <= known
    assert all(one.end <= other.start for one, other in pairwise(entities))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_training_with_lists_learns_from_more_windows(tmp_path, share) -> None:
    documents = [
        Document(f"{one.id}", f"{TEXT}{one.text}", (Entity("Disease", 3, 6), Entity("Disease", 7, 9)))
        for one in corpus(12)
    ]
    data = select_data(documents, None, "train", 0)
    chosen = config(f"optimization.lists={share}", "optimization.epochs=1")
    start = build(chosen, data.train, Schema.of_labels(data.labels))
    found = encode_lists(whole(documents), start, chosen.optimization, 0)
    assert bool(found) == bool(share)
    tags = {tag for example in found for tag in example.tags.tolist()}
    assert not share or len(tags) > 1
    report = train_tagger(data, tmp_path / "model", chosen, Schema.of_labels(data.labels))
    assert report.manifest["configuration"]["optimization"]["lists"] == share
