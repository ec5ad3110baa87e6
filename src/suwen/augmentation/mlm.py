"""Words masked and predicted by a masked language model (section 3.1 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.filling import Blank, Filler
from suwen.augmentation.masked_lm import Ids, MaskedLanguageModel
from suwen.augmentation.replacements import ANY, CHINESE, Replacements
from suwen.augmentation.words import Protection, Sentence, is_chinese
from suwen.document import Span

__all__ = ["MaskedWords"]

CHOICE, FILLING = 0, 1
"""What draws are for."""


class MaskedWords:
    """The augmenter ``mlm``.

    The model's input is one sentence between ``[CLS]`` and ``[SEP]``: token ids, sentence ids (all 0), position ids.
    Segmentation ids say which positions can be masked: those of words, never those of entities.

    Parameters
    ----------
    model
        The model, used as it is.
    config
        The configuration.
    protection
        Which words are left alone.
    """

    def __init__(self, model: MaskedLanguageModel, config: AugmentationConfig, protection: Protection) -> None:
        self.model = model
        self._words = config.words
        self._protection = protection
        self._longest = min(config.words.length, model.longest)
        self._replacements = Replacements(model.vocabulary, model.size, config.bans)
        same_word = (True, not config.bans.same_word)
        self._filler = Filler(model, self._replacements.allowed, config.filling, config.sampling, same_word)

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Mask and fill words of several documents, their sentences batched together."""
        proposals = [Proposal() for _ in requests]
        rows: list[Ids] = []
        blanks: list[Blank] = []
        owners: list[tuple[int, Span]] = []
        for number, request in enumerate(requests):
            for span, words in self._masked_words(request, proposals[number]):
                for word in words:
                    kind = CHINESE if is_chinese(request.reading.text(word)) else ANY
                    draws = request.draws.uniform(FILLING, [word[0]], word[1] - word[0])[0]
                    blanks.append(Blank(len(rows), word[0] - span[0], word[1] - span[0], kind, draws))
                    owners.append((number, word))
                rows.append(self.model.vocabulary.ids(request.reading.text(span)))
        self._filler.fill(rows, blanks)
        for blank, (number, word) in zip(blanks, owners, strict=True):
            self._put(blank, rows[blank.row], requests[number], word, proposals[number])
        return proposals

    def _masked_words(self, request: Request, proposal: Proposal) -> Iterator[tuple[Span, list[Span]]]:
        """The inputs that hold masked words, as spans of the view, each with these words."""
        reading, counts = request.reading, proposal.counts
        for index in reading.owned(request.variant.spans):
            sentence = reading.sentence(index)
            counts["sentences"] += 1
            counts["words"] += len(sentence.words)
            free = [word for word in sentence.words if self._is_maskable(request, sentence, word)]
            free = self._protection.free(reading, free)
            counts["maskable"] += len(free)
            draws = request.draws.uniform(CHOICE, [start for start, _ in free])[:, 0] if free else np.empty(0)
            for span in self._inputs(sentence):
                inside = [i for i, (start, _) in enumerate(free) if span[0] <= start < span[1]]
                masked = [free[inside[i]] for i in chosen(self._words.rate, draws[inside])]
                counts["masked"] += len(masked)
                if masked:
                    yield span, masked

    def _is_maskable(self, request: Request, sentence: Sentence, word: Span) -> bool:
        start, end = word
        return (
            sentence.segmentation[start - sentence.start] == 0
            and end - start <= self._longest
            and not request.taken[start:end].any()
            and (self._words.maskable == "all" or is_chinese(request.reading.text(word)))
        )

    def _inputs(self, sentence: Sentence) -> Iterator[Span]:
        """The sentence, or the pieces that a longer one is cut into between its words."""
        start = sentence.start
        ends = [end for _, end in sentence.words] + [sentence.end]
        while sentence.end - start > self._longest:
            fitting = [end for end in ends if start < end <= start + self._longest]
            end = fitting[-1] if fitting else start + self._longest
            yield start, end
            start = end
        yield start, sentence.end

    def _put(self, blank: Blank, row: Ids, request: Request, word: Span, proposal: Proposal) -> None:
        """Turn a filled blank into edits."""
        original = row[blank.start : blank.end].tolist()
        if blank.given_up:
            proposal.counts["without a choice"] += 1
            return
        text = request.reading.text(word)
        # Equal ids may stand for several characters (A and a): what is predicted as it was stays as it was.
        new = [
            character if token == old else self._replacements.texts[token]
            for character, token, old in zip(text, blank.tokens, original, strict=True)
        ]
        probability = float(f"{blank.probability:.6g}")
        edits = word_edits(request.reading, word, new, "mlm", word[0], probability)
        proposal.edits += edits
        proposal.counts["replaced" if edits else "predicted as it was"] += 1
