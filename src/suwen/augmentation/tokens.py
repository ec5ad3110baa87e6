"""Words replaced by others that stood under the same tag (label-wise token replacement of Dai and Adel, 2020)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from suwen.augmentation.augmenters import Proposal, Request, chosen, word_edits
from suwen.augmentation.config import TokenConfig
from suwen.augmentation.mentions import Pool
from suwen.augmentation.words import Reading, is_punctuation, segment_ahead
from suwen.corpus.split import Selection
from suwen.document import Document, Span

__all__ = ["TokenReplacement"]

CHOICE, REPLACEMENT = 0, 1


class TokenReplacement:
    """The augmenter ``token``: the tag of a word is ``O``, or ``B-`` or ``I-`` with the label of its entity.

    Punctuation is neither replaced nor put in a word's place, so that sentences stay sentences.

    Parameters
    ----------
    training
        Where the words come from.
    read
        Cuts a document into words.
    config
        The configuration.
    """

    def __init__(self, training: Sequence[Selection], read: Callable[[Document], Reading], config: TokenConfig) -> None:
        self._rate = config.rate
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for selection in training:
            reading = read(selection.document)
            owned = reading.owned(selection.spans)
            segment_ahead([(reading, owned)])
            for word, tag in _tagged(reading, owned):
                found[tag][reading.text(word)] += 1
        self._pools = {tag: Pool(counts) for tag, counts in found.items()}

    def propose(self, requests: Sequence[Request]) -> list[Proposal]:
        """Replace words of several documents."""
        return [self._propose(request) for request in requests]

    def _propose(self, request: Request) -> Proposal:
        reading, proposal = request.reading, Proposal()
        for index in reading.owned(request.variant.spans):
            words = list(_tagged(reading, [index]))
            free = [(word, tag) for word, tag in words if not request.taken[slice(*word)].any()]
            proposal.counts["sentences"] += 1
            proposal.counts["words"] += len(reading.sentence(index).words)
            proposal.counts["replaceable"] += len(free)
            if not free:
                continue
            starts = [word[0] for word, _ in free]
            draws = request.draws.uniform(CHOICE, starts)[:, 0]
            numbers = request.draws.uniform(REPLACEMENT, starts)[:, 0]
            for place in chosen(self._rate, draws):
                word, tag = free[place]
                new = self._pools[tag].draw(reading.text(word), float(numbers[place]))
                if new is None:
                    proposal.counts["without a choice"] += 1
                    continue
                characters = [new] + [""] * (word[1] - word[0] - 1)
                proposal.edits += word_edits(reading, word, characters, "token", word[0])
                proposal.counts["replaced"] += 1
        return proposal


def _tagged(reading: Reading, sentences: Sequence[int]) -> Iterator[tuple[Span, str]]:
    """Yield the words of some sentences with their tags, without punctuation and what lies in several entities."""
    labels = {}
    for entity in reading.document.entities:
        span = reading.view.to_view(entity.start, entity.end)
        if span is not None:
            labels.update(dict.fromkeys(range(*span), (entity.label, span[0])))
    for index in sentences:
        for word in reading.sentence(index).words:
            layers = reading.layers[word[0]]
            if layers > 1 or is_punctuation(reading.text(word)):
                continue
            if not layers:
                yield word, "O"
            elif word[0] in labels:
                label, start = labels[word[0]]
                yield word, f"{'B' if word[0] == start else 'I'}-{label}"
