"""suwen beside spaCy and EDS-NLP, trained from scratch on the same documents: F1, speed, memory, size.

    python benchmarks/peers.py CORPUS --split FILE --runs FOLDER --model "TITLE=MODEL" … [--minutes 20]
        [--spacy PYTHON] [--edsnlp PYTHON] [-o docs/results/peers]

Each peer is trained by its own tools with the configuration that it recommends, on one thread, until it stops by
itself or so many minutes of the processor are over, and keeps what was best on the dev part. They read characters,
because nothing here told them about words. Several of suwen's models may be named, each with a title. What an encoder
or a teacher cost is not in their minutes; a BiLSTM has none. PYTHON is the interpreter of an environment where the peer
is installed.

All read the same passages: suwen's view of the articles, cut at sentence ends into at most 256 characters. Timed is the
test part, from text to entities, on one thread, in a fresh process; loading is not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runs import markdown, percent, replace_table

from suwen.corpus.split import Selection, Split
from suwen.evaluation.strict import pair_documents, strict_scores
from suwen.files import read_json, write_json, write_text
from suwen.formats import read_corpus
from suwen.inference.predictor import with_predictions
from suwen.schemes import flatten
from suwen.tagging.encode import Prepared, prepare
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

HERE = Path(__file__).resolve().parent
PARTS = ("train", "dev", "test")
PEERS = {"spacy": "spaCy", "edsnlp": "EDS-NLP"}
PASSAGES = WindowRules(length=320, pack=256)
COLUMNS = (
    "system",
    "strict P",
    "strict R",
    "**strict F1**",
    "characters/s",
    "peak memory, MB",
    "model, MB",
    "trained, minutes of a core",
)


def prepared(selection: Selection) -> Prepared:
    """Return the text of a document as every system reads it."""
    return prepare(selection.document.text, ViewRules(), PASSAGES, selection.spans)


def passages(selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the passages of a document with their entities; of overlapping ones, which peers cannot learn, one."""
    document = prepared(selection)
    kept, _ = flatten(entity.key for entity in selection.gold)
    entities = [(label, span) for label, start, end in kept if (span := document.view.to_view(start, end))]
    for block in document.blocks:
        inside = [
            [start - block.start, end - block.start, label]
            for label, (start, end) in entities
            if block.start <= start and end <= block.end
        ]
        yield {"text": document.view.text[block.start : block.end], "entities": inside}


def score(selections: Sequence[Selection], found: Path) -> dict[str, float]:
    """Strict scores of what a peer found in the passages of the test part."""
    lines = iter(found.read_text(encoding="utf-8").splitlines())
    documents = []
    for selection in selections:
        document = prepared(selection)
        spans = [
            (label, block.start + start, block.start + end, 1.0)
            for block in document.blocks
            for start, end, label in json.loads(next(lines))
        ]
        documents.append(with_predictions(selection.document, document.view, document.view_spans(spans)))
    return strict_scores(pair_documents(selections, documents)).micro.to_dict()


def own(options: argparse.Namespace, path: Path, folder: Path) -> None:
    """Find the entities of the test part with suwen, timed: what the peers' scripts do with theirs."""
    from peers_common import Measured

    from suwen.loading import load

    selections = Split.read(options.split).select(read_corpus(options.corpus), "test")
    model = load(path, threads=1)
    with Measured(folder, sum(len(passage["text"]) for one in selections for passage in passages(one))):
        found = list(model.predict(selections))
    scores = strict_scores(pair_documents(selections, found)).micro.to_dict()
    write_json(folder / "scores.json", scores)


def run_part(model: Path) -> int:
    """Return the bytes of what runs a model: the graph, that in 8 bits first, and the weights if there is none."""
    weights = ("model.int8.onnx", "model.onnx", "model.safetensors")
    chosen = next(name for name in weights if (model / name).exists())
    files = [path for path in model.iterdir() if path.is_file() and path.name not in weights]
    return sum(path.stat().st_size for path in [*files, model / chosen])


def row(system: str, folder: Path) -> tuple[list[object], dict[str, Any]]:
    """Return a row of the table, and its figures."""
    figures = {name: read_json(folder / f"{name}.json") for name in ("scores", "measured", "trained")}
    scores, measured, trained = figures.values()
    cells = [percent(scores["precision"]), percent(scores["recall"]), f"**{percent(scores['f1'])}**"]
    speed, memory, size = measured["characters_per_second"], measured["peak_memory"], trained["bytes"]
    sizes = [f"{speed:,.0f}", f"{memory / 1e6:,.0f}", f"{size / 1e6:.1f}", f"{trained['seconds'] / 60:.1f}"]
    return [system, *cells, *sizes], {"system": system, **figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="where passages and the peers' models are kept")
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="TITLE=MODEL",
        help="a model of suwen's, trained on the train part",
    )
    parser.add_argument("--minutes", type=float, default=20)
    for peer, name in PEERS.items():
        parser.add_argument(f"--{peer}", metavar="PYTHON", help=f"the Python where {name} is installed")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/peers"))
    parser.add_argument("--own", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.own:
        own(options, Path(options.model[0]), options.own)
        return
    documents, split = read_corpus(options.corpus), Split.read(options.split)
    for part in PARTS:
        path = options.runs / f"{part}.jsonl"
        if not path.exists():
            lines = (passage for one in split.select(documents, part) for passage in passages(one))
            write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    rows = []
    for peer, name in PEERS.items():
        python = getattr(options, peer)
        if not python:
            continue
        folder = options.runs / peer
        for step, made in (("train", "trained.json"), ("predict", "measured.json")):
            if not (folder / made).exists():
                script = HERE / f"peers_{peer}.py"
                subprocess.run([python, script, step, options.runs, str(options.minutes)], check=True)
        write_json(folder / "scores.json", score(split.select(documents, "test"), folder / "found.jsonl"))
        rows.append(row(name, folder))
    for number, named in enumerate(options.model):
        title, _, model = named.rpartition("=")
        folder = options.runs / f"suwen-{number}"
        folder.mkdir(exist_ok=True)
        arguments = ["--split", options.split, "--runs", options.runs, "--model", model, "--own", folder]
        subprocess.run([sys.executable, __file__, options.corpus, *arguments], check=True)
        seconds = read_json(Path(model) / "manifest.json")["training"]["seconds"]
        write_json(folder / "trained.json", {"seconds": seconds, "bytes": run_part(Path(model))})
        rows.append(row(f"suwen, {title}" if title else "suwen", folder))
    write_json(options.output / "results.json", [figures for _, figures in rows])
    replace_table(options.output / "README.md", markdown(COLUMNS, [cells for cells, _ in rows]))
    print(markdown(COLUMNS, [cells for cells, _ in rows]))


if __name__ == "__main__":
    main()
