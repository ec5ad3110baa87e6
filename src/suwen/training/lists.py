"""Lists made of training sentences: one item a line, as records and forms have them and articles do not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from suwen.corpus.split import Selection
from suwen.document import Entity
from suwen.errors import SuwenError
from suwen.schemes import scheme_named
from suwen.tagging.encode import Example, Prepared, encode_gold, prepare
from suwen.text.sentences import split_sentences
from suwen.text.windows import WindowRules, make_blocks
from suwen.training.build import TaggerParts

__all__ = ["as_lists", "encode_lists"]

SEPARATORS = frozenset("、，,；;：:")
ENDS = frozenset("。！？!?")
LEAST_ITEMS = 3


def encode_lists(selections: Sequence[Selection], start: TaggerParts, share: float, seed: int) -> list[Example]:
    """Cut lists made of a share of the training sentences into windows with tags.

    Parameters
    ----------
    share
        The probability that a sentence with at least three items becomes a list.
    seed
        The seed of the draws; each document has its own.

    Raises
    ------
    SuwenError
        S402 for an encoder that reads sub-words.
    """
    settings = start.settings
    if start.featurizer.subwords:
        raise SuwenError("S402", key="optimization.lists", reason="the encoder reads sub-words, not characters")
    scheme = scheme_named(settings.scheme)
    examples: list[Example] = []
    for number, selection in enumerate(selections):
        prepared = prepare(selection.document.text, settings.view, settings.windows, selection.spans)
        draw = np.random.default_rng((seed, number))
        lists = as_lists(prepared, selection.gold, settings.windows, share, draw)
        if lists is not None:
            examples += encode_gold(selection.gold, lists, start.featurizer, scheme, settings.schema.labels)[0]
    return examples


def as_lists(
    prepared: Prepared, gold: Sequence[Entity], rules: WindowRules, share: float, draw: Generator
) -> Prepared | None:
    """Turn some sentences of a text into lists: what separates their items becomes a line break.

    Offsets stay, because each separator is one character. Separators inside entities stay too.

    Returns
    -------
    Prepared | None
        The lists alone, in blocks; None when no sentence became one.
    """
    text = list(prepared.view.text)
    inside = np.zeros(len(text), bool)
    for entity in gold:
        span = prepared.view.to_view(entity.start, entity.end)
        if span is not None:
            inside[slice(*span)] = True
    chosen = []
    for begin, end in prepared.sentences:
        breaks = [i for i in range(begin, end) if text[i] in SEPARATORS and not inside[i]]
        if len(breaks) < LEAST_ITEMS - 1 or draw.random() >= share:
            continue
        # Remove the full stop at the end: items of a list have none.
        breaks += [i for i in range(end - 1, end) if text[i] in ENDS and not inside[i]]
        for i in breaks:
            text[i] = "\n"
        chosen.append((begin, end))
    if not chosen:
        return None
    view = replace(prepared.view, text="".join(text))
    items = list(_within(split_sentences(view), chosen))
    return Prepared(view, items, make_blocks(items, len(view.text), replace(rules, context=0)))


def _within(items: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the items that lie in one of the spans; both are sorted and disjoint."""
    ends = [end for _, end in spans]
    for begin, end in items:
        place = bisect_right(ends, begin)
        if place < len(spans) and spans[place][0] <= begin and end <= spans[place][1]:
            yield begin, end
