"""All scores of one prediction: strict entities first, then less strict measures, each under its own name.

The views are not comparable with one another. Token-level F1 lies well above strict entity F1 on the same predictions,
and tag accuracy, which counts the many O tags, above both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.document import Entity, Span
from suwen.evaluation.reliability import Reliability, reliability
from suwen.evaluation.significance import Interval, bootstrap_interval
from suwen.evaluation.strict import Key, Pair, Score, StrictScores, pair_documents, strict_counts, strict_scores
from suwen.schemes import flatten

if TYPE_CHECKING:
    from suwen.corpus.split import Selection

__all__ = [
    "Pair",
    "Score",
    "Scores",
    "StrictScores",
    "TokenScores",
    "TrainingMentions",
    "familiarity",
    "match_overlapping",
    "overlap_score",
    "pair_documents",
    "score_selections",
    "strict_scores",
    "surface",
    "training_mentions",
]

TrainingMentions = Mapping[str, Collection[str]]
"""For each surface of the training part, the labels that it has there."""
FAMILIARITIES = ("seen", "seen_with_another_type", "unseen")
# White space by code point, up to the first after the last one (U+3000): a table is quicker than asking each character.
WHITE_SPACE = np.array([chr(point).isspace() for point in range(0x3002)])


@dataclass(frozen=True, slots=True)
class TokenScores:
    """The view by character: BIO tags over the characters that are not white space.

    A character has one tag, so nested and overlapping mentions are flattened first (see `suwen.schemes.flatten`).
    """

    without_o: Score
    """Full tags (``B-Drug`` and ``I-Drug`` are two), micro-averaged over all but O."""
    equal_tags: int
    characters: int
    flattened_gold: int
    """Gold mentions that the flat tags cannot show."""
    flattened_predicted: int

    @property
    def accuracy(self) -> float:
        """The share of characters with the right tag, O included."""
        return self.equal_tags / self.characters if self.characters else 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Every view of a prediction; `strict` is the one to quote."""

    documents: int
    strict: StrictScores
    strict_f1_interval: Interval | None
    """The interval of strict micro-F1; None for a single document."""
    overlap: Score
    """Same label, at least one character in common, one to one."""
    type_blind_strict: Score
    """Same hull, whatever the label; a hull with two labels counts once."""
    type_blind_overlap: Score
    """At least one character in common, one to one, whatever the label."""
    tokens: TokenScores
    by_familiarity: Mapping[str, Score] | None
    """Strict, by whether the training part has the mention: see `familiarity`; None where training is not known."""
    reliability: Reliability | None
    """The reliability of the confidences; None if the predictions have none."""

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values, under names that cannot be mistaken for one another."""
        seen = self.by_familiarity
        return {
            "documents": self.documents,
            "strict_entity": self.strict.to_dict(),
            "strict_entity_micro_f1_interval": self.strict_f1_interval and self.strict_f1_interval.to_dict(),
            "strict_entity_by_familiarity": seen and {name: score.to_dict() for name, score in seen.items()},
            "overlap_entity": self.overlap.to_dict(),
            "type_blind_strict_entity": self.type_blind_strict.to_dict(),
            "type_blind_overlap_entity": self.type_blind_overlap.to_dict(),
            "token_without_o": self.tokens.without_o.to_dict(),
            "tag_accuracy_with_o": self.tokens.accuracy,
            "token_characters": self.tokens.characters,
            "token_flattened_gold_entities": self.tokens.flattened_gold,
            "token_flattened_predicted_entities": self.tokens.flattened_predicted,
            "reliability": self.reliability and self.reliability.to_dict(),
        }


def score_selections(
    pairs: Sequence[Pair], training: TrainingMentions | None = None, resamples: int = 1_000, seed: int = 0
) -> Scores:
    """Score predictions in every view.

    Parameters
    ----------
    pairs
        The documents of one part with their predictions.
    training
        Training documents, to tell seen mentions from unseen ones (see `training_mentions`).
    resamples, seed
        Of the bootstrap interval.
    """
    counts = strict_counts(pairs)
    return Scores(
        documents=len(pairs),
        strict=counts.scores(),
        strict_f1_interval=bootstrap_interval(counts, resamples, seed),
        overlap=_total(overlap_score(pair) for pair in pairs),
        type_blind_strict=_total(_type_blind_score(pair) for pair in pairs),
        type_blind_overlap=_total(_type_blind_overlap_score(pair) for pair in pairs),
        tokens=_token_scores(pairs),
        by_familiarity=None if training is None else _familiarity_scores(pairs, training),
        reliability=reliability(pairs),
    )


def _total(scores: Iterable[Score]) -> Score:
    matched = gold = predicted = 0
    for score in scores:
        matched += score.matched
        gold += score.gold
        predicted += score.predicted
    return Score(matched, gold, predicted)


def match_overlapping(first: Sequence[Span], second: Sequence[Span]) -> list[tuple[int, int]]:
    """Match spans of two lists one to one where they share a character: as many as can be.

    Whenever a span ends, it takes from the open spans of the other list the one that ends first. No other choice gives
    more pairs: all open spans share the last position, so two spans can always exchange their
    partners.

    Returns
    -------
    list[tuple[int, int]]
        Indices into `first` and `second`.
    """
    sides = (first, second)
    by_end = sorted((end, side, index) for side in (0, 1) for index, (_, end) in enumerate(sides[side]))
    # Stacks, so that the span that starts first is popped first.
    unopened = [sorted(((start, end, i) for i, (start, end) in enumerate(spans)), reverse=True) for spans in sides]
    opened: tuple[list[Span], list[Span]] = ([], [])
    done = [False] * len(first), [False] * len(second)
    pairs: list[tuple[int, int]] = []
    for end, side, index in by_end:
        if done[side][index]:
            continue
        done[side][index] = True
        others, others_done, others_unopened = opened[1 - side], done[1 - side], unopened[1 - side]
        while others_unopened and others_unopened[-1][0] < end:
            _, other_end, other = others_unopened.pop()
            heappush(others, (other_end, other))
        while others and others_done[others[0][1]]:
            heappop(others)
        if others:
            _, other = heappop(others)
            others_done[other] = True
            pairs.append((index, other) if side == 0 else (other, index))
    return pairs


def overlap_score(pair: Pair) -> Score:
    """Return the view in which a common character and the same label are enough (see `Scores.overlap`)."""
    spans: defaultdict[str, tuple[list[Span], list[Span]]] = defaultdict(lambda: ([], []))
    for side, keys in enumerate((pair.gold_keys, pair.predicted_keys)):
        for label, start, end in keys:
            spans[label][side].append((start, end))
    matched = sum(len(match_overlapping(*sides)) for sides in spans.values())
    return Score(matched, len(pair.gold_keys), len(pair.predicted_keys))


def _hulls(keys: Iterable[Key]) -> set[Span]:
    return {(start, end) for _, start, end in keys}


def _type_blind_score(pair: Pair) -> Score:
    gold, predicted = _hulls(pair.gold_keys), _hulls(pair.predicted_keys)
    return Score(len(gold & predicted), len(gold), len(predicted))


def _type_blind_overlap_score(pair: Pair) -> Score:
    gold, predicted = list(_hulls(pair.gold_keys)), list(_hulls(pair.predicted_keys))
    return Score(len(match_overlapping(gold, predicted)), len(gold), len(predicted))


def _tags(kept: Iterable[Entity], visible: NDArray[np.bool_], labels: dict[str, int]) -> NDArray[np.int32]:
    """Return a number for the BIO tag of each character: 0 for O, odd for B, even for I; `labels` can grow."""
    tags = np.zeros(len(visible), np.int32)
    for entity in kept:
        begin = 2 * labels.setdefault(entity.label, len(labels)) + 1
        for start, end in entity.pieces:
            tags[start:end] = begin + 1
        first = entity.start
        if not visible[first]:
            # A mention may be annotated from the space before it; its first visible character begins it.
            hull = slice(entity.start, entity.end)
            first += int((visible[hull] & (tags[hull] > 0)).argmax())
        tags[first] = begin
    return tags


def _token_scores(pairs: Sequence[Pair]) -> TokenScores:
    labels: dict[str, int] = {}
    # Matched, gold, predicted, equal tags, characters; then mentions lost to flattening in gold and prediction.
    totals = np.zeros(5, np.int64)
    flattened = [0, 0]
    for pair in pairs:
        text = pair.predicted.text
        visible = ~_white_space(text)
        scored = np.zeros(len(text), np.bool_)
        for start, end in pair.gold.spans:
            scored[start:end] = visible[start:end]
        tags = []
        for side, entities in enumerate((pair.gold.document.entities, pair.predicted.entities)):
            by_key = {entity.key: entity for entity in entities}
            kept, dropped = flatten(by_key)
            tags.append(_tags((by_key[key] for key in kept), visible, labels)[scored])
            flattened[side] += sum(pair.gold.owns(start) for _, start, _ in dropped)
        gold, predicted = tags
        equal = gold == predicted
        views = (equal & (gold > 0), gold, predicted, equal, scored)
        totals += [np.count_nonzero(view) for view in views]
    matched, in_gold, in_prediction, equal_tags, characters = map(int, totals)
    return TokenScores(Score(matched, in_gold, in_prediction), equal_tags, characters, *flattened)


def _white_space(text: str) -> NDArray[np.bool_]:
    points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    found: NDArray[np.bool_] = WHITE_SPACE[np.minimum(points, len(WHITE_SPACE) - 1)]
    return found


def surface(text: str, start: int, end: int) -> str:
    """Return the characters of a hull without white space; equal ones are the same words."""
    return "".join(text[start:end].split())


def training_mentions(selections: Iterable[Selection]) -> TrainingMentions:
    """Return the labels that each surface has in the training data."""
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for selection in selections:
        for entity in selection.gold:
            labels[surface(selection.document.text, entity.start, entity.end)].add(entity.label)
    return dict(labels)


def familiarity(label: str, words: str, training: TrainingMentions) -> str:
    """Return ``seen`` (surface and label in training), ``seen_with_another_type`` (the surface only) or ``unseen``."""
    labels = training.get(words, ())
    return "seen" if label in labels else "seen_with_another_type" if labels else "unseen"


def _familiarity_scores(pairs: Sequence[Pair], training: TrainingMentions) -> dict[str, Score]:
    # Label and hull decide the class, so a match has the same class on both sides, and precision is defined too.
    counts = {name: [0, 0, 0] for name in FAMILIARITIES}
    for pair in pairs:
        for label, start, end in pair.gold_keys | pair.predicted_keys:
            in_gold, predicted = (label, start, end) in pair.gold_keys, (label, start, end) in pair.predicted_keys
            numbers = counts[familiarity(label, surface(pair.predicted.text, start, end), training)]
            numbers[0] += in_gold and predicted
            numbers[1] += in_gold
            numbers[2] += predicted
    return {name: Score(*numbers) for name, numbers in counts.items()}
