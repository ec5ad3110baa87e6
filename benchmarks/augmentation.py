"""Augmentation by a masked language model: suwen against a fill-mask pipeline and nlpaug, with the same model.

The same sentences are augmented in the same process, in turn, on one thread (or ``OMP_NUM_THREADS``):

- transformers' ``fill-mask`` pipeline, a sentence at a time: the words to mask are handed to it, all of a sentence at
  once, 15 % of those outside entities;
- nlpaug's ``ContextualWordEmbsAug``, 15 % of the characters, a sentence at a time and all sentences at once (it knows
  neither words nor entities);
- suwen with the preset ``paper``, from documents to documents with their entities and log. Cutting words is part of
  that, and is given apart, because it is the segmenter's time.

What counts are sentences per second. nlpaug is no dependency of suwen:

    pip install nlpaug
    python benchmarks/augmentation.py [CORPUS] [--split FILE] [--documents 12] [--encoder FOLDER] [--json FILE]

Without an encoder the model is a BERT of random weights with as many tokens as BERT's vocabulary; the speed of
``paper`` does not depend on what it has learned. nlpaug 1.1.11 is from 2022 and calls methods that tokenizers no longer
have; they are put back.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM, pipeline
from transformers.utils import logging as transformers_logging

import suwen
from suwen.augmentation import augment, generation
from suwen.augmentation.masked_lm import MaskedLanguageModel
from suwen.augmentation.words import Reading, segment_ahead
from suwen.corpus.split import Selection, Split, whole
from suwen.formats import read_corpus
from suwen.models.ngram_bert import register
from suwen.tagging.encode import Featurizer
from suwen.tagging.tokenizer import write_tokenizer
from suwen.tagging.vocabulary import MASK, CharacterVocabulary
from suwen.text.words import Segmenter, cut_all, segmenter_named

SAMPLE = Path(suwen.__file__).parent / "data" / "sample"
RATE = 0.15
TOKENS = 21128
LONGEST = 250
"""Characters; nlpaug makes more tokens of a text than it has characters, and fails beyond 512."""
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
clock = time.perf_counter


def random_model(folder: Path, selections: Sequence[Selection], layers: int, width: int) -> Path:
    known = CharacterVocabulary.from_texts((one.document.text for one in selections), minimum=1).tokens
    vocabulary = CharacterVocabulary([*known, *(f"[unused{i}]" for i in range(TOKENS - len(known)))])
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        intermediate_size=4 * width,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    vocabulary.write(folder / "vocab.txt")
    write_tokenizer(folder, Featurizer(vocabulary, special_tokens=True))
    return folder


def sentences_of(selections: Sequence[Selection], segment: Segmenter) -> list[tuple[str, str]]:
    """Return each sentence as text, and with its words masked."""
    draw = np.random.default_rng(0)
    rows = []
    for selection in selections:
        reading = Reading(selection.document, segment)
        owned = reading.owned(selection.spans)
        segment_ahead([(reading, owned)])
        for index in owned:
            sentence = reading.sentence(index)
            free = [word for word in sentence.words if sentence.segmentation[word[0] - sentence.start] == 0]
            if not free or sentence.end - sentence.start > LONGEST:
                continue
            characters = list(reading.text((sentence.start, sentence.end)))
            for place in draw.permutation(len(free))[: max(1, round(RATE * len(free)))]:
                start, end = free[place]
                characters[start - sentence.start : end - sentence.start] = [MASK] * (end - start)
            rows.append((reading.text((sentence.start, sentence.end)), "".join(characters)))
    return rows


def spread(rows: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Return `count` sentences, evenly over all."""
    return [rows[i * len(rows) // count] for i in range(min(count, len(rows)))]


def fill_mask(folder: Path) -> Callable[[Sequence[tuple[str, str]]], None]:
    model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    fill = pipeline("fill-mask", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1, top_k=1)

    def run(rows: Sequence[tuple[str, str]]) -> None:
        for _, masked in rows:
            fill(masked)

    return run


def nlpaug(folder: Path, at_once: bool) -> Callable[[Sequence[tuple[str, str]]], None]:
    from nlpaug.augmenter.word import ContextualWordEmbsAug
    from nlpaug.model.lang_models import Bert

    Bert.token2id = lambda self, token: self.tokenizer.convert_tokens_to_ids(token)
    Bert.id2token = lambda self, index: self.tokenizer.convert_ids_to_tokens(int(index))
    augmenter = ContextualWordEmbsAug(
        model_path=str(folder), model_type="bert", action="substitute", aug_p=RATE, aug_max=None, device="cpu"
    )

    def run(rows: Sequence[tuple[str, str]]) -> None:
        texts = [text for text, _ in rows]
        if at_once:
            augmenter.augment(texts)
        else:
            for text in texts:
                augmenter.augment(text)

    return run


class TimedSegmenter:
    """A segmenter that counts the seconds it takes."""

    def __init__(self, segment: Segmenter) -> None:
        self._segment = segment
        self.seconds = 0.0

    def __call__(self, text: str) -> list[str]:
        return self.cut_all([text])[0]

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        begun = clock()
        words = cut_all(self._segment, texts)
        self.seconds += clock() - begun
        return words


def own(
    model: MaskedLanguageModel, selections: Sequence[Selection], name: str, preset: str, workers: int = 1
) -> tuple[float, float]:
    """Seconds in all, and seconds of the segmenter in this process."""
    segment = TimedSegmenter(segmenter_named(name))
    generation.segmenter_named = lambda _: segment
    settings = {"words.segmenter": name, "sampling.least_probability": 0.0, "near_copies": 0.0}
    begun = clock()
    augment(selections, "mlm", preset=preset, encoder=model, settings=settings, workers=workers)
    return clock() - begun, segment.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--documents", type=int, default=0, help="the first so many of the train part; 0: all")
    parser.add_argument("--sentences", type=int, default=150, help="that the others augment, evenly over all")
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--segmenter", default="thulac")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes in a further row")
    parser.add_argument("--cpu-time", action="store_true", help="of this process, on a busy machine; one process only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.cpu_time:
        global clock
        clock, options.workers = time.process_time, 1
    torch.set_num_threads(THREADS)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    register()
    documents = read_corpus(options.corpus)
    selections = Split.read(options.split).select(documents, "train") if options.split else whole(documents)
    selections = selections[: options.documents or None]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.encoder or random_model(Path(temporary), selections, options.layers, options.width)
        model = MaskedLanguageModel.from_folder(folder)
        rows = sentences_of(selections, segmenter_named(options.segmenter))
        few = spread(rows, options.sentences)
        others = {
            "fill-mask pipeline, a sentence at a time": fill_mask(folder),
            "nlpaug, a sentence at a time": nlpaug(folder, at_once=False),
            "nlpaug, all at once": nlpaug(folder, at_once=True),
        }
        speeds: dict[str, list[float]] = {name: [] for name in others}
        # Random weights leave `best` without a choice, and with nothing to do.
        presets = ("paper", "best") if options.encoder else ("paper",)
        names = {preset: f"suwen, {preset}" for preset in presets}
        for name in names.values():
            speeds[name], speeds[f"{name}, words cut before"] = [], []
            if options.workers > 1:
                speeds[f"{name}, {options.workers} processes"] = []
        for run in others.values():
            run(few[:5])
        for _ in range(options.rounds):
            for name, run in others.items():
                begun = clock()
                run(few)
                speeds[name].append(len(few) / (clock() - begun))
            for preset, name in names.items():
                seconds, cutting = own(model, selections, options.segmenter, preset)
                speeds[name].append(len(rows) / seconds)
                speeds[f"{name}, words cut before"].append(len(rows) / (seconds - cutting))
                if options.workers > 1:
                    seconds, _ = own(model, selections, options.segmenter, preset, options.workers)
                    speeds[f"{name}, {options.workers} processes"].append(len(rows) / seconds)
        report(speeds, model, rows, options)


def report(speeds: dict[str, list[float]], model: MaskedLanguageModel, rows: Sequence[Any], options: Any) -> None:
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    pipe, paug = (medians[name] for name in list(medians)[:2])
    parameters = sum(parameter.numel() for parameter in model._model.parameters())
    title = f"{parameters / 1e6:.1f} M parameters, {len(rows):,} sentences, {THREADS} thread(s)"
    table = Table("", "sentences/s", "of fill-mask", "of nlpaug", title=title)
    for name, value in medians.items():
        table.add_row(name, f"{value:,.1f}", f"{value / pipe:.2f}", f"{value / paug:.2f}")
    Console().print(
        table, f"segmenter: {options.segmenter}; computed again in double precision: {model.recomputed} rows"
    )
    if options.json:
        result = {"title": title, "segmenter": options.segmenter, "median": medians, "rounds": speeds}
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
