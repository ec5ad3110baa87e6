"""The export of a relation model: made, compared with the trees, and only then written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.exporting.relation_graph import relation_graph
from suwen.files import read_text, require_new, write_bytes
from suwen.inference.onnx import FLOAT32
from suwen.inference.relations.inputs import RelationEncoder
from suwen.inference.relations.onnx import OnnxPairScorer
from suwen.inference.relations.predictor import PairScorer, probabilities
from suwen.inference.relations.settings import KIND, RelationSettings
from suwen.inference.relations.trees import TwoStages
from suwen.model_folder import CARD, SETTINGS, StoredModel, add_files, write_stored_model

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
        How many candidates were scored by the trees and by the graph, with the same result.
    """

    folder: Path
    file: str
    bytes: int
    pairs: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def export_relations(stored: StoredModel, documents: Sequence[Document], output: Path | None = None) -> RelationExport:
    """Export a relation model.

    Parameters
    ----------
    stored
        The model folder.
    documents
        Documents with entities, on which the graph must score all pairs exactly as the trees do.
    output
        A new folder for what is needed to run the model; by default the graph is put into the model folder.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S515 when the graph is not equal to the model, and whatever reading the folder
        raises. Nothing is written then.
    """
    if output:
        require_new(output)
    settings = RelationSettings.from_dict(stored.settings, stored.path / SETTINGS)
    stages = TwoStages.read(stored.path)
    graph = relation_graph(stages).SerializeToString()
    encoder = RelationEncoder(settings.schema, settings.reach)
    figures = {"pairs": _compare(stages, OnnxPairScorer(graph), encoder, documents, stored.path)}
    if output is None:
        notes = {**stored.manifest.get("exports", {}), FLOAT32: figures}
        add_files(stored.path, {FLOAT32: graph}, {"exports": notes})
    else:
        _write(output, stored, settings, graph, figures)
    return RelationExport(output or stored.path, FLOAT32, len(graph), **figures)


def _compare(
    first: PairScorer, second: PairScorer, encoder: RelationEncoder, documents: Sequence[Document], path: Path
) -> int:
    """Count the pairs of the first documents, and refuse a graph that scores one of them in another way."""
    pairs = 0
    for document in documents:
        encoded = encoder.encode(document)
        apart = np.abs(probabilities(encoded, first) - probabilities(encoded, second)).max(initial=0)
        if apart > 0:
            raise SuwenError("S515", path, reason=f"probabilities differ by up to {apart:.2g}")
        pairs += len(encoded.candidates)
        if pairs >= COMPARED_PAIRS:
            break
    return pairs


def _write(
    output: Path, stored: StoredModel, settings: RelationSettings, graph: bytes, figures: Mapping[str, Any]
) -> None:
    card = stored.path / CARD
    text = read_text(card) if card.is_file() else ""
    manifest = {**stored.manifest, "exports": {FLOAT32: figures}}
    write_stored_model(
        output, KIND, settings.to_dict(), lambda folder: write_bytes(folder / FLOAT32, graph), manifest, text
    )
