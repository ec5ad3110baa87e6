"""Scoring pairs: the same result for any block size, order and company, with numpy and ONNX."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from relation_documents import DOCUMENT, by_span, related_documents

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.exporting.relation_graph import relation_graph
from suwen.inference.relations import trees as module
from suwen.inference.relations.inputs import Inputs, RelationEncoder, first_inputs, second_inputs
from suwen.inference.relations.onnx import OnnxPairScorer
from suwen.inference.relations.predictor import PairScorer, RelationPredictor, probabilities
from suwen.inference.relations.rivals import GRID, LEVELS
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import BoostedTrees, TwoStages
from suwen.schema import LCDD
from suwen.tagging.calibration import Calibration
from suwen.training.relations.trees import _arrays

ENCODER = RelationEncoder(LCDD, reach=40)
COUNTS = 6


def fitted(inputs: Inputs, targets: NDArray[np.bool_]) -> tuple[BoostedTrees, lightgbm.Booster]:
    options = {"objective": "binary", "num_leaves": 20, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(inputs, targets.astype(float)), 4)
    return _arrays([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]), booster


@cache
def boosters() -> tuple[TwoStages, lightgbm.Booster]:
    """Trees that read many of the features, and what the first stage was made of."""
    draw = np.random.default_rng(0)
    encoded = ENCODER.encode(DOCUMENT)
    sizes = first_inputs(encoded).shape[1], second_inputs(encoded, np.zeros(len(encoded.candidates))).shape[1]
    structural = draw.integers(0, COUNTS, (500, sizes[0])).astype(np.uint8)
    first, booster = fitted(structural, draw.random(500) < 0.5)
    rivals = draw.integers(0, LEVELS, (500, sizes[1] - sizes[0])).astype(np.uint8)
    second, _ = fitted(np.concatenate([structural, rivals], axis=1), draw.random(500) < 0.5)
    return TwoStages(first, second), booster


@cache
def graph() -> bytes:
    return relation_graph(boosters()[0]).SerializeToString()


def predictor(scorer: PairScorer | None = None, workers: int = 0) -> RelationPredictor:
    thresholds = {kind.name: 0.4 for kind in LCDD.relations}
    kept = RelationSettings(LCDD, ENCODER.reach, Calibration(), thresholds)
    return RelationPredictor(kept, scorer or boosters()[0], workers)


def long_document(repeats: int, text: str = DOCUMENT.text) -> Document:
    """A document whose pairs reach across the borders of any block."""
    size = len(text)
    entities = tuple(
        Entity(one.label, one.start + size * i, one.end + size * i, id=f"T{i}_{one.id}")
        for i in range(repeats)
        for one in DOCUMENT.entities
    )
    return Document("long", text * repeats, entities)


@pytest.mark.parametrize("block", [1, 7, 30, 100])
def test_relation_predictor_does_not_depend_on_the_block_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = ENCODER.encode(long_document(12))
    whole = probabilities(encoded, boosters()[0])
    assert len(set(whole.tolist())) > 10
    np.testing.assert_array_equal(probabilities(encoded, OnnxPairScorer(graph(), block)), whole)
    monkeypatch.setattr(module, "BLOCK", block)
    np.testing.assert_array_equal(probabilities(encoded, boosters()[0]), whole)


def test_relation_stages_read_what_the_other_one_found() -> None:
    encoded, stages = ENCODER.encode(long_document(3)), boosters()[0]
    first = stages.logits(first_inputs(encoded), second=False)
    other = stages.logits(second_inputs(encoded, first), second=True)
    assert (other != stages.logits(second_inputs(encoded, 40 * first), second=True)).any()
    expected = 1 / (1 + np.exp(-(first.astype(float) + other) / 2))
    np.testing.assert_allclose(probabilities(encoded, stages), expected, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(related_documents(scored=False), st.randoms())
def test_relation_predictor_does_not_depend_on_the_order_of_entities(document: Document, random: object) -> None:
    unique = {entity.key: entity for entity in document.entities}
    document = replace(document, entities=tuple(unique.values()), relations=())
    shuffled = list(document.entities)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = replace(document, entities=tuple(shuffled))
    assert by_span(predictor().relate(document)) == by_span(predictor().relate(other))


@settings(max_examples=20, deadline=None)
@given(st.lists(related_documents(scored=False), min_size=2, max_size=3))
def test_relation_predictor_does_not_depend_on_other_documents(documents: list[Document]) -> None:
    found = predictor(OnnxPairScorer(graph())).pipe(documents)
    assert [by_span(document) for document in found] == [by_span(predictor().relate(one)) for one in documents]


def test_relation_predictor_pipes_in_order_with_threads() -> None:
    documents = [replace(long_document(n), id=str(n)) for n in (3, 1, 2, 1, 4)]
    alone = [predictor().relate(document) for document in documents]
    assert list(predictor(OnnxPairScorer(graph()), workers=3).pipe(iter(documents))) == alone
    assert any(document.relations for document in alone)


def test_relation_predictor_ignores_the_pieces_of_mentions() -> None:
    whole = replace(DOCUMENT, entities=tuple(replace(entity, fragments=()) for entity in DOCUMENT.entities))
    assert predictor().relate(whole).relations == predictor().relate(DOCUMENT).relations != ()


def test_relation_predictor_relates_only_what_the_schema_joins() -> None:
    everything = replace(predictor().settings, thresholds={kind.name: 0.0 for kind in LCDD.relations})
    found = RelationPredictor(everything, boosters()[0]).relate(DOCUMENT)
    labels = {entity.id: entity.label for entity in found.entities}
    assert len(found.relations) == len(ENCODER.encode(DOCUMENT).candidates)
    joined = {(kind.name, kind.head, kind.tail) for kind in LCDD.relations}
    assert {(one.label, labels[one.head], labels[one.tail]) for one in found.relations} <= joined
    assert all(0 < one.score < 1 for one in found.relations if one.score is not None)


def test_relation_predictor_takes_a_document_without_pairs() -> None:
    for entities in ((), DOCUMENT.entities[:1]):
        document = Document("a", DOCUMENT.text, entities)
        assert predictor().relate(document).relations == ()
        assert predictor(OnnxPairScorer(graph())).relate(document).relations == ()


def test_relation_trees_score_as_lightgbm(tmp_path: Path) -> None:
    stages, booster = boosters()
    inputs = first_inputs(ENCODER.encode(long_document(4)))
    found = stages.logits(inputs, second=False)
    np.testing.assert_allclose(found, booster.predict(inputs, raw_score=True), atol=4 / GRID)
    np.testing.assert_array_equal(found * GRID, np.rint(found * GRID))
    stages.write(tmp_path)
    np.testing.assert_array_equal(TwoStages.read(tmp_path).logits(inputs, second=False), found)
    whole = (tmp_path / "second.npz").read_bytes()
    for broken in (b"PK broken", whole[:-30], whole[:200] + bytes(50) + whole[250:], b""):
        (tmp_path / "second.npz").write_bytes(broken)
        with pytest.raises(SuwenError, match="S509"):
            TwoStages.read(tmp_path)
    (tmp_path / "second.npz").unlink()
    with pytest.raises(SuwenError, match=r"S101.*second\.npz"):
        TwoStages.read(tmp_path)


def test_relation_settings_survive_json() -> None:
    kept = predictor().settings
    assert RelationSettings.from_dict(kept.to_dict()) == kept
    with pytest.raises(SuwenError, match="S501"):
        RelationSettings.from_dict({**kept.to_dict(), "thresholds": {}})
    with pytest.raises(SuwenError, match="S401"):
        RelationSettings.from_dict({**kept.to_dict(), "reahc": 3})
    with pytest.raises(SuwenError, match=r"S608.*train it again"):
        RelationSettings.from_dict({**kept.to_dict(), "rounds": 2})


def test_relation_models_are_trained_and_exported_without_torch() -> None:
    modules = "suwen.training.relations.train", "suwen.exporting.relations", "suwen.loading"
    code = f"import sys, {', '.join(modules)}; assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
