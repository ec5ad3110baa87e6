"""Does augmentation help, and with how many documents? Learning curves on documents of unseen journal issues.

    python benchmarks/curves.py CORPUS --runs FOLDER [--encoder bundled] [--vectors FILE] [--shares 1,5,25,100]
        [--seeds 0,1,2] [--models bilstm,mini] [--only none,paper,both,mention,synonym,best] [--part test] [--collect]
        [-o docs/results/augmentation]

At each share of the training documents six systems learn: from these documents alone (`none`), and from them with as
many generated ones, by the paper's method (`paper`), by that of the preset `best`, by replacing mentions
(`mention`), or words by their neighbors among word vectors (`synonym`, with `--vectors`; the vectors must not know the
test part), and with three times as many, by replacing mentions and then words (`both`); once as a BiLSTM-CRF, once
from the bundled small encoder, whose masked-language-model head also does the augmenting. Shares are drawn
by whole documents, and nested: with the same seed, those of 1 % are among those of 5 %. Every step is a command line
that a user would type; steps whose output is there are not repeated. `--collect` gathers what there is, and what
`runs.jsonl` has of runs that are gone.

What is held equal, and why:

- The number of optimizer steps, over all systems of a share. With equal epochs the augmented ones would make twice
  the steps, and part of what they gain would be that. So `none` sees its documents twice as often as the others see
  theirs.
- At small shares a usual number of epochs is far too few steps: 2 documents are 5 batches. So epochs follow from a
  number of steps; and batches are smaller there, because of little text many small steps learn more than few large
  ones.
- No run chooses on the dev part. It has 53 documents, and whoever has 2 to learn from has none to spare: every system
  keeps the weights of its last step (averaged, as the preset `best` has it), and reports every mention it finds. With
  `--part dev` methods and budgets were chosen, without looking at the test part.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from pathlib import Path
from statistics import fmean, stdev
from types import MappingProxyType

from records import Record, Records, comparison, record_of
from runs import make_split, markdown, percent, replace_table, score, suwen, train

from suwen.augmentation.edits import Recipe, read_log
from suwen.bundled import BUNDLED
from suwen.corpus.split import Split, corpus_hash
from suwen.document import Document
from suwen.files import read_json, write_json, write_text
from suwen.formats import read_corpus, write_corpus
from suwen.pages.charts import Series, line_chart

UNIT = "group"
TEST = "test"
SYSTEMS: dict[str, tuple[str, ...]] = {
    "none": (),
    "paper": ("--preset", "paper"),
    "both": ("--method", "composition", "--set", "words.rate=0.4", "--copies", "3"),
    "mention": ("--method", "mention"),
    "synonym": ("--method", "synonym"),
    "best": ("--preset", "best"),
}
MODELS = {"bilstm": "BiLSTM-CRF", "mini": "small encoder with a CRF"}
COLUMNS = (
    "documents", "model", "system", "seeds", "steps", "**strict F1**", "deviation", "P", "R",
    "− none", "95 % interval", "p", "− mention", "p",
)  # fmt: skip
GENERATED_COLUMNS = (
    "documents", "system", "seeds", "characters changed", "sentences changed", "masked words kept", "rejected",
    "new words", "not in the articles", "perplexity before", "after", "near-copies removed",
)  # fmt: skip
AGAINST = ("none", "mention")
KEPT = ("documents", "entities", "steps", "seconds", "f1", "precision", "recall", "unseen_recall")


@dataclass(frozen=True)
class Budget:
    """About how many steps are made at a share, and how many characters a batch holds, padding included."""

    steps: int
    batch_tokens: int


PRECISION = "bf16"
BUDGETS = {1: Budget(600, 1024), 5: Budget(1200, 1024), 25: Budget(960, 2048), 100: Budget(1884, 4096)}
"""By percent of the training documents."""

TOKENS_PER_CHARACTER = 1.26
"""Factor for context, special tokens and padding under the preset `best`."""

MOST_DOCUMENTS = 4
"""Every system's number of documents divides this one, so that all make equally many steps."""


def nested(names: Sequence[str], percents: int, seed: int) -> list[str]:
    """Return this share of the documents; with the same seed, a smaller share is part of a larger one."""
    drawn = sorted(names)
    random.Random(seed).shuffle(drawn)
    return drawn[: max(1, round(len(drawn) * percents / 100))]


def epochs_of(system: str, percents: int, characters: int) -> int:
    """Return the epochs of a system, so that all systems of a share have the same number of steps."""
    budget = BUDGETS[percents]
    through_originals = characters * TOKENS_PER_CHARACTER / budget.batch_tokens
    passes = max(1, round(budget.steps / (MOST_DOCUMENTS * through_originals))) * MOST_DOCUMENTS
    return passes // documents_of(system)


def documents_of(system: str) -> int:
    """Return how many documents a system makes of one, that one included."""
    options = SYSTEMS[system]
    copies = int(options[options.index("--copies") + 1]) if "--copies" in options else int(system != "none")
    return 1 + copies


class Study:
    """The runs of a folder.

    Parameters
    ----------
    corpus
        The annotated documents.
    encoder
        The small encoder, with its masked-language-model head; a folder, or `bundled`.
    runs
        Where splits, generated documents, models and scores are kept.
    vectors
        Word vectors for the system `synonym`.
    others
        How further models than `bilstm` and `mini` are named to `suwen train`.
    """

    def __init__(
        self,
        corpus: Path,
        encoder: str,
        runs: Path,
        vectors: Path | None = None,
        others: Mapping[str, Sequence[object]] = MappingProxyType({}),
    ) -> None:
        self.corpus, self.encoder, self.runs, self.vectors = corpus, encoder, runs, vectors
        self.encoders = {"bilstm": ["--encoder", "bilstm"], "mini": ["--encoder", encoder], **others}
        self.split = runs / f"split-{UNIT}.json"

    def share(self, percents: int, seed: int) -> Path:
        """Return the documents of a share, and beside them a split that has all of them in its train part."""
        corpus = self.runs / f"share-{percents}-s{seed}.jsonl"
        if not corpus.with_suffix(".json").exists():
            train_part = [selection.document for selection in Split.read(self.split).select(read(self.corpus), "train")]
            chosen = set(nested([document.id for document in train_part], percents, seed))
            documents = [document for document in train_part if document.id in chosen]
            write_corpus(documents, corpus, "jsonl")
            rows = sorted((document.id, 0, len(document.text)) for document in documents)
            whole = Split(corpus_hash(documents), seed, "document", {"train": 1.0}, {"train": rows})
            whole.write(corpus.with_suffix(".json"))
        return corpus

    def generated(self, system: str, percents: int, seed: int) -> Path:
        """Return the documents of a share with those that a system generates from them."""
        share, output = self.share(percents, seed), self.runs / f"{system}-{percents}-s{seed}.jsonl"
        if not output.exists():
            options = ["--split", share.with_suffix(".json"), "--encoder", self.encoder, "--seed", seed, "--combine"]
            options += ["--vectors", self.vectors] if system == "synonym" else []
            going_on = ["--resume"] if output.with_name(f"{output.name}.unfinished").exists() else []
            suwen("augment", share, "-o", output, *SYSTEMS[system], *options, *going_on)
        return output

    def model(self, model: str, system: str, percents: int, seed: int) -> Path:
        """Return the path of a model."""
        return self.runs / f"{model}-{system}-{percents}-s{seed}"

    def perform(self, model: str, system: str, percents: int, seed: int, part: str) -> None:
        """Generate, train and score on a part."""
        corpus = share = self.share(percents, seed)
        split = share.with_suffix(".json")
        if system != "none":
            corpus = self.generated(system, percents, seed)
            split = record(corpus) / "split.json"
        characters = sum(len(document.text) for document in read(share))
        settings = {
            "seed": seed,
            "optimization.epochs": epochs_of(system, percents, characters),
            "optimization.least_steps": 0,
            "optimization.batch_tokens": BUDGETS[percents].batch_tokens,
            "optimization.precision": PRECISION,
        }
        options = [
            *self.encoders[model],
            *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
        ]
        output = self.model(model, system, percents, seed)
        train(corpus, split, output, options)
        score(self.corpus, self.split, output, part)


_read: dict[Path, list[Document]] = {}


def read(corpus: Path) -> list[Document]:
    """Return the documents of a corpus, read once."""
    if corpus not in _read:
        _read[corpus] = read_corpus(corpus)
    return _read[corpus]


def record(corpus: Path) -> Path:
    """Return the folder that `suwen augment` writes beside the documents."""
    return corpus.with_name(f"{corpus.name}.augmentation")


def records_of(study: Study, model: str, system: str, percents: int, records: Records) -> dict[int, Record]:
    """Return the records of a system at a share, by seed."""
    return records.of({seed: study.model(model, system, percents, seed).name for seed in range(10)})


def row_of(study: Study, model: str, system: str, percents: int, records: Records) -> dict:
    """Return the figures of a system at a share."""
    runs = records_of(study, model, system, percents, records)
    others = {other: records_of(study, model, other, percents, records) for other in AGAINST if other != system}
    compared = {other: comparison(runs, theirs) for other, theirs in others.items()}
    return {
        "percents": percents,
        "model": model,
        "system": system,
        "seeds": [*runs],
        **{measure: [run[measure] for run in runs.values()] for measure in KEPT},
        "against": {other: found for other, found in compared.items() if found},
    }


def cells_of(row: dict) -> list[str]:
    """Return a row of the table."""
    against = []
    for other in AGAINST:
        found = row["against"].get(other)
        interval = found and found["interval"]
        against.append(f"{100 * found['difference']:+.2f}" if found else "–")
        if other == AGAINST[0]:
            against.append(f"{100 * interval['low']:+.2f} – {100 * interval['high']:+.2f}" if interval else "–")
        against.append(f"{found['p_value']:.4f}" if found else "–")
    return [
        f"{row['percents']} %",
        row["model"],
        row["system"],
        str(len(row["seeds"])),
        f"{fmean(row['steps']):,.0f}",
        f"**{percent(fmean(row['f1']))}**",
        percent(stdev(row["f1"])) if len(row["f1"]) > 1 else "–",
        percent(fmean(row["precision"])),
        percent(fmean(row["recall"])),
        *against,
    ]


def unbroken(text: str) -> str:
    """Return the text without white space."""
    return "".join(text.split())


def new_words(recipes: Sequence[Recipe]) -> set[str]:
    """Return the different words or mentions that were put in."""
    words: dict[tuple[str, int], str] = {}
    for recipe in recipes:
        for edit in recipe.edits:
            words[recipe.id, edit.word] = words.get((recipe.id, edit.word), "") + edit.new
    return set(words.values())


def generated_record(study: Study, system: str, percents: int, seed: int) -> Record:
    """Return the figures of `suwen augment` for a system's documents."""
    place = record(study.runs / f"{system}-{percents}-s{seed}.jsonl")
    manifest = read_json(place / "manifest.json")
    # Line breaks cut words, and a drawn one must not count as new for that.
    text = "\n".join(unbroken(document.text) for document in read(study.share(percents, seed)))
    words = new_words(read_log(place / "edits.jsonl"))
    counts, perplexity = manifest["counts"], manifest["perplexity"] or {}
    drawn = counts.get("mlm: masked", counts.get("mention: replaceable", 0))
    return {
        "run": f"{system}-{percents}-s{seed}",
        "seed": seed,
        "characters": manifest["rates"]["characters"],
        "sentences": manifest["rates"]["sentences"],
        "kept": counts.get("mlm: predicted as it was", 0) / max(1, drawn),
        "rejected": counts.get("mlm: rejected", 0) / max(1, drawn),
        "new_words": len(words),
        "unseen_words": sum(unbroken(word) not in text for word in words) / max(1, len(words)),
        "before": perplexity.get("before", 0.0),
        "after": perplexity.get("after", 0.0),
        "near_copies": manifest["documents"]["near_copies_removed"],
    }


def generated_row(percents: int, system: str, generated: Records) -> dict | None:
    """Means over the seeds of what was generated; None when there are none."""
    found = generated.of({seed: f"{system}-{percents}-s{seed}" for seed in range(10)})
    if not found:
        return None
    names = [name for name in next(iter(found.values())) if name not in ("run", "seed")]
    means = {name: fmean(one[name] for one in found.values()) for name in names}
    return {"percents": percents, "system": system, "seeds": [*found], **means}


def generated_cells(row: dict) -> list[str]:
    """Return a row of the table of what was generated."""
    shares = [percent(row[name]) for name in ("characters", "sentences", "kept", "rejected")]
    words = [f"{row['new_words']:,.0f}", percent(row["unseen_words"])]
    perplexity = [f"{row['before']:.1f}", f"{row['after']:.1f}"]
    label = f"{row['percents']} %"
    return [label, row["system"], str(len(row["seeds"])), *shares, *words, *perplexity, f"{row['near_copies']:.0f}"]


def plots(rows: Sequence[dict], model: str) -> dict[str, str]:
    """Return the learning curves of a model, and what each way of augmenting adds to them, by the name of the file."""
    ticks = [(log(percents), f"{percents} %") for percents in BUDGETS]
    curves, gains = [], []
    for system in SYSTEMS:
        found = [row for row in rows if row["system"] == system]
        curves.append(Series(system, [(log(row["percents"]), 100 * fmean(row["f1"])) for row in found]))
        over = [(row["percents"], row["against"]["none"]["difference"]) for row in found if "none" in row["against"]]
        gains.append(Series(system, [(log(percents), 100 * difference) for percents, difference in over]))
    name = MODELS[model]
    # `none` is the line at 0, drawn in its color.
    gains[0] = Series("none", [(ticks[0][0], 0.0), (ticks[-1][0], 0.0)])
    return {
        f"{model}.svg": line_chart(name, curves, "training documents", f"{name}: strict F1", ticks),
        f"{model}-gain.svg": line_chart(name, gains, "training documents", f"{name}: gain", ticks),
    }


def collect(study: Study, output: Path) -> None:
    """Gather what there is, and what was kept of runs that are gone: tables, plots and figures."""
    records, generated = Records(output / "runs.jsonl"), Records(output / "generated.jsonl")
    test = Split.read(study.split).select(read(study.corpus), TEST)
    for percents, system, seed in product(BUDGETS, SYSTEMS, range(10)):
        for model in MODELS:
            place = study.model(model, system, percents, seed)
            if place.with_name(f"{place.name}.{TEST}.json").exists():
                records.add(record_of(place, seed, TEST, test))
        if system != "none" and (study.runs / f"{system}-{percents}-s{seed}.jsonl").exists():
            generated.add(generated_record(study, system, percents, seed))
    records.write()
    generated.write()
    rows = [
        row_of(study, model, system, percents, records)
        for percents, model, system in product(BUDGETS, MODELS, SYSTEMS)
        if records_of(study, model, system, percents, records)
    ]
    made = [row for case in product(BUDGETS, list(SYSTEMS)[1:]) if (row := generated_row(*case, generated)) is not None]
    write_json(output / "results.json", {"scores": rows, "generated": made})
    replace_table(output / "README.md", markdown(COLUMNS, [cells_of(row) for row in rows]))
    replace_table(output / "generated.md", markdown(GENERATED_COLUMNS, [generated_cells(row) for row in made]))
    for model in MODELS:
        for name, plot in plots([row for row in rows if row["model"] == model], model).items():
            write_text(output / name, plot)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--encoder", default=BUNDLED, help="an encoder with its masked-language-model head")
    parser.add_argument("--runs", type=Path, required=True, help="where splits, documents and models are kept")
    parser.add_argument("--vectors", type=Path, help="word vectors in word2vec's text format, for the system synonym")
    parser.add_argument("--shares", default="1,5,25,100", help="percents of the training documents")
    parser.add_argument("--seeds", default="0,1,2", help="at 100 %% only the first is used")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--only", help="run these systems alone, separated by commas; synonym needs --vectors")
    parser.add_argument("--part", default=TEST, help="the part that is scored; only that of the test part is gathered")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/augmentation"))
    parser.add_argument("--collect", action="store_true", help="only gather what is there")
    options = parser.parse_args()
    study = Study(options.corpus, options.encoder, options.runs, options.vectors)
    systems = options.only.split(",") if options.only else [s for s in SYSTEMS if s != "synonym" or options.vectors]
    seeds = [int(seed) for seed in options.seeds.split(",")]
    make_split(options.corpus, study.split, UNIT)
    if options.collect:
        collect(study, options.output)
        return
    for percents in map(int, options.shares.split(",")):
        for seed in seeds[:1] if percents == 100 else seeds:
            for model, system in product(options.models.split(","), systems):
                study.perform(model, system, percents, seed, options.part)


if __name__ == "__main__":
    main()
