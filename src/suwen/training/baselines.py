"""Earlier systems of the paper's section 2.1 as cheap baselines: a dictionary, an HMM and a feature CRF."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, NonNegativeFloat, PositiveInt

from suwen.corpus.split import Selection
from suwen.errors import SuwenError
from suwen.evaluation.strict import pair_documents, strict_scores
from suwen.files import StrPath, parse_toml, read_text, require_new
from suwen.inference.dictionary import DICTIONARY, Dictionary, DictionaryExtractor, Entry, fold
from suwen.inference.feature_crf import (
    WEIGHTS,
    FeatureCRFExtractor,
    character_features,
    feature_crf_settings,
)
from suwen.inference.hmm import COUNTS, HMM, HMMExtractor, hmm_settings
from suwen.inference.sentence_extractor import SentenceExtractor, SentenceSettings
from suwen.model_card import model_card
from suwen.model_folder import write_stored_model
from suwen.requirements import require_packages
from suwen.runs import Listener, Progress, silent, versions
from suwen.schema import Schema
from suwen.schemes import LabelSpan, scheme_named
from suwen.settings import Section, parse_settings, validated
from suwen.tagging.encode import Losses, block_spans, prepare
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules
from suwen.training.data import Report, TrainingData

__all__ = [
    "BASELINES",
    "BaselineConfig",
    "DictionaryConfig",
    "FeatureCRFConfig",
    "HMMConfig",
    "learn_dictionary",
    "load_baseline_config",
    "train_baseline",
]

FOLDS = 5
"""Number of parts: the feature CRF reads each part with a dictionary that was learned from the others."""

LabeledSentence = tuple[str, list[LabelSpan]]
T = TypeVar("T")


class SentenceConfig(Section):
    """Common settings of all baselines."""

    join_wrapped_lines: bool = True
    seed: int = 0
    """The seed of the dev part if there is no split."""


class LexiconConfig(SentenceConfig):
    """Settings of the dictionary.

    The share was chosen on LCDD's dev part (document split): 0.3, 0.4 and 0.5 give a strict F1 of 0.6125, 0.6154 and
    0.6115, single characters included. Of these, only one match in fifty was right there.
    """

    minimum_count: PositiveInt = 1
    """Minimum count of a surface as a mention."""
    share: float = Field(default=0.4, ge=0, le=1)
    """The least share of its occurrences that must be mentions with its most frequent label."""
    shortest: PositiveInt = 2
    """The least number of characters: single ones stand inside too many words."""


class DictionaryConfig(LexiconConfig):
    """All that decides a dictionary, apart from the data."""

    encoder: Literal["dictionary"] = "dictionary"


class HMMConfig(SentenceConfig):
    """All that decides an HMM, apart from the data."""

    encoder: Literal["hmm"] = "hmm"
    scheme: Literal["BIO", "BIOES", "BMES"] = "BIOES"
    """BIOES has an F1 of 0.387 and BIO 0.300 on LCDD's dev part (group split): last characters are informative."""


class FeatureCRFConfig(LexiconConfig):
    """All that decides a feature CRF, apart from the data."""

    encoder: Literal["feature-crf"] = "feature-crf"
    scheme: Literal["BIO", "BIOES", "BMES"] = "BIO"
    c1: NonNegativeFloat = 0.1
    """Weight of the L1 penalty, which keeps the model small."""
    c2: NonNegativeFloat = 0.01
    """Weight of the L2 penalty."""
    minimum_feature_count: PositiveInt = 2
    iterations: PositiveInt = 60


BaselineConfig = DictionaryConfig | HMMConfig | FeatureCRFConfig


BASELINES: dict[str, type[BaselineConfig]] = {
    "dictionary": DictionaryConfig,
    "hmm": HMMConfig,
    "feature-crf": FeatureCRFConfig,
}


def load_baseline_config(encoder: str, file: StrPath | None = None, settings: Sequence[str] = ()) -> BaselineConfig:
    """Put a configuration together: defaults, then a TOML file, then ``key=value`` settings; later ones win.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S403 for broken TOML, S404 for an unknown baseline.
    """
    file = None if file is None else Path(file)
    if encoder not in BASELINES:
        raise SuwenError("S404", what="baseline", name=encoder, known=", ".join(BASELINES))
    values: dict[str, Any] = {}
    if file is not None:
        values = parse_toml(read_text(file), file)
    return validated(BASELINES[encoder], {**values, **parse_settings(settings)}, file)


def train_baseline(
    data: TrainingData,
    output: StrPath,
    config: BaselineConfig,
    schema: Schema,
    listener: Listener = silent,
) -> Report:
    """Train a baseline and write its model folder.

    Parameters
    ----------
    output
        The model folder; nothing is there until it is whole.
    schema
        The entity types to learn.
    listener
        Receives each iteration of a feature CRF, with its loss.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S405 when a package is missing, S102 or S105 when `output` cannot be written.
    """
    output = Path(output)
    require_new(output)
    started = time.monotonic()
    settings = SentenceSettings(schema, ViewRules(join_wrapped_lines=config.join_wrapped_lines))
    sentences, train_losses = labeled_sentences(data.train, settings)
    losses = {"train": train_losses}
    if data.dev:
        losses["dev"] = labeled_sentences(data.dev, settings)[1]
    with tempfile.TemporaryDirectory(prefix="suwen-") as name:
        work = Path(name)
        extractor, stored, training = _learn(sentences, config, settings, work, listener)
        scores = None
        if data.dev:
            predicted = extractor.predict(data.dev)
            scores = strict_scores(pair_documents(data.dev, predicted))
        manifest = {
            "name": output.name,
            "configuration": config.model_dump(),
            "seed": config.seed,
            "versions": versions("numpy", *(["python-crfsuite"] if isinstance(config, FeatureCRFConfig) else [])),
            "data": data.description,
            "expressible": {part: loss.to_dict() for part, loss in losses.items()},
            "scores": {"dev": scores.to_dict()["micro"]} if scores else {},
            "training": {**training, "seconds": time.monotonic() - started},
        }

        def write_files(folder: Path) -> None:
            shutil.copytree(work, folder, dirs_exist_ok=True)

        write_stored_model(output, config.encoder, stored, write_files, manifest, model_card(settings, manifest))
    return Report(output, losses, scores, manifest)


def _learn(
    sentences: Sequence[Sequence[LabeledSentence]],
    config: BaselineConfig,
    settings: SentenceSettings,
    work: Path,
    listener: Listener,
) -> tuple[SentenceExtractor, dict[str, Any], dict[str, Any]]:
    """Train, and write the model's files to `work`.

    Returns
    -------
    tuple[SentenceExtractor, dict[str, Any], dict[str, Any]]
        The extractor, its settings for ``suwen.json``, and the figures of the training.
    """
    if isinstance(config, HMMConfig):
        model = count_hmm(_flat(sentences), config, settings.schema)
        model.write(work / COUNTS)
        training = {"characters": len(model.emitted)}
        return HMMExtractor(settings, model), hmm_settings(settings, model.scheme), training
    dictionary = learn_dictionary(_flat(sentences), config)
    dictionary.write(work / DICTIONARY)
    training = {"dictionary_entries": len(dictionary.entries)}
    if isinstance(config, DictionaryConfig):
        return DictionaryExtractor(settings, dictionary), settings.to_dict(), training
    training |= train_crf(sentences, config, work / WEIGHTS, listener)
    scheme = scheme_named(config.scheme)
    extractor = FeatureCRFExtractor(settings, scheme, dictionary, work / WEIGHTS)
    return extractor, feature_crf_settings(settings, scheme), training


def count_hmm(sentences: Sequence[LabeledSentence], config: HMMConfig, schema: Schema) -> HMM:
    """Count how tags follow each other and which characters they have."""
    scheme = scheme_named(config.scheme)
    tagged = ((text, scheme.encode(len(text), spans)) for text, spans in sentences)
    return HMM.count(tagged, scheme.tags(schema.labels), scheme)


def labeled_sentences(
    selections: Iterable[Selection], settings: SentenceSettings
) -> tuple[list[list[LabeledSentence]], Losses]:
    """Return the sentences of each selection with their mentions, and counts of what they cannot express."""
    sentences: list[list[LabeledSentence]] = []
    total = Losses()
    for selection in selections:
        prepared = prepare(selection.document.text, settings.view, WindowRules(), selection.spans)
        spans, losses = block_spans(selection.gold, prepared, settings.schema.labels)
        # Without packing, a block is a sentence.
        texts = [prepared.view.text[block.start : block.end] for block in prepared.blocks]
        sentences.append(list(zip(texts, spans, strict=True)))
        total.entities += losses.entities
        total.lost += losses.lost
    return sentences, total


def learn_dictionary(sentences: Sequence[LabeledSentence], config: LexiconConfig) -> Dictionary:
    """Collect the mentions of the training part that are mostly mentions where they occur.

    The surfaces of all mentions are looked up in the training part itself, the longest match first. One whose
    occurrences carry its most frequent label too seldom is left out. This is repeated until all that remain are right
    often enough, because what lies inside the matches of a surface that went can be found now. What is never found,
    since it always lies inside a longer match, is left out at the end.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, spans in sentences:
        for label, start, end in spans:
            counts[fold(text[start:end])][label] += 1
    labels = {
        surface: min(count, key=lambda label: (-count[label], label))
        for surface, count in counts.items()
        if len(surface) >= config.shortest and count.total() >= config.minimum_count
    }
    while True:
        dictionary = Dictionary({surface: Entry(label, 1, 1) for surface, label in labels.items()})
        occurrences: Counter[str] = Counter()
        labeled: Counter[str] = Counter()
        for text, spans in sentences:
            gold = set(spans)
            for start, end, surface in dictionary.matches(text):
                occurrences[surface] += 1
                labeled[surface] += (labels[surface], start, end) in gold
        kept = {
            surface: label
            for surface, label in labels.items()
            if labeled[surface] >= occurrences[surface] * config.share
        }
        if len(kept) == len(labels):
            return Dictionary(
                {surface: Entry(kept[surface], labeled[surface], count) for surface, count in occurrences.items()}
            )
        labels = kept


def train_crf(
    sentences: Sequence[Sequence[LabeledSentence]], config: FeatureCRFConfig, path: Path, listener: Listener
) -> dict[str, Any]:
    """Train CRFsuite's CRF with L-BFGS, and write its weights to `path`.

    A dictionary learned from a sentence knows all its mentions, and a CRF that reads it would trust it too much.
    Therefore each fifth of the documents is read with a dictionary learned from the others.

    Returns
    -------
    dict[str, Any]
        The figures of the training, as JSON values.

    Raises
    ------
    SuwenError
        S405 when python-crfsuite is not installed.
    """
    require_packages("pycrfsuite")
    from suwen.training.crfsuite import ObservedTrainer

    parameters = {
        "c1": config.c1,
        "c2": config.c2,
        "feature.minfreq": config.minimum_feature_count,
        "max_iterations": config.iterations,
    }
    trainer = ObservedTrainer(
        parameters,
        lambda iteration, loss: listener(Progress("iterations", iteration, config.iterations, f"loss {loss:,.0f}")),
    )
    scheme = scheme_named(config.scheme)
    for fold_number in range(FOLDS):
        own = _flat(sentences[fold_number::FOLDS])
        others = [document for i, document in enumerate(sentences) if i % FOLDS != fold_number]
        dictionary = learn_dictionary(_flat(others), config)
        for text, spans in own:
            trainer.append(character_features(text, dictionary), scheme.encode(len(text), spans))
    trainer.train(str(path))
    last = trainer.logparser.last_iteration or {}
    return {
        "iterations": last.get("num", 0),
        "loss": last.get("loss"),
        "features": trainer.logparser.featgen_num_features,
        "active_features": last.get("active_features"),
        "weights_bytes": path.stat().st_size,
    }


def _flat(lists: Iterable[Iterable[T]]) -> list[T]:
    return [item for items in lists for item in items]
