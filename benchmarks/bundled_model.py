"""The bundled model: chosen and scored on the group split, then trained again on all documents.

    python benchmarks/bundled_model.py CORPUS --encoder FOLDER --words FILE --runs FOLDER [--seed 0]
        [--install | --all-only] [--teacher MODEL]... [--texts PATH]...

`FOLDER` is an encoder that `suwen pretrain` wrote, and `FILE` holds vectors that `benchmarks/word_vectors.py` wrote,
both without text of the split's dev and test documents. The first model
learns from the train part; its test figure is the one that is published, and its dev part gives the calibration of
confidences. The second learns from every document by the same recipe; with `--install`, it becomes the bundled one: in
8 bits to run, and its weights in 16 to train on. Steps whose output is there are not repeated.

Teachers are models that learned from the train part too. TEXTS have no annotations, and none may be of the split's dev
and test issues; both models learn from them.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from runs import make_split, markdown, percent, score, suwen, train

from suwen.bundled import BUNDLED, model_path
from suwen.corpus.split import Split, corpus_hash
from suwen.evaluation.reliability import Bin, Reliability
from suwen.files import read_json, sha256, write_json, write_text
from suwen.formats import read_corpus
from suwen.model_card import model_card
from suwen.model_folder import read_model_folder
from suwen.pages.reliability_plot import reliability_plot

RECIPE = (
    "--head", "bilstm-crf",
    "--set", "encoder.masking=0.2",
    "--set", "head.dropout=0.4",
    "--set", "optimization.learning_rate=1.5e-3",
    "--set", "optimization.head_learning_rate=2e-3",
    "--set", "optimization.epochs=4",
    "--set", "optimization.precision=bf16",
    "--set", "evaluation.stop=never",
)  # fmt: skip
NAME = "suwen-mini"
LICENSE = "cc-by-nc-4.0"
MEASURES = ("precision", "recall", "f1")
RESULTS = Path("docs/results/bundled-model")

CARD = """
## About the scores

The scores above are those of the same recipe, trained only on the train part of a corpus of 287 annotated journal
articles. Its dev and test parts come from other journal issues. The bundled weights were trained on all 287 articles,
so they cannot be scored on this corpus.

BY_TYPE

Types with an F1 below 40 are unreliable: most of them are rare and annotated inconsistently.

## Intended use 用途

Research and software development on Chinese medical literature: diseases, tests, drugs and the other types above in
journal articles, mainly on diabetes, the topic of the training articles. It finds less in patient records, drug labels
and patients' questions; `suwen train --from bundled` adapts it to your own annotations.

Calibration and threshold were fitted to the first model on the dev part, where four of five mentions with confidence
0.8 are right. The bundled weights use the same values. On other kinds of text confidences are too high.

## License of the weights 权重许可

[CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/): the annotations were published for research, without a
license. The software has its own license. The training text of encoder and word vectors includes preprints from
ChinaXiv (CC BY 4.0), questions and answers of patients and doctors (ChineseBLUE, partly non-commercial; Toyhom, MIT),
paragraphs of Wikipedia (CC BY-SA 4.0), and unlabeled articles of LCDD. The words with vectors are the words that jieba
(MIT) finds there, and terms of THUOCL (MIT), of crawled lists (Apache-2.0) and of ICD-10 and ICD-9-CM-3; the folder has
hashes of them.
"""


def train_on_all(corpus: Path, runs: Path, model: Path, options: list[object]) -> None:
    """Train on every document."""
    documents = read_corpus(corpus)
    rows = [(document.id, 0, len(document.text)) for document in documents]
    split = Split(corpus_hash(documents), 0, "document", {"train": 1.0}, {"train": rows})
    everything = runs / "split-all.json"
    if not everything.exists():
        split.write(everything)
    train(corpus, everything, model, options)


def card_of(folder: Path, test: dict) -> str:
    """Return the model's card, with what is known of this model alone."""
    model = read_model_folder(folder)
    before, heading, after = model_card(model.settings, model.manifest).partition("\n## Limits")
    scores = test["strict_entity"]["by_type"]
    rows = [
        (kind.name, f"{scores[kind.name]['gold']:,}", *(percent(scores[kind.name][name]) for name in MEASURES))
        for kind in model.settings.schema.entities
    ]
    by_type = markdown(("test part", "annotated", *MEASURES), rows)
    return f"{before}{CARD.replace('BY_TYPE', by_type)}{heading}{after}".replace("MODEL", BUNDLED)


def install(corpus: Path, split: Path, first: Path, model: Path, figures: dict) -> None:
    """Put the second model, with the confidences of the first, in the place of the bundled one."""
    exported = model.with_name(NAME)
    shutil.rmtree(exported, ignore_errors=True)
    options = ["--int8", "--corpus", corpus, "--split", split, "--part", "dev", "--trainable", "-o", exported]
    suwen("export", model, *options)
    settings, manifest = (read_json(exported / name) for name in ("suwen.json", "manifest.json"))
    chosen = read_json(first / "suwen.json")
    settings |= {key: chosen[key] for key in ("calibration", "least_confidence")}
    write_json(exported / "suwen.json", settings)
    manifest["configuration"]["encoder"]["name"] = Path(manifest["configuration"]["encoder"]["name"]).name
    manifest["files"]["suwen.json"] = sha256(exported / "suwen.json")
    micro = {part: figures[part]["strict_entity"]["micro"] for part in ("dev", "test")}
    # What int8 scores on documents that it learned from is no figure to show.
    manifest |= {"name": NAME, "license": LICENSE, "scores": micro, "exports": {}}
    manifest["first_model"] = read_json(first / "manifest.json")["data"]
    write_json(exported / "manifest.json", manifest)
    write_text(exported / "README.md", card_of(exported, figures["test"]))
    target = model_path(BUNDLED)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(exported, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True, help="word vectors")
    parser.add_argument("--runs", type=Path, required=True, help="where split and models are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--teacher", type=Path, action="append", default=[], help="a model to learn from as well")
    parser.add_argument("--texts", type=Path, action="append", default=[], help="what the teachers annotate besides")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--all-only", action="store_true", help="only train the second model, beside the first")
    arguments = parser.parse_args()
    split = arguments.runs / "split-group.json"
    make_split(arguments.corpus, split, "group")
    options = ["--encoder", arguments.encoder, *RECIPE, "--set", f"encoder.words={arguments.words.resolve()}"]
    options += ["--set", f"seed={arguments.seed}"]
    for name, paths in (("--teacher", arguments.teacher), ("--texts", arguments.texts)):
        options += [word for path in paths for word in (name, path)]
    first, model = arguments.runs / "bundled-group", arguments.runs / "bundled-all"
    if arguments.all_only:
        train_on_all(arguments.corpus, arguments.runs, model, options)
        return
    train(arguments.corpus, split, first, options)
    figures = {part: read_json(score(arguments.corpus, split, first, part)) for part in ("dev", "test")}
    manifest = read_json(first / "manifest.json")
    manifest["configuration"]["encoder"]["name"] = Path(manifest["configuration"]["encoder"]["name"]).name
    kept = ("configuration", "seed", "versions", "expressible", "distillation", "training")
    write_json(RESULTS / "results.json", {**figures, **{key: manifest[key] for key in kept}})
    reliability = figures["test"]["reliability"]
    plot = Reliability(tuple(Bin(**values) for values in reliability["bins"]))
    write_text(RESULTS / "reliability.svg", reliability_plot(plot.bins, plot.error))
    if arguments.install:
        train_on_all(arguments.corpus, arguments.runs, model, options)
        install(arguments.corpus, split, first, model, figures)
    test = figures["test"]["strict_entity"]["micro"]["f1"]
    print(f"test F1 {100 * test:.2f}, calibration error {reliability['expected_calibration_error']:.3f}")


if __name__ == "__main__":
    main()
