"""Words masked and predicted by a masked language model (section 3.1 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.filling import Blank, Filler
from suwen.augmentation.masked_lm import Ids, MaskedLanguageModel
from suwen.augmentation.replacements import ANY, CHINESE, Replacements
from suwen.augmentation.word_check import WordCheck
from suwen.augmentation.words import Protection, Reading, Sentence, is_chinese
from suwen.document import Span

__all__ = ["MaskedWords"]

CHOICE, FILLING = 0, 1
"""Purposes of draws; further attempts at a word have the numbers after the second."""


@dataclass(slots=True)
class _Input:
    """One input of the model, and its state.

    Parameters
    ----------
    number
        Which request it belongs to.
    reading
        The document.
    span
        Where it is in the view: a sentence, or a piece of a long one.
    ids
        Its characters as the model reads them, with what was put in so far.
    characters
        What is at each position.
    waiting
        The words that are to be replaced.
    replaced
        The words that are, with what the model gave them.
    """

    number: int
    reading: Reading
    span: Span
    ids: Ids
    characters: list[str]
    waiting: list[Span]
    replaced: dict[Span, float] = field(default_factory=dict)

    def place(self, word: Span) -> slice:
        """Return the positions of a word."""
        return slice(word[0] - self.span[0], word[1] - self.span[0])


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
        Words that are not changed.
    check
        Which replacements are taken back and tried again.
    """

    def __init__(
        self, model: MaskedLanguageModel, config: AugmentationConfig, protection: Protection, check: WordCheck
    ) -> None:
        self.model = model
        self._words = config.words
        self._tries = config.check.tries if check.wanted or protection.wanted else 1
        self._protection = protection
        self._check = check
        self._longest = min(config.words.length, model.longest)
        self._replacements = Replacements(model.vocabulary, model.size, config.bans)
        same_word = (True, not config.bans.same_word)
        self._filler = Filler(model, self._replacements.allowed, config.filling, config.sampling, same_word)

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Mask and fill words of several documents, their sentences batched together."""
        proposals = [Proposal() for _ in requests]
        inputs = [
            self._input(number, request.reading, span, words)
            for number, request in enumerate(requests)
            for span, words in self._masked_words(request, proposals[number])
        ]
        for attempt in range(self._tries):
            active = [one for one in inputs if one.waiting]
            self._attempt(active, attempt, requests, proposals)
        for one in inputs:
            counts = proposals[one.number].counts
            counts["rejected"] += len(one.waiting)
            for word, probability in one.replaced.items():
                characters = one.characters[one.place(word)]
                edits = word_edits(one.reading, word, characters, "mlm", word[0], float(f"{probability:.6g}"))
                proposals[one.number].edits += edits
                counts["replaced" if edits else "predicted as it was"] += 1
        return proposals

    def _input(self, number: int, reading: Reading, span: Span, words: list[Span]) -> _Input:
        text = reading.text(span)
        return _Input(number, reading, span, self.model.vocabulary.ids(text), list(text), words)

    def _masked_words(self, request: Request, proposal: Proposal) -> Iterator[tuple[Span, list[Span]]]:
        """Yield the inputs that hold masked words, as spans of the view, each with these words."""
        reading, counts = request.reading, proposal.counts
        for index in reading.owned(request.variant.spans):
            sentence = reading.sentence(index)
            counts["sentences"] += 1
            counts["words"] += len(sentence.words)
            starts = set((np.flatnonzero(sentence.segmentation == 0) + sentence.start).tolist())
            words = [word for word in sentence.words if word[0] in starts]
            free = [word for word in words if self._is_maskable(request, word)]
            free = self._protection.free(reading, free)
            counts["maskable"] += len(free)
            draws = request.draws.uniform(CHOICE, [start for start, _ in free])[:, 0] if free else np.empty(0)
            for span in self._inputs(sentence):
                inside = [i for i, (start, _) in enumerate(free) if span[0] <= start < span[1]]
                masked = [free[inside[i]] for i in chosen(self._words.rate, draws[inside])]
                counts["masked"] += len(masked)
                if masked:
                    yield span, masked

    def _is_maskable(self, request: Request, word: Span) -> bool:
        start, end = word
        return (
            self._words.shortest <= end - start <= self._longest
            and not (request.edits and request.taken[start:end].any())
            and (self._words.maskable == "all" or is_chinese(request.reading.text(word)))
        )

    def _inputs(self, sentence: Sentence) -> Iterator[Span]:
        """Yield the sentence, or the pieces that a longer one is cut into between its words."""
        start = sentence.start
        ends = [end for _, end in sentence.words] + [sentence.end]
        while sentence.end - start > self._longest:
            fitting = [end for end in ends if start < end <= start + self._longest]
            end = fitting[-1] if fitting else start + self._longest
            yield start, end
            start = end
        yield start, sentence.end

    def _attempt(
        self, inputs: Sequence[_Input], attempt: int, requests: Sequence[Request], proposals: Sequence[Proposal]
    ) -> None:
        """Fill the waiting words of all inputs; those that are rejected wait on, as they were."""
        blanks: list[list[Blank]] = []
        for row, one in enumerate(inputs):
            draws = requests[one.number].draws
            blanks.append([])
            longest = max(end - start for start, end in one.waiting)
            numbers = draws.uniform(FILLING + attempt, [start for start, _ in one.waiting], longest)
            for word, uniform in zip(one.waiting, numbers, strict=True):
                place = one.place(word)
                kind = CHINESE if is_chinese(one.reading.text(word)) else ANY
                blanks[row].append(Blank(row, place.start, place.stop, kind, uniform))
        self._filler.fill([one.ids for one in inputs], [blank for filling in blanks for blank in filling])
        filled: list[dict[Span, Blank]] = []
        for one, filling in zip(inputs, blanks, strict=True):
            pairs = list(zip(one.waiting, filling, strict=True))
            proposals[one.number].counts["without a choice"] += sum(blank.given_up for _, blank in pairs)
            filled.append({word: blank for word, blank in pairs if not blank.given_up})
            self._insert(one, filled[-1])
        self._check.segment_ahead(
            (one.span, one.characters, list(words)) for one, words in zip(inputs, filled, strict=True)
        )
        for one, words in zip(inputs, filled, strict=True):
            self._accept(one, words)

    def _insert(self, one: _Input, filled: dict[Span, Blank]) -> None:
        """Put the filled words into the text."""
        for word, blank in filled.items():
            place = one.place(word)
            # Equal ids may stand for several characters (A and a): what is predicted as it was stays as it was.
            one.characters[place] = [
                character if token == old else self._replacements.texts[token]
                for character, token, old in zip(
                    one.characters[place], blank.tokens, one.ids[place].tolist(), strict=True
                )
            ]

    def _accept(self, one: _Input, filled: dict[Span, Blank]) -> None:
        """Keep the filled words that the check accepts, and undo the others.

        What is never masked is never inserted either: a new negation or number would change the meaning.
        """
        rejected = set(self._check.rejected(one.reading, one.span, one.characters, list(filled)))
        rejected |= {word for word in filled if self._protection.covers("".join(one.characters[one.place(word)]))}
        one.waiting = [word for word in filled if word in rejected]
        for word in one.waiting:
            one.characters[one.place(word)] = one.reading.text(word)
        for word in filled.keys() - set(one.waiting):
            one.ids[one.place(word)] = filled[word].tokens
            one.replaced[word] = filled[word].probability
