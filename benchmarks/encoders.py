"""What pre-training is worth: small encoders by each recipe of Table 1, against the same encoder from random weights
and against a BiLSTM-CRF, on documents of unseen journal issues, three seeds each.

    python benchmarks/encoders.py CORPUS --runs FOLDER [--seeds 0,1,2] [--encoders encoders] [-o docs/results/encoders]

The encoders are those that `benchmarks/small_encoders.py` made, without text of the split's dev and test documents:
the one that suwen carries, and those in `encoders/`. Every step is a command line that a user would type; steps whose
output is there are not repeated.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean, stdev

from runs import make_split, markdown, percent, replace_table, score, train

from suwen.carried import CARRIED, carried_encoder
from suwen.corpus.split import Split
from suwen.evaluation.significance import compare_runs
from suwen.evaluation.strict import Pair, pair_documents
from suwen.files import read_json, write_json
from suwen.formats import read_corpus

UNIT = "group"
RECIPES = ("bert", "wwm", "wwm-ext", "ernie", "ernie-tiny", "roberta")
BASELINES = ("bilstm-crf", "mini-random")
COLUMNS = (
    "system", "seeds", "**strict F1**", "deviation", "dev F1", "P", "R", "unseen R", "− random", "p", "− BiLSTM-CRF",
    "p", "minutes",
)  # fmt: skip
PRETRAINING_COLUMNS = ("encoder", "begins with", "steps", "characters read (million)", "held-out loss", "unigram loss")
# As often as each gains from it on the dev part: the BiLSTM goes through the articles as the preset has it.
EPOCHS = {"mini-random": ("--set", "optimization.epochs=4")}
PRETRAINED_EPOCHS = ("--set", "optimization.epochs=3")
# The last weights are kept (averaged, as the preset has it): nobody chooses among evaluations of the dev part.
PROTOCOL = ("--set", "optimization.precision=bf16", "--set", "evaluation.steps=1000000")
ENCODER_ROWS = (
    "configuration",
    "strategy",
    "base",
    "texts",
    "excluded",
    "training",
    "held_out",
    "fill_ins",
    "versions",
)


def options_of(system: str, encoders: Path) -> list[object]:
    """The options of `suwen train` for a system."""
    if system == "bilstm-crf":
        return ["--encoder", "bilstm", *PROTOCOL]
    if system == "mini-random":
        random_weights = ("--set", "encoder.initialization=random")
        return ["--encoder", CARRIED, *random_weights, *EPOCHS[system], *PROTOCOL]
    return ["--encoder", encoder_of(system.removeprefix("mini-"), encoders) or "", *PRETRAINED_EPOCHS, *PROTOCOL]


def systems(encoders: Path) -> list[str]:
    """The baselines, and an encoder for every recipe that there is."""
    return [*BASELINES, *(f"mini-{recipe}" for recipe in RECIPES if encoder_of(recipe, encoders))]


def encoder_of(recipe: str, encoders: Path) -> Path | None:
    """The encoder of a recipe, where there is one; that of `roberta` comes with suwen."""
    place = carried_encoder(CARRIED) if recipe == "roberta" else encoders / recipe
    return place if place and place.is_dir() else None


class Results:
    """The scores and predictions of all runs that there are."""

    def __init__(self, corpus: Path, split: Path, runs: Path) -> None:
        self.runs = runs
        self.selections = Split.read(split).select(read_corpus(corpus), "test")

    def models(self, system: str) -> list[Path]:
        """The models of a system that are scored, by seed."""
        folders = sorted(self.runs.glob(f"{system}-s[0-9]"))
        return [folder for folder in folders if folder.with_name(f"{folder.name}.test.json").exists()]

    def scores(self, system: str) -> list[dict]:
        """The figures of each seed on the test part."""
        return [read_json(model.with_name(f"{model.name}.test.json")) for model in self.models(system)]

    def pairs(self, system: str) -> list[list[Pair]]:
        """The predictions of each seed."""
        return [
            pair_documents(self.selections, read_corpus(model.with_name(f"{model.name}.test.jsonl")))
            for model in self.models(system)
        ]


def row_of(system: str, results: Results) -> dict:
    """Everything that is said about a system."""
    models, test = results.models(system), results.scores(system)
    micro = [one["strict_entity"]["micro"] for one in test]
    f1 = [one["f1"] for one in micro]
    manifests = [read_json(model / "manifest.json") for model in models]
    row = {
        "system": system,
        "seeds": len(models),
        "f1": f1,
        "dev_f1": [one["scores"]["dev"]["f1"] for one in manifests],
        "precision": fmean(one["precision"] for one in micro),
        "recall": fmean(one["recall"] for one in micro),
        "unseen_recall": fmean(one["strict_entity_by_familiarity"]["unseen"]["recall"] for one in test),
        "seconds": fmean(one["training"]["seconds"] for one in manifests),
        "configuration": manifests[0]["configuration"] | {"seed": None},
        "versions": manifests[0]["versions"],
        "against": {},
    }
    for baseline in BASELINES:
        if baseline != system and results.models(baseline):
            comparison = compare_runs(results.pairs(system), results.pairs(baseline))
            row["against"][baseline] = {
                "difference": fmean(f1)
                - fmean(one["strict_entity"]["micro"]["f1"] for one in results.scores(baseline)),
                "p_value": comparison.p_value,
                "interval": comparison.interval and comparison.interval.to_dict(),
            }
    return row


def cells_of(row: dict) -> list[str]:
    """A row of the table."""
    against = [row["against"].get(baseline) for baseline in reversed(BASELINES)]
    differences = [
        cell
        for one in against
        for cell in (("–", "–") if one is None else (f"{100 * one['difference']:+.2f}", f"{one['p_value']:.4f}"))
    ]
    deviation = percent(stdev(row["f1"])) if len(row["f1"]) > 1 else "–"
    return [
        row["system"],
        str(row["seeds"]),
        f"**{percent(fmean(row['f1']))}**",
        deviation,
        percent(fmean(row["dev_f1"])),
        percent(row["precision"]),
        percent(row["recall"]),
        percent(row["unseen_recall"]),
        *differences,
        f"{row['seconds'] / 60:.1f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--encoders", type=Path, default=Path("encoders"), help="encoders named by recipe")
    parser.add_argument("--runs", type=Path, required=True, help="where split and models are kept")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", default="", help="run these systems alone, separated by commas")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/encoders"))
    parser.add_argument("--collect", action="store_true", help="only gather what is there")
    options = parser.parse_args()
    split = options.runs / f"split-{UNIT}.json"
    chosen = systems(options.encoders)
    if not options.collect:
        make_split(options.corpus, split, UNIT)
        for seed in options.seeds.split(","):
            for system in chosen:
                if options.only and system not in options.only.split(","):
                    continue
                model = options.runs / f"{system}-s{seed}"
                train(options.corpus, split, model, [*options_of(system, options.encoders), "--set", f"seed={seed}"])
                score(options.corpus, split, model, "test")
        if options.only:
            return
    results = Results(options.corpus, split, options.runs)
    rows = [row_of(system, results) for system in chosen if results.models(system)]
    write_json(options.output / "results.json", rows)
    replace_table(options.output / "README.md", markdown(COLUMNS, [cells_of(row) for row in rows]))
    pretraining = []
    for recipe in RECIPES:
        if place := encoder_of(recipe, options.encoders):
            manifest = read_json(place / "manifest.json")
            write_json(options.output / f"pretraining-{recipe}.json", {key: manifest[key] for key in ENCODER_ROWS})
            training, held_out = manifest["training"], manifest["held_out"]
            pretraining.append(
                (
                    recipe,
                    (manifest["base"] or {"name": "random weights"})["name"],
                    f"{training['steps']:,}",
                    f"{training['tokens'] / 1e6:.1f}",
                    f"{held_out['loss']:.3f}",
                    f"{held_out['unigram_loss']:.3f}",
                )
            )
    replace_table(options.output / "pretraining.md", markdown(PRETRAINING_COLUMNS, pretraining))
    print(json.dumps({row["system"]: fmean(row["f1"]) for row in rows}))


if __name__ == "__main__":
    main()
