"""The bundled model: chosen and scored on the group split, then trained again on all documents.

    python benchmarks/bundled_model.py CORPUS --words FILE --unlabeled FOLDER --runs FOLDER
        [--encoder encoders/language-models] [--seed 0] [--install | --all-only]

Each step is a command that a user could type; a step whose output is there is not repeated. The language models
(`suwen pretrain --encoder bilstm`), the word vectors (`benchmarks/word_vectors.py`) and the unlabeled articles have no
text of the split's dev and test issues; this script leaves out the articles that have.

1. Four teachers learn from the train part: BiLSTMs of one and of two layers over the states of the language models,
   one like the student, and a BiLSTM on the bundled encoder.
2. The first model learns from the annotations, from the teachers, and from the unlabeled articles as the teachers
   annotate them. Then it learns for two more epochs, taught by itself, with sentences as records beside those as lists:
   so it finds what stands in short lines. Its test figure is the one that is published; its dev part gives the
   calibration of confidences.
3. With `--install`, three teachers and the second model learn by the same recipe from every document. The second model
   becomes the bundled one: in 8 bits to run, and its weights in 16 to train on. `--all-only` does no more than this
   training, so that it can run beside the first.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from runs import make_split, markdown, percent, score, suwen, train

from suwen.bundled import BUNDLED, model_path
from suwen.corpus.split import Split, corpus_hash
from suwen.evaluation.reliability import Bin, Reliability
from suwen.files import read_json, replacing_folder, sha256, write_json, write_text
from suwen.formats import read_corpus
from suwen.model_card import model_card
from suwen.model_folder import read_model_folder
from suwen.pages.reliability_plot import reliability_plot
from suwen.pretraining.passages import find_sources, read_exclusion

COMMON = (
    "--set", "optimization.epochs=5",
    "--set", "optimization.precision=bf16",
    "--set", "evaluation.stop=never",
)  # fmt: skip
ONE_LAYER, TWO_LAYERS, STUDENT = (1, 192), (2, 160), (2, 144)
"""Layers and units."""
STATE_WIDTH = 128
LISTS = ("--set", "optimization.lists=0.3")
CONTINUED = (
    "--set", "optimization.epochs=2",
    "--set", "optimization.precision=bf16",
    "--set", "evaluation.stop=never",
    "--set", "optimization.learning_rate=5e-4",
    "--set", "optimization.head_learning_rate=5e-4",
    "--set", "optimization.crf_learning_rate=5e-4",
    *LISTS,
    "--set", "optimization.records=0.3",
)  # fmt: skip
CONTEXT = 8
"""Characters read on either side of a window. Training has 24, which costs a tenth of the speed for 0.04 points."""
TRANSFORMER = (
    "--head", "bilstm-crf",
    "--set", "encoder.masking=0.2",
    "--set", "head.dropout=0.4",
    "--set", "optimization.learning_rate=1.5e-3",
    "--set", "optimization.head_learning_rate=2e-3",
)  # fmt: skip
NAME = "suwen-mini"
LICENSE = "cc-by-nc-4.0"
MEASURES = ("precision", "recall", "f1")
RESULTS = Path("docs/results/bundled-model")

CARD = """
## About the scores

Before the last two epochs it learned the predictions of four other models in the same way.

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

**For non-commercial use only. 仅限非商业用途。**
[CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/): the annotations were published for research, without a
license. The software has its own license. The training text of language models and word vectors includes preprints from
ChinaXiv (CC BY 4.0), questions and answers of patients and doctors (ChineseBLUE, partly non-commercial; Toyhom, MIT),
paragraphs of Wikipedia (CC BY-SA 4.0), and unlabeled articles of LCDD. The words with vectors are the words that jieba
(MIT) finds there, and terms of THUOCL (MIT), of crawled lists (Apache-2.0) and of ICD-10 and ICD-9-CM-3; the folder has
hashes of them.
"""


def permitted(unlabeled: Path, split: Path, corpus: Path, output: Path) -> Path:
    """Copy the unlabeled articles that are of no dev or test issue."""
    if not output.exists():
        exclusion = read_exclusion(split, ("dev", "test"), [corpus])
        (source,) = find_sources([unlabeled], exclusion)
        with replacing_folder(output) as folder:
            for file in source.files:
                shutil.copyfile(file, folder / file.name)
    return output


def whole_split(corpus: Path, output: Path) -> Path:
    """Write a split whose train part is every document."""
    if not output.exists():
        documents = read_corpus(corpus)
        rows = [(document.id, 0, len(document.text)) for document in documents]
        Split(corpus_hash(documents), 0, "document", {"train": 1.0}, {"train": rows}).write(output)
    return output


def taught(arguments: argparse.Namespace, split: Path, texts: Path, name: str) -> Path:
    """Train teachers, and the model that learns from them; returns the model's folder."""
    common = [*COMMON, "--set", f"encoder.words={arguments.words.resolve()}"]

    def over_states(layers: int, hidden: int, seed: int) -> list[object]:
        sizes = {"layers": layers, "hidden": hidden, "state_width": STATE_WIDTH}
        settings = [word for key, value in sizes.items() for word in ("--set", f"encoder.{key}={value}")]
        return ["--encoder", arguments.encoder, *settings, *common, "--set", f"seed={seed}"]

    transformer = ["--encoder", BUNDLED, *TRANSFORMER, *common, "--set", f"seed={arguments.seed}"]
    student = [*over_states(*STUDENT, arguments.seed), *LISTS]
    teachers = {
        f"untaught-{name}": (split, student),
        f"one-layer-{name}": (split, over_states(*ONE_LAYER, arguments.seed)),
        f"two-layers-{name}": (split, over_states(*TWO_LAYERS, arguments.seed + 1)),
        # This one always learns from the train part: three others have seen all documents.
        "transformer": (arguments.runs / "split-group.json", transformer),
    }
    options = [*student, "--texts", texts]
    for teacher, (part, settings) in teachers.items():
        train(arguments.corpus, part, arguments.runs / teacher, settings)
        options += ["--teacher", arguments.runs / teacher]
    model: Path = arguments.runs / f"bundled-{name}"
    first = student_of(model)
    train(arguments.corpus, split, first, options)
    read_less_context(first)
    train(arguments.corpus, split, model, ["--from", first, "--teacher", first, "--texts", texts, *CONTINUED])
    return model


def student_of(model: Path) -> Path:
    """Return the model that another one was continued from."""
    return model.with_name(model.name.replace("bundled", "student"))


def described(folder: Path) -> dict:
    """Return a manifest without the path of its encoder."""
    manifest: dict = read_json(folder / "manifest.json")
    manifest["configuration"]["encoder"]["name"] = Path(manifest["configuration"]["encoder"]["name"]).name
    return manifest


def read_less_context(model: Path) -> None:
    """Make a trained model read `CONTEXT` characters of context."""
    settings, manifest = (read_json(model / name) for name in ("suwen.json", "manifest.json"))
    if settings["windows"]["context"] != CONTEXT:
        settings["windows"]["context"] = CONTEXT
        write_json(model / "suwen.json", settings)
        manifest["files"]["suwen.json"] = sha256(model / "suwen.json")
        write_json(model / "manifest.json", manifest)


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


def publish(first: Path, figures: dict) -> None:
    """Write the figures of the first model into the results."""
    kept = ("configuration", "seed", "versions", "expressible", "distillation", "training")
    last, student = ({key: described(folder)[key] for key in kept} for folder in (first, student_of(first)))
    write_json(RESULTS / "results.json", {**figures, **last, "student": student})
    reliability = figures["test"]["reliability"]
    plot = Reliability(tuple(Bin(**values) for values in reliability["bins"]))
    write_text(RESULTS / "reliability.svg", reliability_plot(plot.bins, plot.error))
    micro = figures["test"]["strict_entity"]["micro"]
    print(f"test F1 {percent(micro['f1'])}, calibration error {reliability['expected_calibration_error']:.3f}")


def install(corpus: Path, split: Path, first: Path, model: Path, figures: dict) -> None:
    """Put the second model, with the confidences of the first, in the place of the bundled one."""
    exported = model.with_name(NAME)
    shutil.rmtree(exported, ignore_errors=True)
    options = ["--int8", "--corpus", corpus, "--split", split, "--part", "dev", "--trainable", "-o", exported]
    suwen("export", model, *options)
    settings, chosen = (read_json(folder / "suwen.json") for folder in (exported, first))
    settings |= {key: chosen[key] for key in ("calibration", "least_confidence")}
    write_json(exported / "suwen.json", settings)
    manifest, student = described(exported), described(student_of(model))
    manifest["student"] = {key: student[key] for key in ("configuration", "distillation", "training")}
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
    parser.add_argument("--words", type=Path, required=True, help="word vectors")
    parser.add_argument("--unlabeled", type=Path, required=True, help="articles that the teachers annotate")
    parser.add_argument("--runs", type=Path, required=True, help="where split and models are kept")
    parser.add_argument("--encoder", type=Path, default=Path("encoders/language-models"), help="language models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--all-only", action="store_true", help="only train the second model, beside the first")
    arguments = parser.parse_args()
    split = arguments.runs / "split-group.json"
    make_split(arguments.corpus, split, "group")
    texts = permitted(arguments.unlabeled, split, arguments.corpus, arguments.runs / "unlabeled")
    whole = whole_split(arguments.corpus, arguments.runs / "split-all.json")
    if arguments.all_only:
        taught(arguments, whole, texts, "all")
        return
    first = taught(arguments, split, texts, "group")
    figures = {part: read_json(score(arguments.corpus, split, first, part)) for part in ("dev", "test")}
    publish(first, figures)
    if arguments.install:
        install(arguments.corpus, split, first, taught(arguments, whole, texts, "all"), figures)


if __name__ == "__main__":
    main()
