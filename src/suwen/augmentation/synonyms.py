"""Words replaced by synonyms, from a lexicon or from word vectors."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import SynonymConfig
from suwen.augmentation.mentions import Pool
from suwen.augmentation.word_check import WordCheck
from suwen.augmentation.words import Protection, Reading, Sentence, is_chinese
from suwen.document import Span
from suwen.errors import SuwenError
from suwen.files import read_text
from suwen.text.word_vectors import word_vector_lines

__all__ = ["SynonymReplacement", "find_synonyms", "read_neighbors", "read_synonyms"]

CHOICE, REPLACEMENT = 0, 1

ROWS = 256
"""Number of words that are compared with all others at once."""

CILIN = re.compile(r"[A-Z][a-z]\d\d[A-Z]\d\d(?P<kind>[=#@])\s*")
"""The code before a group of HIT's extended Cilin; only ``=`` is for synonyms."""


def read_synonyms(paths: Sequence[Path]) -> dict[str, set[str]]:
    """Return the synonyms of each word, from files with one group a line.

    Words stand between tabs, spaces or commas, also ``，`` and ``、``. Groups that share a word stay apart.
    Lines that begin with ``#`` are comments. Files of HIT's Cilin can be read as they are.

    Raises
    ------
    SuwenError
        S101, S102 or S103 when a file cannot be read, S106 when it holds no group.
    """
    synonyms: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        found = False
        for line in read_text(path).lstrip("\ufeff").split("\n"):
            code = CILIN.match(line)
            if line.startswith("#") or (code and code["kind"] != "="):
                continue
            group = {word for word in re.split(r"[\s,，、]+", line[code.end() if code else 0 :]) if word}
            if len(group) > 1:
                found = True
                for word in group:
                    synonyms[word] |= group - {word}
        if not found:
            raise SuwenError("S106", path)
    return dict(synonyms)


def read_neighbors(path: Path, most: int, similarity: float) -> dict[str, set[str]]:
    """Return the nearest words of each word in vectors of words, by cosine similarity.

    Words that are not written in hanzi alone are left out: their neighbors are other numbers, units and names.

    Parameters
    ----------
    path
        Vectors in word2vec's text format.
    most
        The most neighbors of a word.
    similarity
        The least similarity of a neighbor.

    Raises
    ------
    SuwenError
        As `suwen.text.word_vectors.word_vector_lines`; S402 when no word is near another.
    """
    rows = {word: vector for word, vector in word_vector_lines(path) if is_chinese(word) and vector.any()}
    words = list(rows)
    neighbors: dict[str, set[str]] = {}
    if words:
        matrix = np.stack([rows[word] for word in words]).astype(np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        for first in range(0, len(words), ROWS):
            similarities = matrix[first : first + ROWS] @ matrix.T
            similarities[np.arange(len(similarities)), np.arange(first, first + len(similarities))] = -1
            for row, near in enumerate(similarities):
                places = np.flatnonzero(near >= similarity)
                if places.size:
                    nearest = places[np.argsort(-near[places], kind="stable")[:most]]
                    neighbors[words[first + row]] = {words[place] for place in nearest}
    if not neighbors:
        reason = f"no two words of hanzi in {path.name} have a similarity of {similarity:g}"
        raise SuwenError("S402", key="synonym.similarity", reason=reason)
    return neighbors


def find_synonyms(config: SynonymConfig) -> dict[str, set[str]]:
    """Return the synonyms of each word in the lexicons and among the word vectors of a configuration."""
    found = read_synonyms(config.lexicon)
    if config.vectors:
        for word, others in read_neighbors(config.vectors, config.neighbors, config.similarity).items():
            found[word] = found.get(word, set()) | others
    return found


class SynonymReplacement:
    """The augmenter ``synonym``: words outside entities that have synonyms.

    Parameters
    ----------
    synonyms
        By word.
    config
        The configuration.
    protection
        Words that are not changed, and not inserted.
    check
        Which replacements are undone, because they form a mention without annotation.
    """

    def __init__(
        self, synonyms: Mapping[str, set[str]], config: SynonymConfig, protection: Protection, check: WordCheck
    ) -> None:
        self._rate = config.rate
        self._check = check
        self._pools = {word: Pool(Counter(others)) for word, others in synonyms.items()}
        self._protection = protection

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Replace words of several documents."""
        return [self._propose(request) for request in requests]

    def _propose(self, request: Request) -> Proposal:
        reading, proposal = request.reading, Proposal()
        for index in reading.owned(request.variant.spans):
            sentence = reading.sentence(index)
            proposal.counts["sentences"] += 1
            proposal.counts["words"] += len(sentence.words)
            free = self._protection.free(
                reading,
                [
                    word
                    for word in sentence.words
                    if reading.text(word) in self._pools
                    and sentence.segmentation[word[0] - sentence.start] == 0
                    and not request.taken[slice(*word)].any()
                ],
            )
            proposal.counts["replaceable"] += len(free)
            if not free:
                continue
            starts = [start for start, _ in free]
            draws = request.draws.uniform(CHOICE, starts)[:, 0]
            numbers = request.draws.uniform(REPLACEMENT, starts)[:, 0]
            drawn: dict[Span, str] = {}
            for place in chosen(self._rate, draws):
                word = free[place]
                new = self._pools[reading.text(word)].draw(reading.text(word), float(numbers[place]))
                assert new is not None
                drawn[word] = new
            kept = self._accepted(reading, sentence, drawn)
            for word, characters in kept.items():
                proposal.edits += word_edits(reading, word, characters, "synonym", word[0])
            proposal.counts["replaced"] += len(kept)
            proposal.counts["rejected"] += len(drawn) - len(kept)
        return proposal

    def _accepted(self, reading: Reading, sentence: Sentence, drawn: Mapping[Span, str]) -> dict[Span, list[str]]:
        """Return the words that may be replaced, each with what is at its positions then."""
        span = sentence.start, sentence.end
        after = list(reading.text(span))
        new = {
            word: [text] + [""] * (word[1] - word[0] - 1)
            for word, text in drawn.items()
            if not self._protection.covers(text)
        }
        for (start, end), characters in new.items():
            after[start - span[0] : end - span[0]] = characters
        rejected = set(self._check.rejected(reading, span, after, list(new)))
        return {word: characters for word, characters in new.items() if word not in rejected}
