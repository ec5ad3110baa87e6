"""Relation models beside the baselines, on one split: co-occurrence, boosted trees, a CNN.

    python benchmarks/relations.py CORPUS --split FILE --runs FOLDER --model MODEL … [--entities TAGGER]
        [--cnn MODEL] [--twins ID ID] [-o docs/results/relations]

Models are seeds of one recipe, trained on the train part; the first is compared with the baselines. The CNN is such a
model too, trained with ``--set network.competition=0 --set trees.count=0``: characters are encoded once, and pairs of
mention vectors are scored with their structural features, each for itself. The trees are trained on the train part;
calibration and threshold are chosen on the dev part as those of a model are. All are scored on the test part: strict,
with all gold relations in the denominator. TAGGER finds the entities in a second scoring of the first model; it must be
trained on the train part. A step whose output is in FOLDER is not repeated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from relation_agreement import agreement
from relation_speed import speed
from relation_tables import TITLES, tables
from runs import replace_table

from suwen.api.relations import RelationEvaluation, compare_relations, evaluate_relation_model
from suwen.corpus.split import Split
from suwen.document import Document
from suwen.files import read_json, write_json
from suwen.formats import read_corpus, write_corpus
from suwen.inference.relations.cooccurrence import NAME as COOCCURRENCE
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import EncodedDocument, RelationEncoder
from suwen.inference.relations.predictor import RelationPredictor
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import BoostedTrees, tree_inputs
from suwen.runs import silent
from suwen.schema import LCDD
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.relations.config import TreeConfig
from suwen.training.relations.data import LabeledDocument, label_documents
from suwen.training.relations.decisions import fit_decisions, scored_pairs, strict_relation_scores

REACH = 200
MINIMUM_COUNT = 3
FEW = (
    "gap", "tail first", "head length", "tail length", "head from start of sentence", "tail from start of sentence",
    "sentence ends", "commas", "list marks", "semicolons", "colons", "line breaks", "openings", "closings",
    "mentions", "mentions of the head's type", "mentions of the tail's type",
    *(
        name.format(end)
        for end in ("head", "tail")
        for name in ("rank for the {}", "rank on its side for the {}", "candidates of the {}",
                     "candidates on its side of the {}", "occurrences of the {}'s text")
    ),
)  # fmt: skip
"""Distances, ranks among the candidates of a mention, and counts of marks, mentions and equal texts."""


@dataclass(frozen=True)
class Trees:
    """Boosted trees alone; with `columns` over these features."""

    trees: BoostedTrees
    columns: tuple[int, ...]

    def probabilities(self, encoded: EncodedDocument, characters: int = 0) -> NDArray[np.float64]:
        """Score all candidates of a document, float64 ``[P]``."""
        del characters
        return 1 / (1 + np.exp(-self.trees.logits(tree_inputs(_with_columns(encoded, self.columns)))))


def _with_columns(encoded: EncodedDocument, columns: Sequence[int]) -> EncodedDocument:
    return replace(encoded, features=encoded.features[:, list(columns)])


@dataclass
class Benchmark:
    """The corpus, the split, and where results are kept."""

    documents: Sequence[Document]
    split: Split
    runs: Path

    @cached_property
    def encoder(self) -> RelationEncoder:
        """Reads documents for the baselines, with the characters of the train part."""
        texts = [one.document.text for one in self.split.select(self.documents, "train")]
        return RelationEncoder(LCDD, CharacterVocabulary.from_texts(texts, MINIMUM_COUNT), REACH)

    @cached_property
    def labeled(self) -> dict[str, list[LabeledDocument]]:
        """The candidates of the train and dev parts with their targets."""
        return {
            part: label_documents(self.split.select(self.documents, part), self.encoder) for part in ("train", "dev")
        }

    def figures(self, name: str, made: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the figures of a step: those that are kept, or new ones."""
        path = self.runs / f"{name}.json"
        if not path.exists():
            print(name, flush=True)
            write_json(path, made())
        return read_json(path)

    def evaluate(self, name: str, model: Any, entities: Path | None = None) -> dict[str, Any]:
        """Score a model on the test part, and keep what it found."""
        found = evaluate_relation_model(self.documents, model, entities, self.split, "test")
        found_path = self.runs / f"{name}.jsonl"
        found_path.unlink(missing_ok=True)
        write_corpus(found.predictions, found_path, "jsonl")
        return _kept(found)

    def baseline(self, name: str, train: Callable[[], Any]) -> dict[str, Any]:
        """Train a baseline, choose calibration and threshold on the dev part, and score it on the test part."""
        _ = self.labeled
        started = time.process_time()
        model = train()
        seconds = time.process_time() - started
        dev = self.labeled["dev"]
        pairs = scored_pairs(dev, [model.probabilities(one.encoded) for one in dev], LCDD)
        decisions = fit_decisions(pairs, LCDD)
        assert decisions is not None
        settings = RelationSettings(LCDD, REACH, 0, decisions.calibration, decisions.thresholds)
        predictor = RelationPredictor(settings, self.encoder.vocabulary, model)
        return {
            "training_core_seconds": seconds,
            "dev": strict_relation_scores(pairs, decisions, LCDD).micro.to_dict(),
            **self.evaluate(name, predictor),
        }

    def trees(self, columns: Sequence[int]) -> Trees:
        """Fit LightGBM's trees to the train part."""
        from suwen.training.relations.trees import fit_trees

        documents = [replace(one, encoded=_with_columns(one.encoded, columns)) for one in self.labeled["train"]]
        return Trees(fit_trees(documents, TreeConfig(), 0, silent), tuple(columns))

    def compare(self, first: str, second: str) -> dict[str, Any]:
        """Compare two systems on the test part, paired by document."""
        paths = (self.runs / f"{name}.jsonl" for name in (first, second))
        result = compare_relations(*paths, self.documents, self.split, "test").result.to_dict()
        return {key: value for key, value in result.items() if not key.endswith("by_type")}


def _kept(evaluation: RelationEvaluation) -> dict[str, Any]:
    found = evaluation.to_dict()
    return {"warning": found["warning"], **evaluation.analysis.to_dict(), "cooccurrence": found["cooccurrence"]}


def systems(benchmark: Benchmark, models: Sequence[Path], cnn: Path | None) -> dict[str, dict[str, Any]]:
    """Score all baselines and models."""
    names = feature_names(len(LCDD.labels))
    few, every = [names.index(name) for name in FEW], range(len(names))
    made: dict[str, Callable[[], Mapping[str, Any]]] = {
        "cooccurrence": lambda: benchmark.evaluate("cooccurrence", COOCCURRENCE),
        "trees-27": lambda: benchmark.baseline("trees-27", lambda: benchmark.trees(few)),
        "trees": lambda: benchmark.baseline("trees", lambda: benchmark.trees(every)),
    }
    for number, model in enumerate(models):
        made[f"model-{number}"] = lambda name=f"model-{number}", path=model: benchmark.evaluate(name, path)
    if cnn:
        made["cnn"] = lambda: benchmark.evaluate("cnn", cnn)
    return {name: benchmark.figures(name, step) for name, step in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="where predictions and figures are kept")
    parser.add_argument("--model", type=Path, action="append", default=[], help="a relation model; seeds of one recipe")
    parser.add_argument("--cnn", type=Path, help="a relation model without competition and trees")
    parser.add_argument("--entities", type=Path, help="a tagger that was trained on the train part")
    parser.add_argument("--twins", nargs=2, default=[], metavar="ID", help="documents that are near-copies")
    parser.add_argument("--speed", action="store_true", help="measure the speed of the bundled relation model too")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/relations"))
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    benchmark = Benchmark(list(read_corpus(options.corpus)), Split.read(options.split), options.runs)
    twice = benchmark.figures("agreement", lambda: agreement(benchmark.documents, options.twins))
    scores = systems(benchmark, options.model, options.cnn)
    others = [name for name in TITLES if name in scores and options.model]
    found: dict[str, Any] = {
        "systems": scores,
        "comparisons": {
            name: benchmark.figures(f"model-0-{name}", lambda name=name: benchmark.compare("model-0", name))
            for name in others
        },
        "agreement": twice,
        "predicted_entities": None,
        "speed": None,
    }
    if options.entities and options.model:
        model, tagger = options.model[0], options.entities
        found["predicted_entities"] = benchmark.figures(
            "predicted", lambda: benchmark.evaluate("predicted", model, tagger)
        )
    if options.speed:
        found["speed"] = benchmark.figures("speed", lambda: speed(benchmark.documents, options.runs))
    write_json(options.output / "baselines.json", found)
    replace_table(options.output / "README.md", tables(found))
    print(tables(found))


if __name__ == "__main__":
    main()
