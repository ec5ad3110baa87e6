"""Lists and records made of training sentences: short lines, as forms have them and articles do not."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
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
from suwen.training.config import OptimizationConfig

__all__ = ["as_lists", "as_records", "encode_lists"]

SEPARATORS = frozenset("、，,；;：:")
ENDS = frozenset("。！？!?")
CLAUSE_ENDS = re.compile(r"[，,；;：:。！？!?\n]")
LEAST_ITEMS = 3
LEAST_MENTIONS = 2
LINKS = (" ", " ", "：", "  ")
"""Separators that take the place of a few words between two entities."""
LONGEST_LINK, LONGEST_LINE = 4, 16
"""Characters of the words that a link replaces, and of a clause that stays as a line."""


def encode_lists(
    selections: Sequence[Selection], start: TaggerParts, config: OptimizationConfig, seed: int
) -> list[Example]:
    """Cut lists and records made of training sentences into windows with tags.

    Parameters
    ----------
    config
        The shares of the sentences that become lists and records.
    seed
        The seed of the draws; each document has its own.

    Raises
    ------
    SuwenError
        S402 for an encoder that reads sub-words.
    """
    shares = {"lists": config.lists, "records": config.records}
    wanted = [key for key, share in shares.items() if share]
    if not wanted:
        return []
    settings = start.settings
    if start.featurizer.subwords:
        reason = "the encoder reads sub-words, not characters"
        raise SuwenError("S402", key=f"optimization.{wanted[0]}", reason=reason)
    scheme = scheme_named(settings.scheme)
    examples: list[Example] = []

    def learn(gold: Sequence[Entity], prepared: Prepared) -> None:
        examples.extend(encode_gold(gold, prepared, start.featurizer, scheme, settings.schema.labels)[0])

    for number, selection in enumerate(selections):
        prepared = prepare(selection.document.text, settings.view, settings.windows, selection.spans)
        draw = np.random.default_rng((seed, number))
        lists = as_lists(prepared, selection.gold, settings.windows, config.lists, draw)
        if lists is not None:
            learn(selection.gold, lists)
        text, mentions = as_records(prepared, selection.gold, config.records, draw)
        learn(mentions, prepare(text, settings.view, replace(settings.windows, context=0)))
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


def as_records(prepared: Prepared, gold: Sequence[Entity], share: float, draw: Generator) -> tuple[str, list[Entity]]:
    """Write some sentences with at least two entities as records: a space or a colon takes the place of a few words.

    ``空腹血糖为7.8 mmol/L`` becomes ``空腹血糖 7.8 mmol/L``. Entities that are farther apart stand on lines of their
    own, and so do short clauses without one: not all of a form is an entity.

    Returns
    -------
    tuple[str, list[Entity]]
        The text of the records, an empty line between two, and its entities.
    """
    spans = [(prepared.view.to_view(entity.start, entity.end), entity.label) for entity in gold]
    found = sorted((*span, label) for span, label in spans if span is not None)
    starts = [start for start, _, _ in found]
    text = ""
    entities: list[Entity] = []
    for begin, end in prepared.sentences:
        inside = found[bisect_left(starts, begin) : bisect_left(starts, end)]
        ends = [begin, *(stop for _, stop, _ in inside)]
        apart = all(before <= start for before, (start, _, _) in zip(ends, inside, strict=False)) and ends[-1] <= end
        if len(inside) < LEAST_MENTIONS or not apart or draw.random() >= share:
            continue
        for number, (before, (start, stop, label)) in enumerate(zip(ends, inside, strict=False)):
            text += _between(prepared.view.text[before:start], number == 0, draw)
            entities.append(Entity(label, len(text), len(text) + stop - start))
            text += prepared.view.text[start:stop]
        text += "\n\n"
    return text, entities


def _between(words: str, first: bool, draw: Generator) -> str:
    """Return what a record has in the place of the words before an entity."""
    if not first and len(words) <= LONGEST_LINK:
        return words if words and words in SEPARATORS else str(draw.choice(LINKS))
    # The first and the last piece belong to the clauses of the entities beside them.
    clauses = [clause.strip() for clause in CLAUSE_ENDS.split(words)[1:-1]]
    lines = [clause for clause in clauses if clause and len(clause) <= LONGEST_LINE]
    return "".join(f"{line}\n" for line in ([] if first else [""]) + lines)
