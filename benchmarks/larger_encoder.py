"""A larger Transformer encoder on an accelerator, and the tagger that it makes: one command that can be run again.

    python benchmarks/larger_encoder.py CORPUS --texts PATH... --runs FOLDER [--size small|medium] [--steps N]
        [--words FILE] [--device cuda|cpu] [--set KEY=VALUE]...

`small` is 4 layers of width 256, `medium` 6 of 384. Text of the split's dev and test issues is left out. The same
command continues an interrupted run at its last checkpoint, as long as the folder of `--runs` is kept.
Prints the held-out loss and the dev score of a BiLSTM-CRF on the fine-tuned encoder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from runs import make_split, once, percent, score, train

from suwen.files import read_json

PRECISION = "bf16"
PRETRAINING = ("--strategy", "roberta", "--set", "data.lengths=[128]", "--set", "data.workers=4")
TAGGER = (
    "--head", "bilstm-crf",
    "--set", "encoder.masking=0.2",
    "--set", "head.dropout=0.4",
    "--set", "optimization.head_learning_rate=2e-3",
    "--set", "optimization.epochs=5",
    "--set", "evaluation.stop=never",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--runs", type=Path, required=True, help="where split, encoder and tagger are kept")
    parser.add_argument("--size", choices=("small", "medium"), default="small")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--words", type=Path, help="word vectors for the tagger")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a change of the pre-training")
    arguments = parser.parse_args()
    split = arguments.runs / "split-group.json"
    encoder, tagger = (arguments.runs / f"{name}-{arguments.size}" for name in ("encoder", "tagger"))
    make_split(arguments.corpus, split, "group")
    common = ["--device", arguments.device, "--set", f"optimization.precision={PRECISION}"]
    steps = ["--size", arguments.size, "--set", f"optimization.steps={arguments.steps}"]
    excluded = ["--exclude-split", split, "--exclude-part", "dev", "--exclude-part", "test"]
    changes = [part for change in arguments.set for part in ("--set", change)]
    texts = [arguments.corpus, *arguments.texts]
    once(encoder, "pretrain", *texts, "-o", encoder, *PRETRAINING, *steps, *common, *excluded, *changes)
    print("held-out loss", read_json(encoder / "manifest.json")["held_out"]["loss"])
    words = ["--set", f"encoder.words={arguments.words.resolve()}"] if arguments.words else []
    train(arguments.corpus, split, tagger, ["--encoder", encoder, *TAGGER, *common, *words])
    micro = read_json(score(arguments.corpus, split, tagger, "dev"))["strict_entity"]["micro"]
    print("dev", *(f"{name} {percent(micro[name])}" for name in ("precision", "recall", "f1")))


if __name__ == "__main__":
    main()
