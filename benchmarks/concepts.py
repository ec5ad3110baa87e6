"""Link the mentions of a corpus to concepts: figures by reason, and a sample of merges to judge.

The sample holds text of the corpus: write it where it stays private.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections import Counter
from pathlib import Path

from suwen.concepts.linking import ABBREVIATION, ConceptLinker, Linking
from suwen.concepts.normalization import normalize
from suwen.concepts.terminologies import read_terminology
from suwen.formats import read_corpus

SAMPLE = 300


def figures(linking: Linking, seconds: float) -> dict[str, object]:
    """Return the merges and their reasons."""
    links = [link for links in linking.links.values() for link in links]
    concepts = linking.concepts.values()
    surfaces = {(link.entity.label, link.surface) for link in links}
    diseases = [link for link in links if link.entity.label == "Disease"]
    return {
        "mentions": len(links),
        "pairs of type and surface": len(surfaces),
        "after normalization": len({(label, normalize(surface)) for label, surface in surfaces}),
        "concepts": len(linking.concepts),
        "merged pairs by reason": Counter(
            alias.reason for concept in concepts for alias in concept.aliases if alias.surface != concept.name
        ),
        "mentions with an abbreviation resolved": sum(link.reason == ABBREVIATION for link in links) / len(links),
        "mentions by source": Counter(link.source for link in links if link.source),
        "short forms of the library": len(linking.agreed),
        "diseases with a code": sum(bool(link.codes) for link in diseases) / max(len(diseases), 1),
        "seconds": round(seconds, 1),
    }


def write_sample(linking: Linking, path: Path, seed: int) -> None:
    """Write merged pairs, drawn at random, with an empty column for the verdict."""
    merged = [
        (concept.label, concept.name, alias.surface, alias.reason, alias.source, alias.count, "")
        for concept in linking.concepts.values()
        for alias in concept.aliases
        if alias.surface != concept.name
    ]
    rows = random.Random(seed).sample(merged, min(SAMPLE, len(merged)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["type", "name", "surface", "reason", "source", "mentions", "verdict"])
        writer.writerows(rows)


def main() -> None:
    """Read the command line, link, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--codes", type=Path, action="append", default=[], help="a terminology (TSV)")
    parser.add_argument("--sample", type=Path, help="where to write merges to judge")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    documents = read_corpus(options.corpus)
    linker = ConceptLinker([read_terminology(path) for path in options.codes])
    started = time.process_time()
    linking = linker.link(documents)
    print(json.dumps(figures(linking, time.process_time() - started), ensure_ascii=False, indent=1))
    if options.sample:
        write_sample(linking, options.sample, options.seed)


if __name__ == "__main__":
    main()
