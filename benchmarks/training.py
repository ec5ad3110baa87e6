"""Training throughput: suwen's loop against Hugging Face's Trainer with every sentence padded to 256.

Both train the same BERT architecture with an FC head on the same sentences, in the same process, in turn. What counts
are characters of text per second; padding does not.

    python benchmarks/training.py [CORPUS] [--steps 40] [--layers 4] [--width 256] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

import suwen
from suwen.corpus.split import Selection, whole
from suwen.formats import read_corpus
from suwen.schema import Schema
from suwen.tagging.encode import Example
from suwen.training.build import TaggerParts, build, encode
from suwen.training.config import TrainingConfig, load_training_config
from suwen.training.trainer import TaggerTrainer

PADDED = 256
SENTENCES = 32
WARM_UP = 3
SAMPLE = Path(suwen.__file__).parent / "data" / "sample"


class Stopwatch(TrainerCallback):
    """Times the steps after a warm-up and stops the run after enough of them."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.seconds = 0.0

    def on_step_end(self, args, state, control, **_) -> None:
        if state.global_step == WARM_UP:
            self.begun = time.perf_counter()
        if state.global_step == WARM_UP + self.steps:
            self.seconds = time.perf_counter() - self.begun
            control.should_training_stop = True


class Counting:
    """A collator that counts the characters that it hands out."""

    def __init__(self, collate, characters) -> None:
        self.collate = collate
        self.characters = characters
        self.counts: list[int] = []

    def __call__(self, examples):
        self.counts.append(sum(map(self.characters, examples)))
        return self.collate(examples)

    def between(self, steps: int) -> int:
        """Return the characters of the timed steps; the loop may have fetched further batches."""
        return sum(self.counts[WARM_UP : WARM_UP + steps])


def ours(examples: list[Example], start: TaggerParts, config: TrainingConfig, steps: int, folder: Path) -> float:
    watch = Stopwatch(steps)
    trainer = TaggerTrainer(start.tagger, examples, start.featurizer.padding, None, config, folder, callbacks=[watch])
    trainer.data_collator = Counting(trainer.data_collator, lambda example: len(example.tags))
    trainer.train()
    return trainer.data_collator.between(steps) / watch.seconds


def reference(examples: list[Example], start: TaggerParts, steps: int, folder: Path) -> float:
    tagger = start.tagger
    names = dict(enumerate(tagger.tags))
    labels = {"id2label": names, "label2id": {tag: i for i, tag in names.items()}}
    model = BertForTokenClassification(BertConfig(**tagger.encoder.config.to_dict() | labels))

    def pad(batch: list[Example]):
        rows = {"input_ids": 0, "labels": -100, "attention_mask": 0}
        stacked = {name: torch.full((len(batch), PADDED), fill) for name, fill in rows.items()}
        for i, example in enumerate(batch):
            ids = torch.from_numpy(example.inputs["input_ids"][:PADDED]).long()
            tags = torch.from_numpy(example.tags[: PADDED - 2]).long()
            stacked["input_ids"][i, : len(ids)] = ids
            stacked["attention_mask"][i, : len(ids)] = 1
            stacked["labels"][i, 1 : len(tags) + 1] = tags
        return stacked

    watch = Stopwatch(steps)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=SENTENCES,
        max_steps=WARM_UP + steps + 1,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        logging_strategy="no",
        use_cpu=True,
    )
    counting = Counting(pad, lambda example: min(len(example.tags), PADDED - 2))
    trainer = Trainer(model, arguments, counting, train_dataset=examples, callbacks=[watch])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return counting.between(steps) / watch.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    config = load_training_config(
        "best",
        settings=[
            "encoder.name=transformer",
            f"encoder.layers={options.layers}",
            f"encoder.hidden={options.width}",
            "head.name=fc",
            "inputs.length=510",
            "inputs.context=0",
            "inputs.pack=0",
            "optimization.average=0",
            "optimization.batch_tokens=4096",
            "optimization.epochs=1000",
        ],
    )
    selections: list[Selection] = whole(read_corpus(options.corpus))
    labels = {entity.label for selection in selections for entity in selection.gold}
    start = build(config, selections, Schema.of_labels(labels))
    examples, _ = encode(selections, start)
    rates: dict[str, list[float]] = {"suwen": [], "reference": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            rates["suwen"].append(ours(examples, start, config, options.steps, Path(folder)))
            rates["reference"].append(reference(examples, start, options.steps, Path(folder)))
    ratios = [first / second for first, second in zip(rates["suwen"], rates["reference"], strict=True)]
    result = {
        "model": f"BERT {options.layers} x {options.width}, FC",
        "sentences": len(examples),
        "mean_length": statistics.fmean(len(example.tags) for example in examples),
        "threads": torch.get_num_threads(),
        "characters_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "times_faster": statistics.median(ratios),
        "rounds": options.rounds,
        "steps": options.steps,
    }
    table = Table(title=f"training, {result['model']}, {result['threads']} threads")
    for column in ("loop", "characters per second", "times faster"):
        table.add_column(column, justify="left" if column == "loop" else "right")
    table.add_row("Trainer, padded to 256", f"{result['characters_per_second']['reference']:,.0f}", "1.0")
    table.add_row("suwen train", f"{result['characters_per_second']['suwen']:,.0f}", f"{result['times_faster']:.1f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
