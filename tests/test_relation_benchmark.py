"""The benchmark of relation models: passages annotated twice, and what the CNN baseline reads."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.corpus.split import whole
from suwen.document import Document, Entity, Relation
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import RelationEncoder
from suwen.schema import LCDD
from suwen.tagging.vocabulary import SEP, CharacterVocabulary
from suwen.training.relations.data import label_documents

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PASSAGE = "口服二甲双胍治疗2型糖尿病。"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


@pytest.fixture
def passages(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("relation_agreement")


def annotated(name: str, before: str = "", between: str = "", relations: Sequence[Relation] = ()) -> Document:
    """A document with one passage and both its entities; `between` is inside the passage."""
    text = before + PASSAGE.replace("治疗", f"治疗{between}")
    drug, disease = text.index("二甲双胍"), text.index("2型糖尿病")
    entities = Entity("Drug", drug, drug + 4, id="T1"), Entity("Disease", disease, disease + 5, id="T2")
    return Document(name, text, entities, tuple(relations))


def test_relation_agreement_counts_what_both_annotations_have(
    passages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages.repeated_passages, "__defaults__", (len(PASSAGE),))
    relation = Relation("Drug_Disease", "T1", "T2", "R1")
    first, second = annotated("1", relations=[relation]), annotated("2", "前言：", "\n")
    found = passages.agreement([first, second, Document("3", "无关的内容")], ["1", "2"])
    assert list(found) == ["all", "twins"]
    assert found["all"] == found["twins"]
    assert (found["all"]["passages"], found["all"]["characters"]) == (1, len(PASSAGE))
    assert found["all"]["entities"] == {"both": 2, "first": 2, "second": 2, "f1": 1.0}
    assert found["all"]["relations"] == {"both": 0, "first": 1, "second": 0, "f1": 0.0}
    both = passages.agreement([first, annotated("2", "前言：", "\n", [relation])])
    assert both["others"]["relations_of_shared_entities"]["f1"] == 1.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text("ab", max_size=30), max_size=4))
def test_relation_agreement_repeated_passages_are_equal_and_disjoint(passages: ModuleType, texts: list[str]) -> None:
    behind: dict[int, int] = {}
    for first, start, second, begin, length in passages.repeated_passages(texts, 5):
        assert first < second
        assert length >= 5
        assert texts[first][start : start + length] == texts[second][begin : begin + length]
        assert begin >= behind.get(second, 0)
        behind[second] = begin + length
    for number, text in enumerate(texts):
        known = {one[place : place + 5] for one in texts[:number] for place in range(len(one) - 4)}
        assert any(text[place : place + 5] in known for place in range(len(text) - 4)) == (number in behind)


def test_relation_cnn_reads_the_text_of_a_pair_with_its_middle_cut(load: Callable[[str], ModuleType]) -> None:
    cnn = load("relation_cnn")
    filling = "因" * 170
    document = annotated("1", "前言：" * 5, filling)
    vocabulary = CharacterVocabulary.from_texts([document.text * 2])
    encoded = RelationEncoder(LCDD, vocabulary, 200).encode(document)
    separator = vocabulary.id(SEP)
    texts = cnn.PairTexts(encoded, int(vocabulary.ids("。")[0]), separator)
    assert texts.near.tolist() == [0]
    found = texts.arrays(texts.near)
    drug, disease = document.text.index("二甲双胍"), document.text.index("2型糖尿病")
    ends = document.text[drug - 10 : drug + 64], document.text[disease + 5 + 1 - 74 :]
    expected = [*vocabulary.ids(ends[0]), separator, separator, *vocabulary.ids(ends[1])]
    assert found["characters"][0].tolist() == expected
    head, tail, there = found["masks"][0]
    labels = {1 + LCDD.labels.index(name): mask for name, mask in (("Drug", head), ("Disease", tail))}
    assert there.all()
    for kind in labels:
        assert (found["types"][0] == kind).sum() == {"Drug": 4, "Disease": 5}[LCDD.labels[kind - 1]]
    assert sorted((head.sum(), tail.sum())) == [4, 5]
    assert found["distance"][0] == pytest.approx(np.log1p(2 + len(filling)))


def test_relation_cnn_skips_pairs_of_distant_sentences(load: Callable[[str], ModuleType]) -> None:
    cnn = load("relation_cnn")
    vocabulary = CharacterVocabulary.from_texts([PASSAGE * 2])
    encoder = RelationEncoder(LCDD, vocabulary, 200)
    relation = Relation("Drug_Disease", "T1", "T2", "R1")
    documents = [annotated("1", relations=[relation]), annotated("2", "", "。。"), Document("3", "无")]
    labeled = label_documents(whole(documents), encoder)
    model = cnn.train_cnn(labeled[:1], vocabulary, len(LCDD.labels))
    near, far, none = (model.probabilities(one.encoded) for one in labeled)
    assert near.shape == far.shape == (1,)
    assert far[0] == cnn.NEVER < near[0] < 1
    assert none.shape == (0,)


def test_relation_benchmark_names_existing_features(load: Callable[[str], ModuleType]) -> None:
    relations = load("relations")
    assert len(set(relations.FEW)) == 27
    assert set(relations.FEW) <= set(feature_names(len(LCDD.labels)))
