"""The export of a relation model: made, compared with the trained model, and only then written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.exporting.relation_graph import relation_graph
from suwen.exporting.tagger import TOLERANCE
from suwen.files import read_text, require_new, write_bytes
from suwen.inference.onnx import FLOAT32
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import RelationEncoder
from suwen.inference.relations.onnx import OnnxPairScorer
from suwen.inference.relations.predictor import PairModel
from suwen.inference.relations.settings import KIND, RelationSettings
from suwen.inference.relations.trees import TREES, BoostedTrees
from suwen.model_folder import CARD, SETTINGS, VOCABULARY, StoredModel, add_files, write_stored_model
from suwen.models.relation_weights import TorchPairScorer, read_network, write_network
from suwen.models.relations import RelationNetwork
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = ["RelationExport", "export_relations"]

COMPARED_PAIRS = 5_000


@dataclass(frozen=True)
class RelationExport:
    """The figures of an export.

    Parameters
    ----------
    folder, file, bytes
        Its path and size.
    pairs
        How many candidates were scored by torch and by the graph.
    difference
        The largest difference of their probabilities.
    """

    folder: Path
    file: str
    bytes: int
    pairs: int
    difference: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def export_relations(
    stored: StoredModel, documents: Sequence[Document], output: Path | None = None, trainable: bool = False
) -> RelationExport:
    """Export a relation model, its boosted trees included.

    Parameters
    ----------
    stored
        The model folder.
    documents
        Documents with entities, on which the graph must score all pairs as torch does.
    output
        A new folder for what is needed to run the model; by default the graph is put into the model folder.
    trainable
        Whether the new folder holds weights and trees too, the weights in fp16.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S515 when the graph is not equal to the model, and whatever reading the folder
        raises. Nothing is written then.
    """
    if output:
        require_new(output)
    settings = RelationSettings.from_dict(stored.settings, stored.path / SETTINGS)
    vocabulary = CharacterVocabulary.read(stored.path / VOCABULARY)
    network = read_network(stored.path)
    trees = BoostedTrees.read(stored.path / TREES) if TREES in stored.manifest["files"] else None
    graph = relation_graph(network, len(feature_names(len(settings.schema.labels))), trees).SerializeToString()
    torch_model = PairModel(TorchPairScorer(network), settings.rounds, vocabulary.pad, trees)
    graph_model = PairModel(OnnxPairScorer(graph), settings.rounds, vocabulary.pad, None)
    encoder = RelationEncoder(settings.schema, vocabulary, settings.reach)
    figures = _compare(torch_model, graph_model, encoder, documents, stored.path)
    if output is None:
        notes = {**stored.manifest.get("exports", {}), FLOAT32: figures}
        add_files(stored.path, {FLOAT32: graph}, {"exports": notes})
    else:
        _write(output, stored, settings, vocabulary, graph, figures, (network, trees) if trainable else None)
    return RelationExport(output or stored.path, FLOAT32, len(graph), **figures)


def _compare(
    first: PairModel, second: PairModel, encoder: RelationEncoder, documents: Sequence[Document], path: Path
) -> dict[str, Any]:
    """Score the first documents with both, and refuse a graph that says something else."""
    pairs, difference = 0, 0.0
    for document in documents:
        encoded = encoder.encode(document)
        apart = np.abs(first.probabilities(encoded) - second.probabilities(encoded))
        difference = max(difference, float(apart.max(initial=0)))
        pairs += len(apart)
        if pairs >= COMPARED_PAIRS:
            break
    if not difference <= TOLERANCE:
        raise SuwenError(
            "S515", path, reason=f"probabilities differ by up to {difference:.2g} (allowed: {TOLERANCE:g})"
        )
    return {"pairs": pairs, "difference": difference}


def _write(
    output: Path,
    stored: StoredModel,
    settings: RelationSettings,
    vocabulary: CharacterVocabulary,
    graph: bytes,
    figures: dict[str, Any],
    trainable: tuple[RelationNetwork, BoostedTrees | None] | None,
) -> None:
    def write_files(folder: Path) -> None:
        vocabulary.write(folder / VOCABULARY)
        write_bytes(folder / FLOAT32, graph)
        if trainable:
            network, trees = trainable
            write_network(network, folder, half=True)
            if trees is not None:
                trees.write(folder / TREES)

    card = stored.path / CARD
    text = read_text(card) if card.is_file() else ""
    manifest = {**stored.manifest, "exports": {FLOAT32: figures}}
    write_stored_model(output, KIND, settings.to_dict(), write_files, manifest, text)
