"""Records of runs: figures, and the counts of each scored document, for comparing runs.

So a table can be gathered from runs that were made on several machines, or whose models are gone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from suwen.corpus.split import Selection
from suwen.evaluation.significance import compare_counts
from suwen.evaluation.strict import StrictCounts, pair_documents, strict_counts
from suwen.files import read_json, read_text, write_text
from suwen.formats import read_corpus

Record = dict[str, Any]
MEASURES = ("f1", "precision", "recall")


class Records:
    """The records in a file, a line each, by the name of the run.

    Parameters
    ----------
    path
        The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = read_text(path).splitlines() if path.exists() else []
        self._records: dict[str, Record] = {record["run"]: record for record in map(json.loads, lines)}

    def add(self, record: Record) -> None:
        """Put a record in, instead of one of the same run."""
        self._records[record["run"]] = record

    def beyond(self, names: Collection[str]) -> list[str]:
        """Return the names of the records that are not among these."""
        return sorted(self._records.keys() - names)

    def of(self, names: Mapping[int, str]) -> dict[int, Record]:
        """Return the existing records of these runs, by seed."""
        return {seed: self._records[name] for seed, name in names.items() if name in self._records}

    def write(self) -> None:
        """Write all records, in the order of their names."""
        lines = (json.dumps(self._records[name], ensure_ascii=False) for name in sorted(self._records))
        write_text(self.path, "".join(f"{line}\n" for line in lines))


def record_of(model: Path, seed: int, part: str, selections: Sequence[Selection]) -> Record:
    """Return the record of a model that was scored with `runs.score`."""
    scores = read_json(model.with_name(f"{model.name}.{part}.json"))
    predictions = read_corpus(model.with_name(f"{model.name}.{part}.jsonl"))
    manifest = read_json(model / "manifest.json")
    micro = scores["strict_entity"]["micro"]
    counts = strict_counts(pair_documents(selections, predictions)).counts.sum(axis=1)
    if counts.sum(axis=0).tolist() != [micro[name] for name in ("matched", "gold", "predicted")]:
        sys.exit(f"{model.name}: figures and predictions are not of the same run; remove both")
    return {
        "run": model.name,
        "seed": seed,
        **{measure: micro[measure] for measure in MEASURES},
        "unseen_recall": scores["strict_entity_by_familiarity"]["unseen"]["recall"],
        "dev_f1": manifest["scores"]["dev"]["f1"] if manifest["scores"] else None,
        "documents": manifest["data"]["train"]["documents"],
        "entities": manifest["data"]["train"]["entities"],
        "steps": manifest["training"]["steps"],
        "seconds": manifest["training"]["seconds"],
        "configuration": manifest["configuration"] | {"seed": None},
        "versions": manifest["versions"],
        "matched_gold_predicted": counts.tolist(),
    }


def comparison(ours: Mapping[int, Record], theirs: Mapping[int, Record]) -> dict[str, Any] | None:
    """Two systems compared on the seeds that both have; None if there is none.

    Runs that were scored on other documents, as after a change of the corpus or its split, end the program.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return None
    gold = {str([unit[1] for unit in one[seed]["matched_gold_predicted"]]) for one in (ours, theirs) for seed in seeds}
    if len(gold) > 1:
        names = ", ".join(one[seed]["run"] for one in (ours, theirs) for seed in seeds)
        sys.exit(f"not scored on the same documents: {names}; remove those of another corpus or split from runs.jsonl")
    compared = compare_counts(*(_counts(one[seed] for seed in seeds) for one in (ours, theirs)))
    return {
        "seeds": seeds,
        "difference": fmean(ours[seed]["f1"] - theirs[seed]["f1"] for seed in seeds),
        "p_value": compared.p_value,
        "interval": compared.interval and compared.interval.to_dict(),
    }


def _counts(records: Iterable[Record]) -> StrictCounts:
    """Return the counts of several runs, over all types."""
    summed = sum(np.array(record["matched_gold_predicted"], np.int64) for record in records)
    return StrictCounts(("all",), summed[:, None])
