"""Does `suwen corpus sample` save annotation? Learning curves against random documents, at equal numbers of characters.

    python benchmarks/sampling.py CORPUS --runs FOLDER [--documents 10,20,40,60] [--seeds 0,1,2]
        [--longest 3000] [-o docs/results/sampling]

One fifth of the corpus, by journal issues, is held out for the scores; the rest is the pool. Both methods begin with
the same random documents. At each stage a feature CRF learns from what is annotated so far; then documents are added
until the characters of the next stage are spent: by `choose_documents` with that CRF's confidences, or at random. A
stage of n documents is n times the mean length of the pool, so that long documents cost more. Stages whose figures are
there are not repeated. To keep the study short, only the first sentences of each document are used, up to `--longest`
characters.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

import numpy as np
from runs import markdown, percent, replace_table

import suwen
from suwen.annotation.sampling import Budget, candidates_in, choose_documents, draw_documents
from suwen.corpus.sentences import sentence_spans
from suwen.document import Document
from suwen.files import read_json, write_json
from suwen.inference.predictor import Extractor

METHODS = ("random", "sample")
ITERATIONS = 25
"""Iterations of the feature CRF: less than half of its default, to keep the study short."""
COLUMNS = ("documents' worth", "characters", "method", "documents", "entities", "types below 50 mentions", "strict F1")
FEW = 50


class Study:
    """The runs of one corpus; figures are kept in `runs`."""

    def __init__(self, corpus: Path, longest: int, runs: Path) -> None:
        documents = [shortened(document, longest) for document in suwen.read_corpus(corpus)]
        split = suwen.split(documents, unit="group", ratio=(8, 0, 2))
        self.pool = [one.document for one in split.select(documents, "train")]
        self.held_out = [one.document for one in split.select(documents, "test")]
        self.labels = {entity.label for document in self.pool for entity in document.entities}
        self.mean = fmean(len(document.text) for document in self.pool)
        self.runs = runs

    def curve(self, method: str, seed: int, stages: Sequence[int]) -> list[dict[str, float]]:
        """Return the figures of each stage."""
        chosen: list[Document] = []
        model: Extractor | None = None
        figures = []
        for stage in stages:
            chosen += self.more(method if chosen else "random", seed, chosen, round(stage * self.mean), model)
            # Both methods begin alike, so that the first stage is measured once.
            name = method if len(figures) else "first"
            path = self.runs / f"{name}-{stage}-s{seed}.json"
            model = None
            if not path.exists() or (method == "sample" and stage != stages[-1]):
                started = time.process_time()
                model = self.trained(chosen)
                if not path.exists():
                    write_json(path, self.scores(model, chosen, started))
            figures.append(read_json(path))
        return figures

    def more(
        self, method: str, seed: int, chosen: Sequence[Document], characters: int, model: Extractor | None
    ) -> list[Document]:
        """Return the documents that fill up to so many characters."""
        budget = Budget(characters=characters - sum(len(document.text) for document in chosen))
        candidates, _ = candidates_in(self.pool, chosen)
        if method == "random":
            sample = draw_documents(candidates, budget, seed)
        else:
            assert model is not None
            blank = [Document(document.id, document.text) for document in candidates]
            sample = choose_documents(candidates, list(model.pipe(blank)), chosen, budget)
        return [choice.document for choice in sample.choices]

    def trained(self, documents: Sequence[Document]) -> Extractor:
        """Return a feature CRF that has learned from these documents."""
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            suwen.train(documents, model, encoder="feature-crf", settings=[f"iterations={ITERATIONS}"])
            return suwen.load(model)

    def scores(self, model: Extractor, chosen: Sequence[Document], started: float) -> dict[str, float]:
        """Return the amount of annotation, and the scores of the model on the held-out documents."""
        predicted = list(model.pipe(Document(document.id, document.text) for document in self.held_out))
        counts = dict.fromkeys(self.labels, 0)
        for document in chosen:
            for entity in document.entities:
                counts[entity.label] += 1
        return {
            "characters": sum(len(document.text) for document in chosen),
            "documents": len(chosen),
            "entities": sum(counts.values()),
            "few": sum(count < FEW for count in counts.values()),
            "f1": suwen.evaluate(self.held_out, predicted=predicted).f1,
            "seconds": time.process_time() - started,
        }


def shortened(document: Document, longest: int) -> Document:
    """Return the first sentences of a document."""
    ends = [end for _, end in sentence_spans(document.text) if end <= longest]
    end = max(ends, default=longest)
    return Document(document.id, document.text[:end], tuple(e for e in document.entities if e.end <= end))


def saved(curves: dict[str, list[list[dict[str, float]]]]) -> list[float]:
    """Return the share of characters that `sample` saves at the F1 of random documents, for each later stage."""
    random, sample = (
        [[fmean(run[stage][key] for run in runs) for stage in range(len(runs[0]))] for key in ("characters", "f1")]
        for runs in (curves["random"], curves["sample"])
    )
    return [1 - float(np.interp(f1, sample[1], sample[0])) / cost for cost, f1 in zip(*random, strict=True)][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=Path, required=True, help="where figures are kept")
    parser.add_argument("--documents", default="10,20,40,60")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/sampling"))
    parser.add_argument("--longest", type=int, default=3000)
    options = parser.parse_args()
    stages = [int(count) for count in options.documents.split(",")]
    seeds = [int(seed) for seed in options.seeds.split(",")]
    study = Study(options.corpus, options.longest, options.runs)
    curves: dict[str, list[list[dict[str, float]]]] = {method: [] for method in METHODS}
    for seed, method in product(seeds, METHODS):
        curves[method].append(study.curve(method, seed, stages))
    rows = []
    for place, stage in enumerate(stages):
        for method in METHODS:
            runs = [curve[place] for curve in curves[method]]
            f1 = [run["f1"] for run in runs]
            means = [fmean(run[key] for run in runs) for key in ("characters", "documents", "entities", "few")]
            deviation = f" ± {percent(stdev(f1))}" if len(f1) > 1 else ""
            shown = f"{means[0]:,.0f}", method, f"{means[1]:.1f}", f"{means[2]:,.0f}", f"{means[3]:.1f}"
            rows.append([stage, *shown, f"{percent(fmean(f1))}{deviation}"])
    results = {"stages": stages, "seeds": seeds, "longest": options.longest, "iterations": ITERATIONS}
    results |= {"curves": curves, "saved": saved(curves)}
    write_json(options.output / "results.json", results)
    replace_table(options.output / "README.md", markdown(COLUMNS, rows))
    print(markdown(COLUMNS, rows))
    print("characters saved at equal F1:", ", ".join(f"{100 * share:+.1f} %" for share in results["saved"]))


if __name__ == "__main__":
    main()
