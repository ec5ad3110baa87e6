"""spaCy for `peers.py`: its quickstart configuration for Chinese, which reads characters, in its size for CPUs.

In the size that it offers for accuracy (width 256, depth 8) it had gone through 200 steps in eleven minutes, and found
nearly nothing; it is meant to have vectors too, and there are none for characters.

python peers_spacy.py train FOLDER MINUTES
python peers_spacy.py predict FOLDER MINUTES
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from peers_common import Measured, read_passages, size_of, write_found

os.environ.setdefault("OMP_NUM_THREADS", "1")
BATCH = 64


def convert(source: Path, target: Path) -> None:
    """Passages as spaCy's own training files."""
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.blank("zh")
    docs = []
    for passage in read_passages(source):
        doc = nlp.make_doc(passage["text"])
        spans = [doc.char_span(start, end, label=label) for start, end, label in passage["entities"]]
        doc.set_ents([span for span in spans if span is not None])
        docs.append(doc)
    DocBin(docs=docs, store_user_data=False).to_disk(target)


def busy() -> float:
    """Return the processor's seconds of the processes that this one has started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def train(runs: Path, minutes: float) -> None:
    """Train with spaCy's command line until it stops by itself or the time is over; the best so far is kept.

    The time is the processor's, whatever else runs on the machine.
    """
    folder = runs / "spacy"
    folder.mkdir(exist_ok=True)
    for part in ("train", "dev"):
        convert(runs / f"{part}.jsonl", folder / f"{part}.spacy")
    spacy = [sys.executable, "-m", "spacy"]
    config = folder / "config.cfg"
    quickstart = ["--lang", "zh", "--pipeline", "ner", "--optimize", "efficiency", "--force"]
    subprocess.run([*spacy, "init", "config", config, *quickstart], check=True)
    paths = ["--paths.train", folder / "train.spacy", "--paths.dev", folder / "dev.spacy"]
    # Its 1,000 passages at once are many gigabytes when the dev part is scored.
    batch = ["--nlp.batch_size", str(BATCH)]
    begun = busy()
    command = [*spacy, "train", config, "--output", folder / "model", *paths, *batch]
    limit = round(60 * minutes)
    status = subprocess.run(
        command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 60))
    ).returncode
    if status == -signal.SIGXCPU:
        print("the time is over: the best model so far is kept")
    elif status:
        sys.exit(status)
    if not (folder / "model" / "model-best").exists():
        sys.exit("spaCy has not scored a model yet: give it more minutes")
    seconds, size = busy() - begun, size_of(folder / "model" / "model-best")
    (folder / "trained.json").write_text(json.dumps({"seconds": seconds, "bytes": size}), encoding="utf-8")


def predict(runs: Path) -> None:
    """Find the entities of the test part."""
    import spacy

    nlp = spacy.load(runs / "spacy" / "model" / "model-best")
    texts = [passage["text"] for passage in read_passages(runs / "test.jsonl")]
    with Measured(runs / "spacy", sum(map(len, texts))):
        docs = nlp.pipe(texts, batch_size=BATCH)
        found = [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs]
    write_found(runs / "spacy" / "found.jsonl", found)


if __name__ == "__main__":
    step, folder, limit = sys.argv[1:]
    train(Path(folder), float(limit)) if step == "train" else predict(Path(folder))
