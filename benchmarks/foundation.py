"""The foundation's results: two early systems, a BiLSTM-CRF and a small BERT, on three kinds of split.

    python benchmarks/foundation.py CORPUS --runs FOLDER [-o docs/results/foundation]

Every step is the command line that a user would type, so that each figure can be had again one by one. Steps whose
output is there are not repeated. What is written to the results folder are figures and manifests, never text.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from runs import make_split, markdown, percent, replace_table, score, train

from suwen.files import read_json, write_json

UNITS = ("sentence", "document", "group")
PARTS = ("dev", "test")
MODELS = {
    "dictionary": ["--encoder", "dictionary"],
    "feature-crf": ["--encoder", "feature-crf", "--set", "iterations=40"],
    # Everything on the best path counts, whatever its confidence.
    "bilstm-crf": ["--encoder", "bilstm", "--set", "confidence.least=0"],
    "bert-random-crf": [
        *("--encoder", "transformer", "--set", "encoder.layers=2", "--set", "encoder.hidden=128"),
        *("--set", "encoder.dropout=0.1", "--set", "head.dropout=0.1", "--set", "encoder.masking=0"),
        *("--set", "confidence.least=0"),
        *("--set", "optimization.learning_rate=1e-3", "--set", "optimization.warmup=0.1"),
        *("--set", "optimization.epochs=4", "--set", "inputs.length=128", "--set", "inputs.pack=104"),
        *("--set", "inputs.context=12", "--set", "inputs.overlap=32"),
    ],
}
COLUMNS = (
    "model", "split", "strict P", "strict R", "**strict F1**", "95 % interval", "dev F1", "seen R", "unseen R",
    "overlap F1", "type-blind F1", "token F1 (no O)", "tag accuracy (with O)", "minutes",
)  # fmt: skip
# Keys of a model's manifest that describe the machine's folders rather than the run.
DROPPED = ("files",)


def collect(runs: Path, output: Path) -> list[dict]:
    """Copy manifests and scores into the results folder; returns one row per model and split."""
    rows = []
    for name in MODELS:
        for unit in UNITS:
            model = runs / f"{name}-{unit}"
            if not all((runs / f"{name}-{unit}.{part}.json").exists() for part in PARTS):
                continue
            manifest = {key: value for key, value in read_json(model / "manifest.json").items() if key not in DROPPED}
            scores = {part: read_json(runs / f"{name}-{unit}.{part}.json") for part in PARTS}
            for part in PARTS:
                scores[part].pop("model", None)
            write_json(output / f"{name}-{unit}.json", {"manifest": manifest, "scores": scores})
            rows.append({"name": name, "unit": unit, "manifest": manifest, **scores})
    return rows


def table(rows: list[dict]) -> str:
    lines: list[tuple[str, ...]] = []
    for row in rows:
        test, micro = row["test"], row["test"]["strict_entity"]["micro"]
        interval, familiar = test["strict_entity_micro_f1_interval"], test["strict_entity_by_familiarity"]
        seconds = row["manifest"].get("training", {}).get("seconds")
        cells = (
            row["name"],
            row["unit"],
            percent(micro["precision"]),
            percent(micro["recall"]),
            f"**{percent(micro['f1'])}**",
            f"{percent(interval['low'])} – {percent(interval['high'])}",
            percent(row["dev"]["strict_entity"]["micro"]["f1"]),
            percent(familiar["seen"]["recall"]),
            percent(familiar["unseen"]["recall"]),
            percent(test["overlap_entity"]["f1"]),
            percent(test["type_blind_strict_entity"]["f1"]),
            percent(test["token_without_o"]["f1"]),
            percent(test["tag_accuracy_with_o"]),
            "–" if seconds is None else f"{seconds / 60:.1f}",
        )
        lines.append(cells)
    return markdown(COLUMNS, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=Path, required=True, help="where splits and models are kept")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results/foundation"))
    parser.add_argument("--collect", action="store_true", help="only gather what is there")
    options = parser.parse_args()
    if not options.collect:
        for name in MODELS:
            for unit in UNITS:
                split, model = options.runs / f"split-{unit}.json", options.runs / f"{name}-{unit}"
                make_split(options.corpus, split, unit)
                train(options.corpus, split, model, MODELS[name])
                for part in PARTS:
                    score(options.corpus, split, model, part)
    rows = collect(options.runs, options.output)
    replace_table(options.output / "README.md", table(rows))
    print(json.dumps({f"{row['name']}-{row['unit']}": row["test"]["strict_entity"]["micro"]["f1"] for row in rows}))


if __name__ == "__main__":
    main()
