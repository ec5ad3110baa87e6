"""Score the assertion rules on the cases of ``benchmarks/cases/assertion``: macro F1 of negated and hypothetical."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from suwen.concepts.assertion import assertions
from suwen.document import Document, Entity

CASES = Path(__file__).parent / "cases" / "assertion"
HALVES = {name: CASES / f"{name}.jsonl" for name in ("open", "locked", "inside-open", "inside-locked")}
CLASSES = ("negated", "hypothetical")


def documents(path: Path):
    """Return each case as a document, with the right answer for its entities."""
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        entities = tuple(Entity(row["label"], row["start"], row["end"]) for row in case["entities"])
        yield case["kind"], Document(case["id"], case["text"], entities), case["entities"]


def score(path: Path) -> dict[str, float]:
    """Return the F1 of each class, their micro average, and the share of cues found among the right ones."""
    right, found, wanted = Counter(), Counter(), Counter()
    cues = 0
    for _, document, expected in documents(path):
        for row, assertion in zip(expected, assertions(document), strict=True):
            found[assertion.value] += 1
            wanted[row["assertion"]] += 1
            if assertion.value == row["assertion"]:
                right[assertion.value] += 1
                if assertion.cue:
                    cues += max(assertion.cue[0], row["cue"][0]) < min(assertion.cue[1], row["cue"][1])
    f1 = {name: 2 * right[name] / max(found[name] + wanted[name], 1) for name in (*CLASSES, "affirmed")}
    both = [sum(counts[name] for name in CLASSES) for counts in (right, found, wanted)]
    f1["marked"] = 2 * both[0] / max(both[1] + both[2], 1)
    return {**f1, "cues": cues / max(both[0], 1)}


def main(halves: list[str]) -> None:
    """Print the figures of the halves: all by default."""
    for half in halves or list(HALVES):
        figures = score(HALVES[half])
        print(half, *(f"{name} {100 * value:.1f}" for name, value in figures.items()), sep="  ")


if __name__ == "__main__":
    main(sys.argv[1:])
