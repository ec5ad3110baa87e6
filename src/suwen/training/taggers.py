"""One training run from documents to a model folder, resumable at any point."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, set_seed

from suwen.corpus.split import Selection
from suwen.errors import SuwenError
from suwen.evaluation.reliability import confidences_and_hits
from suwen.evaluation.strict import Pair, pair_documents, strict_scores
from suwen.files import StrPath, read_json, sha256
from suwen.hub import origin_of
from suwen.inference import Predictor
from suwen.model_card import model_card
from suwen.model_folder import TaggerSettings, read_manifest, write_model_folder
from suwen.models.encoders import RecurrentEncoder
from suwen.models.scorer import TorchScorer
from suwen.models.weights import write_tagger
from suwen.runs import Listener, check_work, open_work, silent, versions, working_folder
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration, best_threshold, fit_calibration
from suwen.tagging.encode import Example, TaughtExample
from suwen.training.batches import Collator, LengthBatches
from suwen.training.build import TaggerParts, build, continue_from, encode
from suwen.training.checkpoints import last_checkpoint
from suwen.training.config import TrainingConfig
from suwen.training.data import Report, TrainingData, select_data
from suwen.training.device import check_device
from suwen.training.distillation import Distillation, Teachers, certain, teach
from suwen.training.features import keep_features
from suwen.training.leakage import refuse_leaks
from suwen.training.lists import encode_lists
from suwen.training.log import Log
from suwen.training.progress import ProgressCallback
from suwen.training.trainer import TaggerTrainer, stop_reason

__all__ = ["Report", "TrainingData", "run_identity", "select_data", "train_tagger"]

LEAST_MENTIONS = 200
"""Minimum number of mentions for fitting a calibration and a threshold."""


def train_tagger(
    data: TrainingData,
    output: StrPath,
    config: TrainingConfig,
    schema: Schema,
    base: StrPath | None = None,
    resume: bool = False,
    device: str = "cpu",
    callbacks: Sequence[TrainerCallback] = (),
    distillation: Distillation | None = None,
    features: StrPath | None = None,
    listener: Listener = silent,
) -> Report:
    """Train a tagger and write its model folder.

    Parameters
    ----------
    output
        The model folder; checkpoints and logs are kept beside it until it is written.
    schema
        The entity types to learn.
    base
        A model folder to continue from.
    resume
        Whether to continue the unfinished run of `output`. The result is that of an uninterrupted run.
    callbacks
        Callbacks of the Trainer.
    distillation
        Trained taggers to learn from as well.
    features
        Where the states of a frozen encoder are kept, for other runs too; None keeps them beside the run's checkpoints.
    listener
        Receives the progress of the run: characters that the teachers score, then steps.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S314 or S315 for texts or teachers that know held-out documents, S511 when an
        unfinished run is there, S507 when there is none to resume, S508 when it was made with other data or another
        configuration, and whatever `check_device` and building the tagger raise.
    """
    check_device(device, config.optimization.precision)
    if distillation:
        refuse_leaks(distillation, data)
    features = None if features is None else Path(features)
    base = None if base is None else Path(base)
    output = Path(output)
    if output.exists():
        raise SuwenError("S104", output)
    work = working_folder(output, "training")
    check_work(work, resume)
    started = time.monotonic()
    set_seed(config.seed)
    start = build(config, data.train, schema) if base is None else continue_from(base, config, schema)
    examples, train_losses = encode(data.train, start)
    lists = encode_lists(data.train, start, config.optimization, config.seed)
    dev_examples, dev_losses = encode(data.dev, start)
    losses = {"train": train_losses, **({"dev": dev_losses} if data.dev else {})}
    evaluator = DevEvaluator(start, data.dev, dev_examples, config, device) if dev_examples else None
    annotated = [selection.document.id for selection in data.train]
    teachers = Teachers(distillation.teachers, start, annotated) if distillation else None
    # Only now: a run that cannot even begin leaves nothing behind.
    open_work(work, run_identity(data, config, schema, base, distillation), resume)
    checkpoint = last_checkpoint(work) if resume else None
    log = Log(work)
    learned: Sequence[Example | TaughtExample]
    if distillation and teachers:
        taught = teach(teachers, start, data.train, examples, distillation, work, listener)
        learned = [*taught, *(certain(example, len(start.settings.tags)) for example in lists)]
    else:
        learned = [*examples, *lists]
    _keep_states(start, [*learned, *dev_examples], config, features or work / "features", device, listener)
    trainer = TaggerTrainer(
        start.tagger,
        learned,
        start.featurizer.padding,
        evaluator,
        config,
        work,
        device,
        [log, ProgressCallback(listener), *callbacks],
    )
    history = trainer.run(checkpoint)
    trained = replace(start, settings=_with_confidences(start.settings, config, evaluator.pairs() if evaluator else []))
    scores = strict_scores(evaluator.pairs(trained.settings)) if evaluator else None
    manifest = {
        "name": output.name,
        **_license(config, base),
        "configuration": _configuration(config, base),
        "base": None if base is None else origin_of(base),
        "distillation": distillation and distillation.describe(),
        "seed": config.seed,
        "versions": versions("torch", "transformers", "numpy"),
        "data": data.description,
        "expressible": {part: loss.to_dict() for part, loss in losses.items()},
        "scores": {"dev": scores.to_dict()["micro"]} if scores else {},
        "training": {
            **_described(trainer, history, config),
            "seconds": log.seconds_before + time.monotonic() - started,
            "threads": torch.get_num_threads(),
            "device": device,
        },
    }
    _write_model(output, trained, manifest, work)
    _forget_states(start)
    shutil.rmtree(work)
    return Report(output, losses, scores, manifest)


def _keep_states(
    start: TaggerParts,
    examples: Sequence[Example | TaughtExample],
    config: TrainingConfig,
    folder: Path,
    device: str,
    listener: Listener,
) -> None:
    """Compute once what no epoch changes: the states of a frozen encoder, or of language models that it reads."""
    encoder = start.tagger.encoder
    known = encoder.language_model if isinstance(encoder, RecurrentEncoder) else None
    windows = [example.inputs for example in examples]
    limit, padding = config.optimization.features_gigabytes, start.featurizer.padding
    if start.tagger.frozen:
        start.tagger.kept = keep_features(encoder, windows, padding, folder, limit, device, listener)
    elif known and isinstance(encoder, RecurrentEncoder):
        characters = [{"input_ids": arrays["input_ids"]} for arrays in windows]
        encoder.kept_states = keep_features(known, characters, padding, folder, limit, device, listener, half=True)


def _forget_states(start: TaggerParts) -> None:
    """Let go of the kept states before their files are removed."""
    start.tagger.kept = None
    if isinstance(start.tagger.encoder, RecurrentEncoder):
        start.tagger.encoder.kept_states = None


def _described(trainer: TaggerTrainer, history: Sequence[dict[str, Any]], config: TrainingConfig) -> dict[str, Any]:
    """Return a run's steps, parameters and evaluations for the manifest."""
    parameters = list(trainer.model.parameters())
    return {
        "steps": trainer.state.global_step,
        "kept_step": trainer.state.best_global_step or trainer.state.global_step,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "learnt_parameters": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "stopped": stop_reason(history, config.evaluation) or "all epochs done",
        "evaluations": [entry for entry in history if "eval_f1" in entry],
    }


class DevEvaluator:
    """Scores the tagger on the dev part: its loss, and strict precision, recall and F1."""

    def __init__(
        self,
        start: TaggerParts,
        selections: Sequence[Selection],
        examples: Sequence[Example],
        config: TrainingConfig,
        device: str,
    ) -> None:
        self._start = start
        self._selections = selections
        self._device = device
        tokens = config.optimization.batch_tokens
        collate = Collator(start.featurizer.padding)
        batches = LengthBatches([len(example.inputs["input_ids"]) for example in examples], 0, tokens, 0)
        self._batches = [collate([examples[i] for i in batch]) for batch in batches]

    def __call__(self) -> dict[str, float]:
        """Return ``loss`` in nats per character, and ``precision``, ``recall``, ``f1`` in [0, 1]."""
        micro = strict_scores(self.pairs()).micro
        total = count = 0.0
        tagger = self._start.tagger
        tagger.eval()
        with torch.inference_mode():
            for batch in self._batches:
                weight = float(batch["core_length"].sum())
                tensors = {name: tensor.to(self._device) for name, tensor in batch.items()}
                total += float(tagger(**tensors)["loss"]) * weight
                count += weight
        tagger.train()
        return {"loss": total / count, "precision": micro.precision, "recall": micro.recall, "f1": micro.f1}

    def pairs(self, settings: TaggerSettings | None = None) -> list[Pair]:
        """Find entities with these settings; by default all of them, with marginals as confidences."""
        settings = settings or replace(self._start.settings, calibration=None, least_confidence=0.0)
        settings = with_transitions(replace(self._start, settings=settings))
        predictor = Predictor(settings, self._start.featurizer, TorchScorer(self._start.tagger, self._device))
        predicted = predictor.predict(self._selections)
        return pair_documents(self._selections, predicted)


def with_transitions(start: TaggerParts) -> TaggerSettings:
    """Return the settings with the transitions that the tagger has learned."""
    crf = start.tagger.crf
    return start.settings if crf is None else replace(start.settings, transitions=crf.numpy_transitions())


def _with_confidences(settings: TaggerSettings, config: TrainingConfig, pairs: Sequence[Pair]) -> TaggerSettings:
    """Add calibration and least confidence: those of the configuration, or fitted to the predictions on dev.

    With too few predictions, they stay unchanged.
    """
    given = config.confidence
    calibration, least = settings.calibration, settings.least_confidence
    marginals, right = confidences_and_hits(pairs)
    enough = len(marginals) >= LEAST_MENTIONS
    if given.slope is not None and given.intercept is not None:
        calibration = Calibration(given.slope, given.intercept)
    elif enough:
        calibration = fit_calibration(marginals, right)
    if given.least is not None:
        least = given.least
    elif enough:
        confidences = calibration(marginals).tolist() if calibration else marginals
        least = best_threshold(confidences, right, sum(len(pair.gold_keys) for pair in pairs))
    return replace(settings, calibration=calibration, least_confidence=least)


def run_identity(
    data: TrainingData,
    config: TrainingConfig,
    schema: Schema,
    base: Path | None,
    distillation: Distillation | None = None,
) -> dict[str, Any]:
    """Return the values that must not change when a run is resumed."""
    return {
        "data": data.description,
        "configuration": config.model_dump(),
        "label set": schema.to_dict(),
        "base model": None if base is None else sha256(base / "manifest.json"),
        "encoder": _contents(Path(config.encoder.name)),
        "word vectors": sha256(config.encoder.words) if config.encoder.words else None,
        "distillation": distillation and distillation.describe(),
    }


def _license(config: TrainingConfig, base: Path | None) -> dict[str, str]:
    """Return the license of the weights that the training started from, where their manifest names one."""
    manifest = (base or Path(config.encoder.name)) / "manifest.json"
    values = read_json(manifest) if manifest.is_file() else None
    named = values.get("license") if isinstance(values, dict) else None
    return {"license": named} if isinstance(named, str) else {}


def _contents(encoder: Path) -> dict[str, str]:
    """Return the hashes of an encoder folder's files; empty for an encoder that is not a folder."""
    files = sorted(encoder.iterdir()) if encoder.is_dir() else []
    return {file.name: sha256(file) for file in files if file.is_file()}


def _configuration(config: TrainingConfig, base: Path | None) -> dict[str, Any]:
    """Return the configuration for the manifest, with what the base model decides as that model's manifest has it."""
    values = config.model_dump()
    encoder = Path(config.encoder.name)
    if encoder.is_dir():
        # Drop the local path (privacy).
        values["encoder"]["name"] = origin_of(encoder)
    values["encoder"]["words"] = Path(config.encoder.words).name
    if base is not None:
        inherited = read_manifest(base).get("configuration", {})
        for table in ("encoder", "head", "inputs"):
            values[table] = inherited.get(table)
        if values["encoder"] is not None:
            values["encoder"]["transfer"] = config.encoder.transfer
    return values


def _write_model(output: Path, start: TaggerParts, manifest: dict[str, Any], work: Path) -> None:
    settings = with_transitions(start)

    def write_weights(folder: Path) -> None:
        write_tagger(start.tagger, folder)
        log = folder / "log"
        shutil.copytree(work / "log", log)
        # TensorBoard puts the machine's name into the names of its files.
        for i, events in enumerate(sorted(log.glob("events.out.tfevents.*"))):
            events.rename(log / f"events.out.tfevents.{i}")

    write_model_folder(output, settings, start.featurizer, write_weights, manifest, model_card(settings, manifest))
