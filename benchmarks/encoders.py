"""Measure the effect of pre-training: small encoders by each recipe of Table 1, against the same encoder from random
weights and against a BiLSTM-CRF, on documents of unseen journal issues, three seeds each.

    python benchmarks/encoders.py CORPUS --runs FOLDER [--shares 5,25,100] [--seeds 0,1,2] [--only SYSTEMS]
        [--encoders encoders] [--collect] [-o docs/results/encoders]

The encoders are those that `benchmarks/small_encoders.py` made, without text of the split's dev and test documents:
the bundled one, and those in `encoders/`. With a share of the documents the protocol is that of the learning
curves (`benchmarks/curves.py`), whose runs are taken where they are there; with all of them the dev part decides below
which confidence mentions are left out. Every step is a command line that a user would type; steps whose output is there
are not repeated, and `--collect` gathers what there is, and what `runs.jsonl` has of runs that are gone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

from curves import Study
from records import Record, Records, comparison, record_of
from runs import make_split, markdown, percent, replace_table, score, train

from suwen.bundled import BUNDLED, bundled_encoder
from suwen.corpus.split import Split
from suwen.files import read_json, write_json
from suwen.formats import read_corpus
from suwen.models.catalog import encoder_width
from suwen.training.config import pretrained_rate

ALL = 100
RECIPES = ("bert", "wwm", "wwm-ext", "ernie", "ernie-tiny", "roberta")
RANDOM, FAST = "mini-random", "mini-random-fast"
"""From random weights, with the rate that the preset has for that, and with the one that pre-trained encoders have."""
BASELINES = ("bilstm-crf", RANDOM)
MEANS = ("precision", "recall", "unseen_recall", "seconds")
COLUMNS = (
    "articles", "system", "seeds", "**strict F1**", "deviation", "dev F1", "P", "R", "unseen R",
    "− random", "p", "− BiLSTM-CRF", "p", "minutes",
)  # fmt: skip
PRETRAINING_COLUMNS = ("encoder", "begins with", "steps", "characters read (million)", "held-out loss", "unigram loss")
# The BiLSTM goes through the articles eight times, as the preset has it; two epochs less than these four cost the
# pre-trained encoder 2 points on the dev part.
EPOCHS = ("--set", "optimization.epochs=4")
# The last weights are kept (averaged, as the preset has it): no evaluation on dev is chosen.
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


def encoder_options(system: str, encoders: Path) -> list[object]:
    """Return how `suwen train` is told of a system."""
    if system == "bilstm-crf":
        return ["--encoder", "bilstm"]
    if system in (RANDOM, FAST):
        rate = ("--set", f"optimization.learning_rate={pretrained_rate(encoder_width(BUNDLED))}")
        return ["--encoder", BUNDLED, "--set", "encoder.initialization=random", *(rate if system == FAST else ())]
    return ["--encoder", encoder_of(system.removeprefix("mini-"), encoders)]


def name_in_study(system: str) -> str:
    """Return the name of a system in the study of learning curves, which has two of them already."""
    return {"bilstm-crf": "bilstm", "mini-roberta": "mini"}.get(system, system)


def place_of(study: Study, share: int, system: str, seed: int) -> Path:
    """Return the path of a model."""
    return study.runs / f"{system}-s{seed}" if share == ALL else study.model(name_in_study(system), "none", share, seed)


def perform(study: Study, share: int, system: str, seed: int) -> None:
    """Train and score."""
    if share < ALL:
        study.perform(name_in_study(system), "none", share, seed, "test")
        return
    model = place_of(study, share, system, seed)
    epochs = () if system == "bilstm-crf" else EPOCHS
    options = [*study.encoders[system], *epochs, *PROTOCOL, "--set", f"seed={seed}"]
    train(study.corpus, study.split, model, options)
    score(study.corpus, study.split, model, "test")


def systems(encoders: Path) -> list[str]:
    """Return the baselines, and an encoder for every recipe that there is."""
    return [*BASELINES, FAST, *(f"mini-{recipe}" for recipe in RECIPES if encoder_of(recipe, encoders))]


def encoder_of(recipe: str, encoders: Path) -> Path | None:
    """Return the encoder of a recipe, if there is one; that of `roberta` comes with suwen."""
    place = bundled_encoder(BUNDLED) if recipe == "roberta" else encoders / recipe
    return place if place and place.is_dir() else None


def records_of(study: Study, share: int, system: str, records: Records) -> dict[int, Record]:
    """Return the records of a system that learned from a share, by seed."""
    return records.of({seed: place_of(study, share, system, seed).name for seed in range(10)})


def row_of(study: Study, share: int, system: str, records: Records) -> dict:
    """Return the figures of a system trained on a share."""
    runs = records_of(study, share, system, records)
    first = next(iter(runs.values()))
    others = {baseline: records_of(study, share, baseline, records) for baseline in BASELINES if baseline != system}
    compared = {baseline: comparison(runs, theirs) for baseline, theirs in others.items()}
    return {
        "share": share,
        "system": system,
        "seeds": [*runs],
        "documents": [run["documents"] for run in runs.values()],
        "f1": [run["f1"] for run in runs.values()],
        "dev_f1": [run["dev_f1"] for run in runs.values() if run["dev_f1"] is not None],
        **{measure: fmean(run[measure] for run in runs.values()) for measure in MEANS},
        "steps": first["steps"],
        "configuration": first["configuration"],
        "versions": first["versions"],
        "against": {baseline: found for baseline, found in compared.items() if found},
    }


def gathered(study: Study, shares: Sequence[int], chosen: Sequence[str], output: Path) -> Records:
    """Return the records that were kept, and those of the runs that are there."""
    records = Records(output / "runs.jsonl")
    test = Split.read(study.split).select(read_corpus(study.corpus), "test")
    for share, system, seed in product(shares, chosen, range(10)):
        place = place_of(study, share, system, seed)
        if place.with_name(f"{place.name}.test.json").exists():
            records.add(record_of(place, seed, "test", test))
    asked = {place_of(study, *case).name for case in product(shares, chosen, range(10))}
    if left := records.beyond(asked):
        names = ", ".join(left[:5]) + (", …" if len(left) > 5 else "")
        sys.exit(f"{len(left)} runs would be left out: {names}; name their --shares and --encoders, or take them out")
    records.write()
    return records


def cells_of(row: dict) -> list[str]:
    """Return a row of the table."""
    against = [row["against"].get(baseline) for baseline in reversed(BASELINES)]
    differences = [
        cell
        for one in against
        for cell in (("–", "–") if one is None else (f"{100 * one['difference']:+.2f}", f"{one['p_value']:.4f}"))
    ]
    deviation = percent(stdev(row["f1"])) if len(row["f1"]) > 1 else "–"
    return [
        f"{round(fmean(row['documents']))}",
        row["system"],
        str(len(row["seeds"])),
        f"**{percent(fmean(row['f1']))}**",
        deviation,
        percent(fmean(row["dev_f1"])) if row["dev_f1"] else "–",
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
    parser.add_argument("--shares", default="5,25,100", help="percents of the training documents")
    parser.add_argument("--only", default="", help="run these systems alone, separated by commas")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/encoders"))
    parser.add_argument("--collect", action="store_true", help="gather what there is")
    options = parser.parse_args()
    chosen = systems(options.encoders)
    shares = [int(share) for share in options.shares.split(",")]
    others = {system: encoder_options(system, options.encoders) for system in chosen}
    study = Study(options.corpus, BUNDLED, options.runs, others=others)
    make_split(options.corpus, study.split, "group")
    if not options.collect:
        for share, seed, system in product(shares, map(int, options.seeds.split(",")), chosen):
            if not options.only or system in options.only.split(","):
                perform(study, share, system, seed)
        return
    records = gathered(study, shares, chosen, options.output)
    cases = [case for case in product(shares, chosen) if records_of(study, *case, records)]
    rows = [row_of(study, *case, records) for case in cases]
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


if __name__ == "__main__":
    main()
