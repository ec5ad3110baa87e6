"""Scoring pairs: the same result for any chunk length, order and company, in torch, ONNX and numpy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from relation_documents import DOCUMENT, by_span, related_documents

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.exporting.relation_graph import relation_graph
from suwen.inference.relations.features import BUCKETS, feature_names
from suwen.inference.relations.inputs import Part, RelationEncoder, network_arrays
from suwen.inference.relations.onnx import OnnxPairScorer
from suwen.inference.relations.predictor import PairModel, RelationPredictor
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import BoostedTrees, tree_inputs
from suwen.models.relation_weights import TorchPairScorer
from suwen.models.relations import RelationNetwork, RelationSizes
from suwen.schema import LCDD
from suwen.tagging.calibration import Calibration
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.relations.trees import _arrays

TYPES = len(LCDD.labels)
FEATURES = len(feature_names(TYPES))
VOCABULARY = CharacterVocabulary.from_texts(["糖尿病口服二甲双胍。治疗" * 2])
ENCODER = RelationEncoder(LCDD, VOCABULARY, reach=40)
ROUNDS = 2


@cache
def network() -> RelationNetwork:
    torch.manual_seed(0)
    sizes = RelationSizes(len(VOCABULARY), TYPES, len(LCDD.relations), FEATURES, 16, 8, ROUNDS)
    return RelationNetwork(sizes).eval()


@cache
def trees() -> tuple[BoostedTrees, lightgbm.Booster]:
    draw = np.random.default_rng(0)
    inputs = draw.integers(0, BUCKETS, (500, FEATURES + 1)).astype(np.uint8)
    targets = (inputs[:, 1] > 4) ^ (inputs[:, 2] > 7)
    options = {"objective": "binary", "num_leaves": 6, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(inputs, targets.astype(float)), 4)
    return _arrays([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]), booster


def model() -> PairModel:
    return PairModel(TorchPairScorer(network()), ROUNDS, VOCABULARY.pad, trees()[0])


def predictor(characters: int = 1000, workers: int = 0) -> RelationPredictor:
    thresholds = {kind.name: 0.4 for kind in LCDD.relations}
    kept = RelationSettings(LCDD, ENCODER.reach, ROUNDS, Calibration(), thresholds)
    return RelationPredictor(kept, VOCABULARY, model(), characters, workers)


def long_document(repeats: int) -> Document:
    """Documents whose pairs reach across the borders of any chunk."""
    size = len(DOCUMENT.text)
    entities = tuple(
        Entity(one.label, one.start + size * i, one.end + size * i, id=f"T{i}_{one.id}")
        for i in range(repeats)
        for one in DOCUMENT.entities
    )
    return Document("long", DOCUMENT.text * repeats, entities)


@pytest.mark.parametrize("characters", [1, 7, 30, 100])
def test_relation_predictor_does_not_depend_on_the_chunk_length(characters: int) -> None:
    encoded = ENCODER.encode(long_document(12))
    whole = model().probabilities(encoded, 10**6)
    assert len(whole) > 100
    np.testing.assert_allclose(model().probabilities(encoded, characters), whole, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(related_documents(), related_documents())
def test_relation_network_does_not_depend_on_other_parts(first: Document, second: Document) -> None:
    encoded = [ENCODER.encode(document) for document in (first, second)]
    parts = [Part(one, np.arange(len(one.candidates))) for one in encoded]
    scorer = TorchPairScorer(network())
    apart = [scorer.logits(network_arrays([part], VOCABULARY.pad)) for part in parts if len(part.pairs)]
    if apart:
        together = scorer.logits(network_arrays(parts, VOCABULARY.pad))
        np.testing.assert_allclose(together, np.concatenate(apart), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(related_documents(scored=False), st.randoms())
def test_relation_predictor_does_not_depend_on_the_order_of_entities(document: Document, random: object) -> None:
    unique = {entity.key: entity for entity in document.entities}
    document = replace(document, entities=tuple(unique.values()), relations=())
    shuffled = list(document.entities)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = replace(document, entities=tuple(shuffled))
    assert by_span(predictor().relate(document)) == by_span(predictor().relate(other))


def test_relation_predictor_pipes_in_order_with_threads() -> None:
    documents = [replace(long_document(n), id=str(n)) for n in (3, 1, 2, 1, 4)]
    alone = [predictor().relate(document) for document in documents]
    assert list(predictor(workers=3).pipe(iter(documents))) == alone
    assert any(document.relations for document in alone)


def test_relation_predictor_relates_only_what_the_schema_joins() -> None:
    everything = replace(predictor().settings, thresholds={kind.name: 0.0 for kind in LCDD.relations})
    found = RelationPredictor(everything, VOCABULARY, model()).relate(DOCUMENT)
    labels = {entity.id: entity.label for entity in found.entities}
    assert len(found.relations) == len(ENCODER.encode(DOCUMENT).candidates)
    joined = {(kind.name, kind.head, kind.tail) for kind in LCDD.relations}
    assert {(one.label, labels[one.head], labels[one.tail]) for one in found.relations} <= joined
    assert all(0 < one.score < 1 for one in found.relations if one.score is not None)


def test_relation_graph_scores_as_torch_and_numpy() -> None:
    graph = relation_graph(network(), FEATURES, trees()[0]).SerializeToString()
    exported = PairModel(OnnxPairScorer(graph), ROUNDS, VOCABULARY.pad, None)
    for repeats in (1, 5):
        encoded = ENCODER.encode(long_document(repeats))
        np.testing.assert_allclose(exported.probabilities(encoded, 60), model().probabilities(encoded), atol=1e-5)


def test_relation_trees_score_as_lightgbm(tmp_path: Path) -> None:
    ours, booster = trees()
    inputs = tree_inputs(ENCODER.encode(long_document(4)))
    np.testing.assert_allclose(ours.logits(inputs), booster.predict(inputs, raw_score=True), atol=1e-6)
    ours.write(tmp_path / "trees.npz")
    np.testing.assert_array_equal(BoostedTrees.read(tmp_path / "trees.npz").logits(inputs), ours.logits(inputs))
    (tmp_path / "trees.npz").write_bytes(b"PK broken")
    with pytest.raises(SuwenError, match="S509"):
        BoostedTrees.read(tmp_path / "trees.npz")


def test_relation_settings_survive_json() -> None:
    kept = predictor().settings
    assert RelationSettings.from_dict(kept.to_dict()) == kept
    with pytest.raises(SuwenError, match="S501"):
        RelationSettings.from_dict({**kept.to_dict(), "thresholds": {}})
    with pytest.raises(SuwenError, match="S401"):
        RelationSettings.from_dict({**kept.to_dict(), "reahc": 3})
