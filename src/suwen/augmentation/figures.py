"""Figures and sample sentences of an augmentation."""

from __future__ import annotations

import hashlib
import heapq
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.edits import Edit, Moves, Recipe, derived
from suwen.augmentation.generation import Augmentation
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection
from suwen.document import Document, Span, join_pieces
from suwen.pages.page import LINE_GAP

if TYPE_CHECKING:
    from suwen.augmentation.masked_lm import MaskedLanguageModel

__all__ = ["Figures", "SentencePair", "measure"]

TOP = 50
LONGEST = 200
"""Maximum characters of a sample: the pseudo-perplexity needs a pass of the model for each character."""


@dataclass(frozen=True)
class SentencePair:
    """A sentence before and after.

    Parameters
    ----------
    recipe
        How its document was made.
    original, generated
        The documents, both in full.
    old, new
        Where the sentence is in each.
    edits
        Its edits.
    """

    recipe: Recipe
    original: Document
    generated: Document
    old: Span
    new: Span
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Figures:
    """The figures of an augmentation.

    Parameters
    ----------
    documents
        How many originals there were, how many documents were generated, failed, or were removed as near-copies.
    counts
        The counts, by method.
    rates
        Shares in [0, 1]: of the characters that were replaced, of the words (where words were cut), of the sentences
        with an edit.
    perplexity
        ``before``, ``after``, and the number of ``sentences`` and ``characters`` they are of; None without a model.
    substitutions
        The most frequent ones, as old word, new word and how often.
    samples
        Some sentences.
    """

    documents: dict[str, int]
    counts: Counter[str]
    rates: dict[str, float]
    perplexity: dict[str, float] | None
    substitutions: list[tuple[str, str, int]]
    samples: list[SentencePair]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values, without the samples."""
        return {
            "documents": self.documents,
            "counts": dict(sorted(self.counts.items())),
            "rates": self.rates,
            "perplexity": self.perplexity,
            "substitutions": [list(row) for row in self.substitutions],
        }


def measure(
    augmentation: Augmentation,
    selections: Sequence[Selection],
    config: AugmentationConfig,
    model: MaskedLanguageModel | None = None,
) -> Figures:
    """Measure an augmentation.

    Parameters
    ----------
    selections
        The augmented documents.
    model
        What takes the pseudo-perplexity of some edited sentences; None leaves it out.
    """
    originals = {selection.document.id: selection.document for selection in selections}
    replaced: dict[tuple[str, int], tuple[str, str]] = {}
    characters = changed = sentences = edited = word_count = 0
    for recipe in augmentation.recipes:
        source = originals[recipe.source]
        spans = recipe.spans or [(0, len(source.text))]
        characters += sum(end - start for start, end in spans)
        changed += sum(edit.end - edit.start for edit in recipe.edits)
        starts = [start for start, _ in sentence_spans(source.text)]
        sentences += sum(any(begin <= start < end for begin, end in spans) for start in starts)
        edited += len({bisect_right(starts, edit.start) for edit in recipe.edits})
        for number, group in groupby(recipe.edits, key=lambda edit: edit.word):
            parts = list(group)
            word_count += parts[0].method != "mention"
            old, new = zip(*((edit.old, edit.new) for edit in parts), strict=True)
            replaced[recipe.id, number] = join_pieces(list(old)), join_pieces(list(new))
    words = max(augmentation.counts[f"{method}: words"] for method in config.methods)
    rates = {"characters": _share(changed, characters), "sentences": _share(edited, sentences)}
    if words:
        rates["words"] = _share(word_count, words)
    pairs = _pairs(augmentation, originals, config.seed)
    wanted = max(config.report.samples, config.report.perplexity if model else 0)
    chosen = [pair for _, pair in heapq.nsmallest(wanted, pairs, key=lambda pair: pair[0])]
    top = Counter(replaced.values())
    return Figures(
        {
            "originals": len(originals),
            "generated": len(augmentation.documents),
            "failed": len(augmentation.failures),
            "near_copies_removed": len(augmentation.near_copies),
        },
        augmentation.counts,
        rates,
        _perplexity(model, chosen[: config.report.perplexity]) if model else None,
        [(old, new, n) for (old, new), n in sorted(top.items(), key=lambda row: (-row[1], row[0]))[:TOP]],
        sorted(chosen[: config.report.samples], key=lambda pair: (pair.recipe.source, pair.old, pair.recipe.copy)),
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def _pairs(
    augmentation: Augmentation, originals: Mapping[str, Document], seed: int
) -> Iterator[tuple[bytes, SentencePair]]:
    """Yield the edited sentences, each with a random key that depends on itself alone."""
    for recipe in augmentation.recipes:
        if not recipe.edits:
            continue
        source = originals[recipe.source]
        spans = sentence_spans(source.text)
        starts = [start for start, _ in spans]
        by_sentence: defaultdict[int, list[Edit]] = defaultdict(list)
        for edit in recipe.edits:
            by_sentence[bisect_right(starts, edit.start) - 1].append(edit)
        moves = Moves(recipe.edits)
        generated = derived(source, replace(recipe, spans=None))
        for index, edits in by_sentence.items():
            start, end = spans[index]
            if end - start <= LONGEST:
                key = hashlib.sha256(f"{seed}/{recipe.id}/{start}".encode()).digest()
                new = moves(start), moves(end)
                yield key, SentencePair(recipe, source, generated, (start, end), new, tuple(edits))


def _perplexity(model: MaskedLanguageModel, pairs: Iterable[SentencePair]) -> dict[str, float] | None:
    """Return the pseudo-perplexity (Salazar et al., 2020) of sentences before and after."""
    totals = [0.0, 0.0]
    counts = [0, 0]
    number = 0
    for pair in pairs:
        number += 1
        sides = (pair.original.text[slice(*pair.old)], pair.generated.text[slice(*pair.new)])
        for side, text in enumerate(sides):
            total, count = model.log_probability(join_pieces(LINE_GAP.split(text)).strip())
            totals[side] += total
            counts[side] += count
    if not all(counts):
        return None
    before, after = (round(math.exp(-total / count), 2) for total, count in zip(totals, counts, strict=True))
    return {"before": before, "after": after, "sentences": number, "characters": counts[0]}
