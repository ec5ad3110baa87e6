"""The export of a model folder: made, compared with the trained tagger, and only then written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.evaluation.strict import pair_documents, strict_scores
from suwen.files import StrPath, read_text, require_new, write_bytes
from suwen.inference.onnx import FLOAT32, INT8, OnnxScorer
from suwen.inference.predictor import Predictor, Scorer
from suwen.model_folder import CARD, ModelFolder, add_files, read_model_folder, write_model_folder
from suwen.models.scorer import TorchScorer
from suwen.models.tagger import Tagger
from suwen.models.weights import read_tagger, write_tagger
from suwen.requirements import EXPORTING, require_packages
from suwen.schemes import scheme_named
from suwen.tagging.encode import Arrays

if TYPE_CHECKING:
    import onnx

__all__ = ["Export", "export_model"]

TOLERANCE = 1e-4
"""Maximum difference of an emission in float32 from that of torch."""

POINTS_LOST = 0.3
"""Maximum loss of strict micro-F1 in 8 bits, in points."""

COMPARED_CHARACTERS = 20_000
CALIBRATION_CHARACTERS = 40_000
BATCH_TOKENS = 2048


@dataclass(frozen=True)
class Export:
    """The figures of an export.

    Parameters
    ----------
    folder, file, bytes
        Its path and size.
    characters, entities
        How much text was read by torch and by the graph in float32, and what both found in it.
    difference
        The largest difference between their emissions.
    float32_f1, int8_f1
        Strict micro-F1 in [0, 1] on the corpus, when exporting in 8 bits.
    """

    folder: Path
    file: str
    bytes: int
    characters: int
    entities: int
    difference: float
    float32_f1: float | None = None
    int8_f1: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def export_model(
    path: StrPath,
    documents: Sequence[Document],
    selections: Sequence[Selection] | None = None,
    calibration: Sequence[Document] = (),
    output: StrPath | None = None,
    trainable: bool = False,
) -> Export:
    """Export the tagger of a model folder.

    Parameters
    ----------
    path
        The model folder.
    documents
        Real text, on which the graph in float32 must find the same entities as torch.
    selections
        When given, the export is in 8 bits, and must be as good as float32 on these.
    calibration
        Text from which the scales of the 8 bits are taken.
    output
        A new folder for what is needed to run the model; by default the graph is put into the model folder.
    trainable
        Whether the new folder holds the weights too, in fp16.

    Raises
    ------
    SuwenError
        S405 when a package is missing, S515 when the graph is not equal to the tagger, S516 when 8 bits cost too much,
        S104 when `output` exists, and whatever reading the model folder raises. Nothing is written then.
    """
    output = None if output is None else Path(output)
    path = Path(path)
    if output:
        require_new(output)
    require_packages(*EXPORTING)
    from suwen.exporting.graph import tagger_graph
    from suwen.exporting.quantize import quantized

    folder = read_model_folder(path)
    tagger = read_tagger(path, folder.settings.tags, scheme_named(folder.settings.scheme))
    graph = tagger_graph(tagger, folder.settings.features)
    scorer = OnnxScorer(graph.SerializeToString())
    sample = list(_first(documents, COMPARED_CHARACTERS))
    figures = _compare(folder, TorchScorer(tagger), scorer, sample)
    if selections is None:
        return _write(folder, FLOAT32, graph, figures, output, tagger if trainable else None)
    small = quantized(graph, _batches(folder, scorer, list(_first(calibration, CALIBRATION_CHARACTERS))))
    figures |= _check_int8(folder, scorer, OnnxScorer(small.SerializeToString()), selections)
    return _write(folder, INT8, small, figures, output, tagger if trainable else None)


class _Both:
    """Asks two scorers, and remembers how far apart they were."""

    def __init__(self, first: Scorer, second: Scorer) -> None:
        self.first, self.second = first, second
        self.difference = 0.0

    def emissions(self, inputs: Arrays) -> NDArray[np.float32]:
        """Return the emissions of the second scorer."""
        expected, found = self.first.emissions(inputs), self.second.emissions(inputs)
        inside = inputs["attention_mask"].astype(bool)
        self.difference = max(self.difference, float(np.abs(expected - found)[inside].max()))
        return found


class _Recording:
    """Records the inputs of a scorer."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.batches: list[Arrays] = []

    def emissions(self, inputs: Arrays) -> NDArray[np.float32]:
        """Return the emissions of the scorer."""
        self.batches.append(inputs)
        return self.scorer.emissions(inputs)


def _predictor(folder: ModelFolder, scorer: Scorer) -> Predictor:
    return Predictor(folder.settings, folder.featurizer, scorer, BATCH_TOKENS)


def _first(documents: Sequence[Document], characters: int) -> Iterator[Document]:
    """Yield the first documents, until they have this number of characters."""
    for document in documents:
        if characters <= 0:
            return
        yield document
        characters -= len(document.text)


def _compare(folder: ModelFolder, torch: Scorer, graph: Scorer, sample: Sequence[Document]) -> dict[str, Any]:
    both = _Both(torch, graph)
    found = [document.entities for document in _predictor(folder, both).pipe(sample)]
    expected = [document.entities for document in _predictor(folder, torch).pipe(sample)]
    other = sum(
        len({entity.key for entity in ours} ^ {entity.key for entity in theirs})
        for ours, theirs in zip(found, expected, strict=True)
    )
    if other or not both.difference <= TOLERANCE:
        reason = f"scores differ by up to {both.difference:.2g} (allowed: {TOLERANCE:g}), {other} entities are others"
        raise SuwenError("S515", folder.path, reason=reason)
    return {
        "characters": sum(len(document.text) for document in sample),
        "entities": sum(map(len, found)),
        "difference": both.difference,
    }


def _batches(folder: ModelFolder, scorer: Scorer, documents: Sequence[Document]) -> list[Arrays]:
    recording = _Recording(scorer)
    for _ in _predictor(folder, recording).pipe(documents):
        pass
    return recording.batches


def _check_int8(
    folder: ModelFolder, float32: Scorer, int8: Scorer, selections: Sequence[Selection]
) -> dict[str, float]:
    before, after = (_f1(_predictor(folder, scorer), selections) for scorer in (float32, int8))
    lost = 100 * (before - after)
    if lost > POINTS_LOST:
        was, now, less = (f"{points:.3f}" for points in (100 * before, 100 * after, lost))
        raise SuwenError("S516", folder.path, allowed=POINTS_LOST, before=was, after=now, lost=less)
    return {"float32_f1": before, "int8_f1": after}


def _f1(predictor: Predictor, selections: Sequence[Selection]) -> float:
    found = predictor.predict(selections)
    return strict_scores(pair_documents(selections, found)).micro.f1


def _write(
    folder: ModelFolder,
    name: str,
    graph: onnx.ModelProto,
    figures: Mapping[str, Any],
    output: Path | None,
    trainable: Tagger | None,
) -> Export:
    data = graph.SerializeToString()

    def write_weights(new: Path) -> None:
        write_bytes(new / name, data)
        if trainable:
            write_tagger(trainable, new, half=True)

    notes = {**folder.manifest.get("exports", {}), name: dict(figures)}
    if output is None:
        add_files(folder.path, {name: data}, {"exports": notes})
    else:
        manifest = {**folder.manifest, "exports": {name: notes[name]}}
        card = folder.path / CARD
        write_model_folder(
            output,
            folder.settings,
            folder.featurizer,
            write_weights,
            manifest,
            read_text(card) if card.is_file() else "",
        )
    return Export(output or folder.path, name, len(data), **figures)
