"""Words replaced by synonyms from a lexicon."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import SynonymConfig
from suwen.augmentation.mentions import Pool
from suwen.augmentation.words import Protection
from suwen.errors import SuwenError
from suwen.files import read_text

__all__ = ["SynonymReplacement", "read_synonyms"]

CHOICE, REPLACEMENT = 0, 1

CILIN = re.compile(r"[A-Z][a-z]\d\d[A-Z]\d\d(?P<kind>[=#@])\s*")
"""The code before a group of HIT's extended Cilin; only ``=`` is for synonyms."""


def read_synonyms(paths: Sequence[Path]) -> dict[str, set[str]]:
    """The synonyms of each word, from files with one group a line: words between tabs, commas or spaces.

    Groups that share a word stay apart. Lines that begin with ``#`` are comments. Files of HIT's Cilin can be read as
    they are.

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
            group = {word for word in re.split(r"[\s,,]+", line[code.end() if code else 0 :]) if word}
            if len(group) > 1:
                found = True
                for word in group:
                    synonyms[word] |= group - {word}
        if not found:
            raise SuwenError("S106", path)
    return dict(synonyms)


class SynonymReplacement:
    """The augmenter ``synonym``: words outside entities that the lexicon knows.

    Parameters
    ----------
    synonyms
        By word.
    config
        The configuration.
    protection
        Which words are left alone.
    """

    def __init__(self, synonyms: Mapping[str, set[str]], config: SynonymConfig, protection: Protection) -> None:
        self._rate = config.rate
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
            for place in chosen(self._rate, draws):
                word = free[place]
                new = self._pools[reading.text(word)].draw(reading.text(word), float(numbers[place]))
                assert new is not None
                characters = [new] + [""] * (word[1] - word[0] - 1)
                proposal.edits += word_edits(reading, word, characters, "synonym", word[0])
                proposal.counts["replaced"] += 1
        return proposal
