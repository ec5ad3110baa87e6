"""Relation models beside the baselines, on one split: co-occurrence, one stage of boosted trees, a CNN.

    python benchmarks/relations.py CORPUS --split FILE --runs FOLDER --model MODEL … [--entities TAGGER]
        [--cnn FILE] [--former FILE] [--twins ID ID] [--ablations] [--speed] [-o docs/results/relations]

Models are seeds of one recipe, trained on the train part; the first is compared with the baselines. The trees are
trained on the train part; calibration and threshold are chosen on the dev part as those of a model are. All are scored
on the test part: strict, with all gold relations in the denominator. TAGGER finds the entities in a second scoring of
the first model; it must be trained on the train part. The CNN is the output of ``benchmarks/relation_cnn.py``. The
former FILE is the ``baselines.json`` of commit b5e4d6e, whose systems are shown beside them: the former model, an
average of a network and trees. Ablations are scored on dev. A step whose output is in FOLDER is not repeated.
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
from relation_agreement import agreement
from relation_speed import speed
from relation_tables import TITLES, tables
from runs import replace_table

from suwen.api.relations import (
    RelationEvaluation,
    compare_relations,
    evaluate_predicted_relations,
    evaluate_relation_model,
)
from suwen.corpus.split import Split
from suwen.document import Document
from suwen.files import read_json, write_json
from suwen.formats import read_corpus, write_corpus
from suwen.inference.relations.cooccurrence import NAME as COOCCURRENCE
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import Inputs, RelationEncoder, first_inputs, second_inputs
from suwen.inference.relations.predictor import RelationPredictor, probabilities
from suwen.inference.relations.rivals import rival_features
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import BoostedTrees, TwoStages
from suwen.runs import silent
from suwen.schema import LCDD
from suwen.training.relations.config import TreeConfig, load_relation_config
from suwen.training.relations.data import LabeledDocument, label_documents
from suwen.training.relations.decisions import Decisions, fit_decisions, scored_pairs, strict_relation_scores
from suwen.training.relations.stages import StageFitter, unseen_folds
from suwen.training.relations.trees import fit_trees

REACH = 200
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

PARTS = {
    "scores of rivals": ("best rival for", "lead over", "rank by score", "expected rivals"),
    "scores of neighbors in the text": ("rival before", "rival after", "score with"),
    "scores of equal texts": ("same text", "another text", "'s text"),
}
"""Features of the second stage, by words of their names."""


ONE_STAGE = TreeConfig(count=300, learning_rate=0.05)
"""Trees of the baselines: as many as in both stages of a model."""


@dataclass
class Benchmark:
    """The corpus, the split, and where results are kept."""

    documents: Sequence[Document]
    split: Split
    runs: Path

    @cached_property
    def encoder(self) -> RelationEncoder:
        """Reads documents."""
        return RelationEncoder(LCDD, REACH)

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
        self.keep(name, found.predictions)
        return _kept(found)

    def predicted(self, name: str, file: Path) -> dict[str, Any]:
        """Score what was found on the test part before."""
        predictions = list(read_corpus(file))
        self.keep(name, predictions)
        return _kept(evaluate_predicted_relations(self.documents, predictions, self.split, "test"))

    def keep(self, name: str, predictions: Sequence[Document]) -> None:
        """Keep predictions, to compare them."""
        path = self.runs / f"{name}.jsonl"
        path.unlink(missing_ok=True)
        write_corpus(predictions, path, "jsonl")

    def baseline(self, name: str, columns: Sequence[int]) -> dict[str, Any]:
        """Train one stage of trees, choose calibration and threshold on dev, and score it on the test part."""
        inputs = [first_inputs(one.encoded) for one in self.labeled["train"]]
        started = time.process_time()
        trees = trees_on(self.labeled["train"], inputs, columns, ONE_STAGE)
        seconds = time.process_time() - started
        decisions, score = self.dev(TwoStages(trees, trees))
        settings = RelationSettings(LCDD, REACH, decisions.calibration, decisions.thresholds)
        predictor = RelationPredictor(settings, TwoStages(trees, trees))
        return {"training_core_seconds": seconds, "dev": score, **self.evaluate(name, predictor)}

    def dev(self, stages: TwoStages) -> tuple[Decisions, dict[str, Any]]:
        """Choose calibration and threshold on the dev part; returns them and the scores there."""
        dev = self.labeled["dev"]
        pairs = scored_pairs(dev, [probabilities(one.encoded, stages) for one in dev], LCDD)
        decisions = fit_decisions(pairs, LCDD)
        assert decisions is not None
        return decisions, strict_relation_scores(pairs, decisions, LCDD).micro.to_dict()

    def ablations(self) -> dict[str, Any]:
        """Score models without a part on the dev part: without the second stage, or without some of its features."""
        train, config = self.labeled["train"], load_relation_config()
        folds = unseen_folds([one.document for one in self.split.select(self.documents, "train")], config.seed)
        work = self.runs / "stages"
        work.mkdir(exist_ok=True)
        fitter = StageFitter(train, folds, config, work, silent)
        stages = fitter.fit()
        scores = fitter.unseen_scores([first_inputs(one.encoded) for one in train])
        inputs = [second_inputs(one.encoded, score) for one, score in zip(train, scores, strict=True)]
        rivals = list(rival_features(train[0].encoded.mentions, train[0].encoded.candidates, scores[0]))
        before = inputs[0].shape[1] - len(rivals)
        found = {
            "all": stages,
            "first stage alone": TwoStages(stages.first, stages.first),
        }
        for title, words in PARTS.items():
            gone = {before + number for number, name in enumerate(rivals) if any(word in name for word in words)}
            kept = [column for column in range(1, inputs[0].shape[1]) if column not in gone]
            second = trees_on(train, inputs, [column - 1 for column in kept], config.trees)
            found[f"without {title}"] = TwoStages(stages.first, second)
        return {name: self.dev(one)[1] for name, one in found.items()}

    def compare(self, first: str, second: str) -> dict[str, Any]:
        """Compare two systems on the test part, paired by document."""
        paths = (self.runs / f"{name}.jsonl" for name in (first, second))
        result = compare_relations(*paths, self.documents, self.split, "test").result.to_dict()
        return {key: value for key, value in result.items() if not key.endswith("by_type")}


def trees_on(
    documents: Sequence[LabeledDocument], inputs: Sequence[Inputs], columns: Sequence[int], config: TreeConfig
) -> BoostedTrees:
    """Fit trees that read the relation type and some of the features."""
    chosen = [0, *(column + 1 for column in columns)]
    trees = fit_trees(documents, [one[:, chosen] for one in inputs], config, 0, lambda _: None)
    return replace(trees, features=np.array(chosen, np.int16)[trees.features])


def _kept(evaluation: RelationEvaluation) -> dict[str, Any]:
    found = evaluation.to_dict()
    return {"warning": found["warning"], **evaluation.analysis.to_dict(), "cooccurrence": found["cooccurrence"]}


def systems(
    benchmark: Benchmark, models: Sequence[Path], cnn: Path | None, former: Path | None
) -> dict[str, dict[str, Any]]:
    """Score all baselines and models; take the figures of those that are no longer in the package."""
    names = feature_names(len(LCDD.labels))
    few, every = [names.index(name) for name in FEW], range(len(names))
    made: dict[str, Callable[[], Mapping[str, Any]]] = {
        "cooccurrence": lambda: benchmark.evaluate("cooccurrence", COOCCURRENCE),
        "trees-27": lambda: benchmark.baseline("trees-27", few),
        "trees": lambda: benchmark.baseline("trees", every),
    }
    if cnn:
        made["cnn"] = lambda: benchmark.predicted("cnn", cnn)
    for number, model in enumerate(models):
        made[f"model-{number}"] = lambda name=f"model-{number}", path=model: benchmark.evaluate(name, path)
    found = {name: benchmark.figures(name, step) for name, step in made.items()}
    if former:
        kept = read_json(former)["systems"]
        found |= {f"former-{name}": kept[name] for name in kept if name.startswith("model-")}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="where predictions and figures are kept")
    parser.add_argument("--model", type=Path, action="append", default=[], help="a relation model; seeds of one recipe")
    parser.add_argument("--cnn", type=Path, help="the output of benchmarks/relation_cnn.py")
    parser.add_argument("--former", type=Path, help="baselines.json of commit b5e4d6e")
    parser.add_argument("--entities", type=Path, help="a tagger that was trained on the train part")
    parser.add_argument("--twins", nargs=2, default=[], metavar="ID", help="documents that are near-copies")
    parser.add_argument("--ablations", action="store_true", help="score models without a part on dev too")
    parser.add_argument("--speed", action="store_true", help="measure the speed of the bundled relation model too")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/relations"))
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    benchmark = Benchmark(list(read_corpus(options.corpus)), Split.read(options.split), options.runs)
    twice = benchmark.figures("agreement", lambda: agreement(benchmark.documents, options.twins))
    scores = systems(benchmark, options.model, options.cnn, options.former)
    others = [name for name in TITLES if name in scores and options.model and (options.runs / f"{name}.jsonl").exists()]
    found: dict[str, Any] = {
        "systems": scores,
        "comparisons": {
            name: benchmark.figures(f"model-0-{name}", lambda name=name: benchmark.compare("model-0", name))
            for name in others
        },
        "agreement": twice,
        "predicted_entities": None,
        "ablations": benchmark.figures("ablations", benchmark.ablations) if options.ablations else None,
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
