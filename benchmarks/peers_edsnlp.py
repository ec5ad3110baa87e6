"""EDS-NLP for `peers.py`: its tutorial's NER (a CRF over a CNN over a transformer), on a small BERT of random weights.

python peers_edsnlp.py train FOLDER MINUTES
python peers_edsnlp.py predict FOLDER MINUTES
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from peers_common import Measured, read_passages, size_of, write_found

os.environ.setdefault("OMP_NUM_THREADS", "1")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SIZES = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
"""Sizes of suwen's encoder; on one thread a larger one would learn less in the same time."""
RATE = 1e-3
STEPS, INTERVAL = 100_000, 200
EVERY = 4
"""One dev passage in so many decides which model is kept; all of them would take longer than the steps between."""


def random_bert(runs: Path, folder: Path) -> None:
    """Write a BERT with random weights and the characters of the training texts."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    counts = Counter(character for passage in read_passages(runs / "train.jsonl") for character in passage["text"])
    tokens = [*SPECIAL, *(character for character, count in counts.items() if count > 1 and not character.isspace())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(tokens), **SIZES)).save_pretrained(folder)


def documents(nlp, path: Path) -> list:
    """Passages as documents with their gold spans."""
    docs = []
    for passage in read_passages(path):
        doc = nlp.make_doc(passage["text"])
        spans = [doc.char_span(start, end, label=label) for start, end, label in passage["entities"]]
        doc.spans["gold_spans"] = [span for span in spans if span is not None]
        docs.append(doc)
    return docs


class OutOfTimeError(Exception):
    """Ends a training that has no time limit of its own."""


def found_in(nlp, texts: list[str]) -> list[set[tuple[int, int, str]]]:
    """Return the entities that a pipeline finds in texts without annotations."""
    return [{(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents} for doc in nlp.pipe(texts)]


def strict_f1(nlp, passages: list[dict]) -> float:
    """Strict micro-F1, scored here: the library's own scorer, told to keep models too, let the annotations through."""
    nlp.train(False)
    found = found_in(nlp, [passage["text"] for passage in passages])
    nlp.train(True)
    gold = [{(start, end, label) for start, end, label in passage["entities"]} for passage in passages]
    right = sum(len(ours & theirs) for ours, theirs in zip(gold, found, strict=True))
    return 2 * right / max(1, sum(map(len, gold)) + sum(map(len, found)))


def train(runs: Path, minutes: float) -> None:
    """Train until the processor's time is over; of the models that were scored on the dev part the best is kept."""
    import edsnlp
    import edsnlp.pipes as eds
    import torch
    from edsnlp.training import ScheduledOptimizer, TrainingData
    from edsnlp.training import train as train_pipeline

    folder = runs / "edsnlp"
    random_bert(runs, folder / "bert")
    nlp = edsnlp.blank("zh")
    transformer = eds.transformer(model=str(folder / "bert"), window=128, stride=96)
    embedding = eds.text_cnn(kernel_sizes=[3], embedding=transformer)
    nlp.add_pipe(
        eds.ner_crf(
            mode="joint",
            target_span_getter="gold_spans",
            span_setter=["ents", "*"],
            infer_span_setter=True,
            embedding=embedding,
        ),
        name="ner",
    )
    dev = read_passages(runs / "dev.jsonl")[::EVERY]
    best, begun = -1.0, time.process_time()

    def keep_best(*_: object) -> dict[str, float]:
        nonlocal best
        score = strict_f1(nlp, dev)
        print(f"{(time.process_time() - begun) / 60:5.1f} minutes: dev F1 {score:.4f}", flush=True)
        if score > best:
            best = score
            shutil.rmtree(folder / "model", ignore_errors=True)
            nlp.to_disk(folder / "model")
        if time.process_time() - begun > 60 * minutes:
            raise OutOfTimeError
        return {"f": score}

    rate = {"@schedules": "linear", "warmup_rate": 0.0, "start_value": RATE, "max_value": RATE}
    try:
        train_pipeline(
            nlp=nlp,
            max_steps=STEPS,
            validation_interval=INTERVAL,
            train_data=TrainingData(
                data=edsnlp.data.from_iterable(documents(nlp, runs / "train.jsonl")),
                batch_size="4096 tokens",
                pipe_names=["ner"],
                shuffle="dataset",
            ),
            val_data=edsnlp.data.from_iterable(documents(nlp, runs / "dev.jsonl")[:1]),
            scorer={"ner": keep_best},
            optimizer=ScheduledOptimizer(
                optim=torch.optim.AdamW, module=nlp, total_steps=STEPS, groups={".*": {"lr": rate}}
            ),
            grad_max_norm=1.0,
            output_dir=str(folder / "artifacts"),
            num_workers=0,
            cpu=True,
        )
    except OutOfTimeError:
        print(f"the time is over: the best model so far is kept, dev F1 {best:.4f}")
    figures = {"seconds": time.process_time() - begun, "bytes": size_of(folder / "model")}
    (folder / "trained.json").write_text(json.dumps(figures), encoding="utf-8")


def predict(runs: Path) -> None:
    """Find the entities of the test part."""
    import edsnlp

    nlp = edsnlp.load(runs / "edsnlp" / "model")
    texts = [passage["text"] for passage in read_passages(runs / "test.jsonl")]
    with Measured(runs / "edsnlp", sum(map(len, texts))):
        found = [sorted(spans) for spans in found_in(nlp, texts)]
    write_found(runs / "edsnlp" / "found.jsonl", found)


if __name__ == "__main__":
    step, folder, limit = sys.argv[1:]
    train(Path(folder), float(limit)) if step == "train" else predict(Path(folder))
