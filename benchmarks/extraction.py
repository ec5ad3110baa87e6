"""Extraction from file to file: suwen beside Hugging Face's pipeline("token-classification").

Both read the same text files, give the same weights (an FC head on a transformer) the same character ids, and write the
mentions with their offsets as JSON Lines. Each run is a process of its own; reading and writing are timed, loading is
not. The pipeline gets all sentences in one call, in batches of 32.

    python benchmarks/extraction.py [CORPUS] [--model MODEL] [--documents 20] [--rounds 3] [--threads 2] [--json FILE]
    python benchmarks/extraction.py [CORPUS] [--model MODEL] --memory

Of each document the first `--characters` are read, up to the end of a sentence; 0 reads all. Most of the time is the
pipeline's own, which pads each batch of sentences to its longest; all runs read the same, so that the ratios do not
depend on how much that is.

MODEL is a trained tagger on a transformer that Hugging Face's library knows, such as BERT; its classifier is used as an
FC head. Without one the weights are random (BERT, 4 x 256), which says as much about speed, and nothing about F1.
`--memory` measures the peak over 5 and 50 MB of text instead.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import suwen
from suwen.document import Document

HERE = Path(__file__).resolve()
SAMPLE = Path(suwen.__file__).parent / "data" / "sample"
BATCH = 32
LONGEST = 510
RANDOM = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
# Mentions cover about a quarter of the characters of medical articles.
TAGGED = 0.25
MEGABYTE = 10**6
# So many are enough to see that nothing depends on batches, order or threads.
STABLE_DOCUMENTS = 5


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell on standard error what is being done, and how long it took."""
    print(f"{what} …", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)


def require_known(model: Path) -> None:
    """Refuse, before any work, a model that the pipeline could not load."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES

    from suwen.model_folder import read_model_folder

    read_model_folder(model)
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kind = config.get("encoder", config).get("model_type", "no transformer")
    if kind not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES:
        raise SystemExit(
            f"{model}: the encoder is of the kind '{kind}', which Hugging Face's pipeline cannot load; "
            "pass a tagger that was trained on a plain BERT, or leave --model out"
        )


def prepare(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Write the texts, and the model in the three forms that are run; returns what the export says."""
    from suwen.corpus.split import Split, whole
    from suwen.exporting.tagger import export_model
    from suwen.formats import read_corpus
    from suwen.model_folder import TaggerSettings, write_model_folder
    from suwen.models.weights import write_tagger
    from suwen.tagging.encode import Featurizer
    from suwen.text.view import ViewRules
    from suwen.text.windows import WindowRules

    with step("reading the corpus"):
        documents = read_corpus(options.corpus)
        selections = Split.read(options.split).select(documents, "dev") if options.split else whole(documents)
        cut = (beginning(selection, options.characters) for selection in selections)
        chosen = list(islice(filter(None, cut), options.documents))
    timed = [selection.document for selection in chosen]
    (folder / "texts").mkdir()
    for number, document in enumerate(timed):
        (folder / "texts" / f"{number:04}.txt").write_bytes(document.text.encode())

    schema, scheme, characters, tagger = trained(options.model) if options.model else untrained(documents)
    # What the pipeline does: each sentence alone, and the best tag of each character.
    windows = WindowRules(length=LONGEST, overlap=128, context=0, pack=0)
    settings = TaggerSettings(schema, scheme.name, ViewRules(), windows, ("input_ids",), True, "argmax")
    featurizer = Featurizer(characters, special_tokens=True)
    write_model_folder(folder / "torch", settings, featurizer, lambda new: write_tagger(tagger, new), {}, "")
    with step("exporting in float32, compared with torch"):
        figures = export_model(folder / "torch", timed, output=folder / "float32")
    names = {document.id for document in timed}
    others = [document for document in documents if document.id not in names] or documents
    with step("exporting in 8 bits, scored beside float32"):
        # Random weights find nothing right, however much they read.
        scored = chosen if options.model else chosen[:1]
        small = export_model(folder / "torch", timed[:1], scored, others, folder / "int8")
    return {**small.to_dict(), "difference": figures.difference}


def beginning(selection: Any, characters: int) -> Any:
    """Return the first sentences of a document with so many characters; None where the pipeline would cut one off."""
    from suwen.corpus.split import Selection
    from suwen.text.sentences import split_sentences
    from suwen.text.view import make_view

    document = selection.document
    view = make_view(document.text)
    end = 0
    for start, finish in split_sentences(view):
        last = int(view.source[finish - 1]) + 1
        if characters and end and last > characters:
            break
        if finish - start > LONGEST:
            return None
        end = last
    entities = tuple(entity for entity in document.entities if entity.end <= end)
    spans = tuple((start, min(finish, end)) for start, finish in selection.spans if start < end)
    return Selection(Document(document.id, document.text[:end], entities), spans)


def trained(path: Path) -> tuple[Any, Any, Any, Any]:
    """Label set, scheme, vocabulary and tagger of a model folder, with an FC head."""
    from suwen.model_folder import read_model_folder
    from suwen.models.tagger import Tagger
    from suwen.models.weights import read_tagger
    from suwen.schemes import scheme_named

    folder = read_model_folder(path)
    scheme = scheme_named(folder.settings.scheme)
    source = read_tagger(path, folder.settings.tags, scheme)
    tagger = Tagger(source.encoder, "fc", source.tags, scheme)
    tagger.classifier.load_state_dict(source.classifier.state_dict())
    return folder.settings.schema, scheme, folder.featurizer.characters, tagger


def untrained(documents: list[Any]) -> tuple[Any, Any, Any, Any]:
    """Return the same for random weights."""
    import torch
    from transformers import BertConfig

    from suwen.models.encoders import TransformerEncoder
    from suwen.models.tagger import Tagger
    from suwen.schema import Schema
    from suwen.schemes import BIO
    from suwen.tagging.vocabulary import CharacterVocabulary

    torch.manual_seed(0)
    schema = Schema.of_labels({entity.label for document in documents for entity in document.entities})
    characters = CharacterVocabulary.from_texts(document.text for document in documents)
    encoder = TransformerEncoder(BertConfig(**RANDOM, vocab_size=len(characters)).to_dict())
    tagger = Tagger(encoder, "fc", BIO.tags(schema.labels), BIO)
    tagger.classifier.weight.data *= 8
    balance(tagger, characters.ids("".join(document.text for document in documents[:40])))
    return schema, BIO, characters, tagger


def balance(tagger: Any, ids: Any) -> None:
    """Give random weights a bias for O, so that as much is tagged as in real text."""
    import torch

    with torch.no_grad():
        rows = torch.from_numpy(ids[: min(40, len(ids) // 50) * 50].reshape(-1, 50).astype(np.int64))
        scores = tagger.eval().emissions(rows, torch.ones_like(rows))
        margins = scores[..., 1:].amax(2) - scores[..., 0]
        tagger.classifier.bias[0] += margins.flatten().quantile(1 - TAGGED)


def reference(folder: Path, output: Path, threads: int) -> dict[str, float]:
    """Extract with Hugging Face's pipeline."""
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline
    from transformers.utils import logging

    from suwen.document import Entity
    from suwen.formats import jsonl
    from suwen.text.sentences import split_sentences
    from suwen.text.view import make_view

    logging.set_verbosity_error()
    torch.set_num_threads(threads)
    model = AutoModelForTokenClassification.from_pretrained(folder / "torch", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "torch")
    tokenizer.model_max_length = LONGEST + 2
    extract = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple")
    extract(["口服二甲双胍。"] * BATCH, batch_size=BATCH)

    started = time.perf_counter()
    texts = {path.stem: path.read_bytes().decode() for path in sorted((folder / "texts").iterdir())}
    views = {name: make_view(text) for name, text in texts.items()}
    sentences = [(name, *span) for name, view in views.items() for span in split_sentences(view)]
    mentions: dict[str, list[Entity]] = {name: [] for name in texts}
    found = extract([views[name].text[start:end] for name, start, end in sentences], batch_size=BATCH)
    for (name, start, _), entities in zip(sentences, found, strict=True):
        for entity in entities:
            pieces = views[name].to_source(start + entity["start"], start + entity["end"])
            if pieces:
                fragments = pieces if len(pieces) > 1 else ()
                score = float(entity["score"])
                mentions[name].append(
                    Entity(entity["entity_group"], pieces[0][0], pieces[-1][1], fragments, score=score)
                )
    with output.open("wb") as file:
        for name, text in texts.items():
            file.write(jsonl.line(Document(name, text, tuple(mentions[name]))))
    return {"seconds": time.perf_counter() - started, "characters": sum(map(len, texts.values()))}


def ours(folder: Path, form: str, output: Path, threads: int) -> dict[str, float]:
    """Extract with suwen."""
    from suwen.formats import read_corpus, write_corpus
    from suwen.loading import load

    extractor = load(folder / form, threads=threads)
    extractor("口服二甲双胍。")

    started = time.perf_counter()
    count = 0

    def counted() -> Any:
        nonlocal count
        for path in sorted((folder / "texts").iterdir()):
            (document,) = read_corpus(path, "text")
            count += len(document.text)
            yield document

    write_corpus(extractor.pipe(counted()), output, "jsonl")
    return {"seconds": time.perf_counter() - started, "characters": count}


class Stopwatch:
    """Runs a scorer and counts seconds and useful operations: padding is not one."""

    def __init__(self, scorer: Any, per_token: float, per_pair: float) -> None:
        self.scorer, self.per_token, self.per_pair = scorer, per_token, per_pair
        self.calls: list[tuple[float, float]] = []

    def emissions(self, inputs: Any) -> Any:
        lengths = inputs["attention_mask"].sum(axis=1).astype(float)
        started = time.perf_counter()
        scores = self.scorer.emissions(inputs)
        seconds = time.perf_counter() - started
        self.calls.append((seconds, float((lengths * self.per_token + lengths**2 * self.per_pair).sum())))
        return scores


def timed(predictor: Any, spent: list[float]) -> Any:
    """Return a predictor that notes how long each decoding takes."""

    class Timed(predictor):  # type: ignore[misc]
        def _decode(self, *arguments: Any) -> Any:
            started = time.perf_counter()
            found = super()._decode(*arguments)
            spent.append(time.perf_counter() - started)
            return found

    return Timed


def inside(folder: Path, threads: int) -> dict[str, float]:
    """Measure the scorer and decoding in float32, and the machine's fastest matrix product."""
    import torch

    from suwen.formats import read_corpus
    from suwen.inference.predictor import Predictor
    from suwen.loading import load

    torch.set_num_threads(threads)
    left, right = torch.randn(2, 2048, 2048)
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        torch.mm(left, right)
        best = max(best, 2 * 2048**3 / (time.perf_counter() - started))

    config = json.loads((folder / "torch" / "config.json").read_text())
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    loaded = load(folder / "float32", threads=threads)
    tags = len(loaded.settings.tags)
    documents = read_corpus(folder / "texts", "text")
    figures = {"gemm": best}
    for decoding in ("argmax", "legal"):
        spent: list[float] = []
        per_token = layers * (8 * width**2 + 4 * width * inner) + 2 * width * tags
        watch = Stopwatch(loaded.scorer, per_token, layers * 4 * width)
        settings = replace(loaded.settings, decoding=decoding)
        predictor = timed(Predictor, spent)(settings, loaded.featurizer, watch, loaded.batch_tokens, threads)
        started = time.perf_counter()
        for _ in predictor.pipe(documents):
            pass
        seconds = time.perf_counter() - started
        busy = sum(second for second, _ in watch.calls) / threads
        figures["useful"] = sum(count for _, count in watch.calls) / busy
        figures[f"scoring_{decoding}"] = busy / seconds
        figures[f"decoding_{decoding}"] = sum(spent) / threads / seconds
    return figures


def stable(folder: Path, form: str) -> dict[str, Any]:
    """Other batches, another order, another number of threads: what changes."""
    from suwen.formats import read_corpus
    from suwen.loading import load

    documents = read_corpus(folder / "texts", "text")[:STABLE_DOCUMENTS]
    first = {one.id: one.entities for one in load(folder / form, threads=2).pipe(documents)}
    others = load(folder / form, batch_tokens=300, threads=1).pipe(documents[::-1])
    changed, difference = 0, 0.0
    for one in others:
        before = {entity.key: entity.score for entity in first[one.id]}
        after = {entity.key: entity.score for entity in one.entities}
        changed += len(before.keys() ^ after.keys())
        difference = max([difference, *(abs(after[key] - before[key]) for key in before.keys() & after.keys())])
    return {"entities_changed": changed, "largest_change_of_a_confidence": difference}


def memory(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return the peak over 5 and 50 MB of text in documents of the corpus' size."""
    from suwen.bundled import model_path
    from suwen.formats import read_corpus

    texts = [document.text for document in read_corpus(options.corpus)]
    rows = []
    for size in (5, 50):
        texts_folder = folder / f"{size}MB"
        texts_folder.mkdir()
        written = number = 0
        while written < size * MEGABYTE:
            data = texts[number % len(texts)].encode()
            (texts_folder / f"{number:05}.txt").write_bytes(data)
            written, number = written + len(data), number + 1
        (folder / "model").exists() or (folder / "model").symlink_to(model_path(options.model).resolve())
        with step(f"extracting from {size} MB"):
            rows.append({"megabytes": size, **run(folder, f"extract:{size}MB", options.threads)})
    return rows


def peak_megabytes() -> float:
    """Return the peak of this process; the figure of `resource` would be that of its parent, where that is larger."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(folder: Path, task: str, threads: int) -> dict[str, Any]:
    """Return one measurement, in this process."""
    if task == "inside":
        return inside(folder, threads)
    if task.startswith("stable"):
        return stable(folder, task.partition(":")[2])
    output = folder / f"{task}.jsonl"
    output.unlink(missing_ok=True)
    if task.startswith("extract"):
        return extract(folder, task.partition(":")[2], output, threads)
    figures = reference(folder, output, threads) if task == "pipeline" else ours(folder, task, output, threads)
    return {**figures, "peak_megabytes": peak_megabytes()}


def extract(folder: Path, texts: str, output: Path, threads: int) -> dict[str, Any]:
    """Return the command, in this process."""
    from suwen.cli import app

    started = time.perf_counter()
    arguments = [str(folder / texts), "-o", str(output), "--model", str(folder / "model"), "--threads", str(threads)]
    app(["extract", *arguments], standalone_mode=False)
    return {"seconds": time.perf_counter() - started, "peak_megabytes": peak_megabytes()}


def run(folder: Path, task: str, threads: int) -> dict[str, Any]:
    """Return one measurement, in a process of its own; what that says when it fails is passed on."""
    command = [sys.executable, str(HERE), str(folder), "--child", task, "--threads", str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"failed\n{done.stderr}the measurement {task!r} failed with status {done.returncode}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def entities(path: Path) -> set[tuple[str, tuple[str, int, int]]]:
    """Return all mentions in a file."""
    from suwen.formats import read_corpus

    return {(document.id, entity.key) for document in read_corpus(path) for entity in document.entities}


def compare(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all figures but memory."""
    exported = prepare(options, folder)
    tasks = ("pipeline", "torch", "float32", "int8")
    runs: dict[str, list[dict[str, Any]]] = {task: [] for task in tasks}
    for number in range(1, options.rounds + 1):
        for task in tasks:
            with step(f"round {number} of {options.rounds}: {task}"):
                runs[task].append(run(folder, task, options.threads))
    found = {task: entities(folder / f"{task}.jsonl") for task in tasks}
    rows = []
    for task in tasks:
        faster = [theirs["seconds"] / own["seconds"] for theirs, own in zip(runs["pipeline"], runs[task], strict=True)]
        rows.append(
            {
                "run": task,
                "characters_per_second": statistics.median(one["characters"] / one["seconds"] for one in runs[task]),
                "times_faster": statistics.median(faster),
                "peak_megabytes": max(one["peak_megabytes"] for one in runs[task]),
                "entities": len(found[task]),
                "entities_unlike_the_pipeline": len(found[task] ^ found["pipeline"]),
            }
        )
    with step("what scoring and decoding take"):
        scorer = run(folder, "inside", options.threads)
    with step("other batches, order and threads"):
        stability = {form: run(folder, f"stable:{form}", options.threads) for form in ("float32", "int8")}
    return {
        "model": str(options.model.name) if options.model else "BERT 4 x 256, random weights",
        "documents": len(list((folder / "texts").iterdir())),
        "characters": runs["float32"][0]["characters"],
        "threads": options.threads,
        "rounds": options.rounds,
        "rows": rows,
        "largest_difference_of_a_score": exported["difference"],
        "float32_f1": exported["float32_f1"],
        "int8_f1": exported["int8_f1"],
        "gemm_gflops": scorer["gemm"] / 1e9,
        "useful_gflops": scorer["useful"] / 1e9,
        "useful_share": scorer["useful"] / scorer["gemm"],
        "decoding_share": {"argmax": scorer["decoding_argmax"], "viterbi": scorer["decoding_legal"]},
        "scoring_share": {"argmax": scorer["scoring_argmax"], "viterbi": scorer["scoring_legal"]},
        "stability": stability,
    }


def show(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    from rich.console import Console
    from rich.table import Table

    texts = f"{result['documents']} documents, {result['characters']:,} characters"
    title = f"{result['model']}, {texts}, {result['threads']} threads"
    table = Table("run", "characters/s", "times faster", "peak MB", "entities", "unlike the pipeline", title=title)
    for row in result["rows"]:
        rate, faster, peak = row["characters_per_second"], row["times_faster"], row["peak_megabytes"]
        counts = (f"{row['entities']:,}", f"{row['entities_unlike_the_pipeline']:,}")
        table.add_row(row["run"], f"{rate:,.0f}", f"{faster:.2f}", f"{peak:,.0f}", *counts)
    console = Console()
    console.print(table)
    console.print(
        f"useful operations: {result['useful_gflops']:.0f} of {result['gemm_gflops']:.0f} GFLOP/s "
        f"({result['useful_share']:.0%})\n"
        f"decoding: {result['decoding_share']['argmax']:.1%} of the time (argmax), "
        f"{result['decoding_share']['viterbi']:.1%} (Viterbi and marginals)\n"
        f"strict F1: {100 * result['float32_f1']:.2f} in float32, {100 * result['int8_f1']:.2f} in 8 bits\n"
        f"other batches, order and threads: {result['stability']}",
        highlight=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--split", type=Path, help="take the documents from the dev part of this split")
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--characters", type=int, default=1500, help="of each document; 0 for all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.corpus, options.child, options.threads)))
        return
    if options.model and not options.memory:
        require_known(options.model)
    with tempfile.TemporaryDirectory() as folder:
        if options.memory:
            result: Any = memory(options, Path(folder))
            print(json.dumps(result, indent=2))
        else:
            result = compare(options, Path(folder))
            show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
