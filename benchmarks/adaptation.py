"""Measure fine-tuning of the bundled model on other labels with a few annotated documents.

    python benchmarks/adaptation.py TRAIN.jsonl TEST.jsonl --runs FOLDER [--documents 5,20,50] [--seeds 0,1,2]

The same few documents are learned from by continuing from the bundled weights (`suwen train --from bundled`), with the
bundled encoder alone, which has read but never seen an annotation (`--encoder bundled`), and from random weights
(`suwen train`, a BiLSTM-CRF); which ones they are depends on the seed. Every step is a command line that
a user would type; steps whose output is there are not repeated.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from statistics import fmean, stdev

from runs import markdown, once, percent, replace_table, suwen

from suwen.files import read_json, write_json, write_text
from suwen.formats import read_corpus, write_corpus

SYSTEMS = {
    "from the bundled model": ["--from", "bundled"],
    "with the bundled encoder": ["--encoder", "bundled"],
    "from random weights": [],
}
COLUMNS = ("documents", *(f"{system}, strict F1" for system in SYSTEMS), "first over last")


def run(system: str, documents: int, seed: int, train: Path, test: Path, runs: Path) -> float:
    """Return the strict F1 of a system that learned from so many documents."""
    few = runs / f"few-{documents}-s{seed}.jsonl"
    if not few.exists():
        write_corpus(random.Random(seed).sample(read_corpus(train), documents), few, "jsonl")
    model = runs / f"{system.replace(' ', '-')}-{documents}-s{seed}"
    once(model, "train", few, "-o", model, *SYSTEMS[system], "--set", f"seed={seed}")
    scores = model.with_name(f"{model.name}.json")
    if not scores.exists():
        write_text(scores, suwen("evaluate", model, test, "--json"))
    return float(read_json(scores)["strict_entity"]["micro"]["f1"])


def shown(scores: list[float]) -> str:
    """Mean and deviation in percent."""
    deviation = f" ± {percent(stdev(scores))}" if len(scores) > 1 else ""
    return f"{percent(fmean(scores))}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--runs", type=Path, required=True, help="where models are kept")
    parser.add_argument("--documents", default="5,20,50")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/adaptation"))
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    rows, figures = [], []
    for count in map(int, options.documents.split(",")):
        scores = {
            system: [run(system, count, seed, options.train, options.test, options.runs) for seed in seeds]
            for system in SYSTEMS
        }
        bundled, *_, scratch = scores.values()
        gain = f"{100 * (fmean(bundled) - fmean(scratch)):+.2f}"
        rows.append([count, *map(shown, scores.values()), gain])
        figures.append({"documents": count, "seeds": seeds, "strict_f1": scores})
    write_json(options.output / "results.json", figures)
    replace_table(options.output / "README.md", markdown(COLUMNS, rows))
    print(markdown(COLUMNS, rows))


if __name__ == "__main__":
    main()
