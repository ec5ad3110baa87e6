"""The HMM baseline: tags emit characters and follow one another (the paper's section 2.1); numpy only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import read_json, write_text
from suwen.inference.dictionary import fold
from suwen.inference.sentence_extractor import SentenceExtractor, SentenceSettings
from suwen.model_folder import StoredModel
from suwen.schemes import Scheme, ScoredSpan, scheme_named
from suwen.tagging.decode import ILLEGAL, Transitions, decode_spans, legal_transitions

__all__ = ["COUNTS", "HMM", "HMMExtractor", "hmm_settings", "load_hmm"]

COUNTS = "hmm.json"

PSEUDOCOUNT = 0.1
"""Smoothing: added to the count of each legal move from tag to tag."""

PRIOR = 10.0
"""Weight, in characters, of the unigram distribution in each tag's distribution over characters.

1, 10 and 100 give a strict F1 of 0.387 on LCDD's dev part (group split).
"""

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]


class HMM:
    """Counts of tags and characters, and the first-order hidden Markov model that they give.

    Parameters
    ----------
    tags
        The K tags.
    scheme
        Their scheme, which says what may follow what.
    moves
        How often each tag, and last the start of a sentence, is followed by each tag, and last by the end,
        ``[K + 1, K + 1]``.
    emitted
        How often each tag has each character, folded as `suwen.inference.dictionary.fold` does, ``[K]`` by character.
    """

    def __init__(self, tags: Sequence[str], scheme: Scheme, moves: Counts, emitted: Mapping[str, Counts]) -> None:
        self.tags, self.scheme, self.moves, self.emitted = tuple(tags), scheme, moves, emitted
        self._rows = {character: row for row, character in enumerate(emitted)}

    @classmethod
    def count(cls, sentences: Iterable[tuple[str, Sequence[str]]], tags: Sequence[str], scheme: Scheme) -> HMM:
        """Count in sentences with a tag for each character."""
        index = {tag: i for i, tag in enumerate(tags)}
        edge = len(tags)
        moves = np.zeros((edge + 1, edge + 1), np.int64)
        pairs: Counter[tuple[str, int]] = Counter()
        for text, own in sentences:
            ids = [index[tag] for tag in own]
            np.add.at(moves, ([edge, *ids], [*ids, edge]), 1)
            pairs.update(zip(fold(text), ids, strict=True))
        emitted: dict[str, Counts] = {}
        for (character, tag), number in sorted(pairs.items()):
            emitted.setdefault(character, np.zeros(edge, np.int64))[tag] = number
        return cls(tags, scheme, moves, emitted)

    @cached_property
    def transitions(self) -> Transitions:
        """The log-probabilities of moves, `ILLEGAL` where the scheme forbids."""
        legal = legal_transitions(self.tags, self.scheme)
        # A sentence is never empty.
        edges = np.block([[legal.matrix, legal.end[:, None]], [legal.start, np.float32(ILLEGAL)]])
        allowed = edges > ILLEGAL
        weights = np.where(allowed, self.moves + PSEUDOCOUNT, 0)
        with np.errstate(divide="ignore"):
            logs = np.log(weights / weights.sum(axis=1, keepdims=True))
        scores = np.where(allowed, logs, ILLEGAL).astype(np.float32)
        return Transitions(scores[-1, :-1], scores[:-1, -1], scores[:-1, :-1])

    @cached_property
    def _emissions(self) -> Floats:
        """The log-probability of each character, and last of an unknown one, under each tag, ``[V + 1, K]``."""
        counts = np.array([*self.emitted.values(), np.zeros(len(self.tags), np.int64)])
        unigram = (counts.sum(axis=1) + 1) / (counts.sum() + len(counts))
        smoothed = (counts + PRIOR * unigram[:, None]) / (counts.sum(axis=0) + PRIOR)
        logs: Floats = np.log(smoothed).astype(np.float32)
        return logs

    def emissions(self, sentence: str) -> Floats:
        """Look up the log-probability of each character under each tag, ``[T, K]``."""
        unknown = len(self._rows)
        return self._emissions[[self._rows.get(character, unknown) for character in fold(sentence)]]

    def write(self, path: Path) -> None:
        """Write the counts as JSON."""
        rows = (
            f"{json.dumps(character, ensure_ascii=False)}: {json.dumps(self._by_tag(counts))}"
            for character, counts in self.emitted.items()
        )
        moves = ",\n".join(json.dumps(row) for row in self.moves.tolist())
        characters = ",\n".join(rows)
        write_text(path, f'{{"moves": [\n{moves}\n],\n"characters": {{\n{characters}\n}}}}\n')

    def _by_tag(self, counts: Counts) -> dict[str, int]:
        return {self.tags[tag]: int(counts[tag]) for tag in np.flatnonzero(counts)}

    @classmethod
    def read(cls, path: Path, tags: Sequence[str], scheme: Scheme) -> HMM:
        """Read a model that `write` wrote.

        Raises
        ------
        SuwenError
            S101 when the file is missing, S204 when it is not JSON, S501 when it is no HMM over these tags.
        """
        values = read_json(path)
        match values:
            case {"moves": list(rows), "characters": dict(characters)}:
                pass
            case _:
                raise SuwenError("S501", path, reason="it has no moves and characters")
        index = {tag: i for i, tag in enumerate(tags)}
        side = len(tags) + 1
        if not (len(rows) == side and all(_are_counts(row, side) for row in rows)):
            raise SuwenError("S501", path, reason=f"moves are not {side} rows of {side} counts")
        emitted: dict[str, Counts] = {}
        for character, own in characters.items():
            counts = list(own.values()) if isinstance(own, dict) else []
            if len(character) != 1 or not counts or not _are_counts(counts, len(counts)) or own.keys() - index.keys():
                raise SuwenError("S501", path, reason=f"{character!r}: {own!r} is not a character with counts of tags")
            emitted[character] = np.zeros(len(tags), np.int64)
            emitted[character][[index[tag] for tag in own]] = counts
        return cls(tags, scheme, np.array(rows, np.int64), emitted)


def _are_counts(values: Any, length: int) -> bool:
    return isinstance(values, list) and len(values) == length and all(type(n) is int and n >= 0 for n in values)


class HMMExtractor(SentenceExtractor):
    """Finds the entities on the best path of an HMM; the confidence is the exact posterior probability of the span.

    Parameters
    ----------
    settings
        The entity types, and how a text is normalized.
    model
        The HMM.
    """

    def __init__(self, settings: SentenceSettings, model: HMM) -> None:
        super().__init__(settings)
        self.model = model

    def find(self, sentence: str) -> list[ScoredSpan]:
        """Decode a sentence."""
        model = self.model
        scores = model.emissions(sentence)[None]
        return decode_spans(scores, [len(sentence)], model.transitions, model.tags, model.scheme)[0]


def hmm_settings(settings: SentenceSettings, scheme: Scheme) -> dict[str, Any]:
    """Return the settings of an HMM for ``suwen.json``."""
    return {**settings.to_dict(), "scheme": scheme.name}


def load_hmm(stored: StoredModel) -> HMMExtractor:
    """Load a model folder of the kind ``hmm``.

    Raises
    ------
    SuwenError
        S404 when the scheme is unknown, S501 when the settings are not those of an HMM, and as
        `SentenceSettings.from_dict` and `HMM.read`.
    """
    path = stored.path / "suwen.json"
    values = dict(stored.settings)
    name = values.pop("scheme", None)
    if not isinstance(name, str):
        raise SuwenError("S501", path, reason=f"the scheme is {name!r}")
    settings, scheme = SentenceSettings.from_dict(values, path), scheme_named(name)
    tags = scheme.tags(settings.schema.labels)
    return HMMExtractor(settings, HMM.read(stored.path / COUNTS, tags, scheme))
