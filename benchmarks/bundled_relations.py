"""The bundled relation model: the recipe that `benchmarks/relations.py` scored, trained again on all documents.

    python benchmarks/bundled_relations.py CORPUS --runs FOLDER --model MODEL … [--results docs/results/relations]

Models are the seeds that were scored, the first of them with seed 0. Calibration and thresholds are those that it chose
on the dev part. Its card shows the scores of these models, for the bundled one cannot be scored on the corpus.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bundled_model import whole_split
from runs import once, suwen

from suwen.bundled import BUNDLED
from suwen.files import read_json, write_json, write_text
from suwen.inference.relations.settings import RelationSettings
from suwen.loading import relation_folder
from suwen.model_card import relation_card
from suwen.model_folder import read_stored_model

NAME = "suwen-relations"
LICENSE = "cc-by-nc-4.0"
MEASURES = ("precision", "recall", "f1")
TEST = "test, mean of {count} seeds of this recipe trained on the train part"
DEV = "dev, mean of the same {count} seeds"
RELIABILITY = "test (seed 0 of the same recipe)"
TERMS = """\
## License of the weights 权重许可

**For non-commercial use only. 仅限非商业用途。**
[CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/): the annotations were published for research, without a
license. The software has its own license.

"""


def confidences(model: Path) -> list[str]:
    """Return the settings that give a new model the confidences of another one."""
    settings = read_json(model / "suwen.json")
    values = [f"confidence.{key}={settings['calibration'][key]}" for key in ("slope", "intercept")]
    values += [f"confidence.thresholds.{name}={value}" for name, value in settings["thresholds"].items()]
    return [word for value in values for word in ("--set", value)]


def mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the means of precision, recall and F1."""
    return {measure: float(np.mean([one[measure] for one in scores])) for measure in MEASURES}


def described(folder: Path, models: Sequence[Path], figures: Mapping[str, Any]) -> None:
    """Write the scores of the models into manifest and card of the bundled one."""
    manifest = read_json(folder / "manifest.json")
    test = [figures["systems"][f"model-{number}"] for number in range(len(models))]
    manifest["scores"] = {
        TEST.format(count=len(models)): mean([one["strict_relation"]["micro"] for one in test]),
        DEV.format(count=len(models)): mean([read_json(one / "manifest.json")["scores"]["dev"] for one in models]),
    }
    manifest |= {"name": NAME, "license": LICENSE, "reliability": {"part": RELIABILITY, **test[0]["reliability"]}}
    settings = RelationSettings.from_dict(read_stored_model(folder).settings)
    write_json(folder / "manifest.json", manifest)
    before, heading, after = relation_card(settings, manifest).partition("## Limits")
    card = f"{before}{TERMS}{heading}{after}".replace("--relation-model MODEL", f"--relation-model {BUNDLED}")
    write_text(folder / "README.md", card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=Path, required=True, help="where split and model are kept")
    parser.add_argument("--model", type=Path, action="append", required=True, help="a model that was scored")
    parser.add_argument("--results", type=Path, default=Path("docs/results/relations"))
    options = parser.parse_args()
    split = whole_split(options.corpus, options.runs / "split-all.json")
    model, exported = options.runs / "relations-all", options.runs / NAME
    arguments = ["--task", "relations", "--split", split, *confidences(options.model[0])]
    once(model, "train", options.corpus, "-o", model, *arguments)
    shutil.rmtree(exported, ignore_errors=True)
    suwen("export", model, "--corpus", options.corpus, "-o", exported)
    described(exported, options.model, read_json(options.results / "baselines.json"))
    kept = ("configuration", "seed", "versions", "data", "expressible", "training", "scores")
    manifests = [read_json(one / "manifest.json") for one in options.model]
    write_json(options.results / "model.json", {"model": [{key: one[key] for key in kept} for one in manifests]})
    target = relation_folder(None)
    assert target is not None
    shutil.rmtree(target)
    shutil.copytree(exported, target)


if __name__ == "__main__":
    main()
