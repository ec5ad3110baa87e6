"""Report what is odd about the documents of a corpus as a whole, and was not a fault of any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from suwen.document import Document
from suwen.formats.offsets import COUNTED, UNCONFIRMED, way_that_fits

__all__ = ["Remarks", "named_counts"]


class Remarks:
    """Count facts about a corpus, which are reported to the user.

    Attributes
    ----------
    unread
        Counts of the files of a folder of texts that are not read, by their extension.

    Examples
    --------
    >>> remarks = Remarks()
    >>> remarks.add(Document("a", "口服二甲双胍"))
    >>> list(remarks.lines(annotated=True))
    ['no entity in 1 document']
    """

    def __init__(self) -> None:
        self._documents = 0
        self._entities = 0
        self._differing = 0
        self._off: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._offsets: Counter[str] = Counter()
        self._unconfirmed = 0
        self._predicted = 0
        self._unannotated = 0
        self.unread: Counter[str] = Counter()

    def add(self, document: Document, unconfirmed: bool = False) -> None:
        """Count a document; `unconfirmed` as in `Located`."""
        self._documents += 1
        self._unconfirmed += unconfirmed
        self._entities += len(document.entities)
        for entity in document.entities:
            if entity.annotated is not None:
                self._differing += 1
                self._off.update(filter(None, [way_that_fits(entity, document.text)]))
        source = document.meta.get("read_from")
        if isinstance(source, dict):
            if isinstance(source.get("dropped"), dict):
                self._dropped.update(source["dropped"])
            if isinstance(source.get("offsets"), str):
                self._offsets[source["offsets"]] += 1
            self._predicted += source.get("predicted") is True
            self._unannotated += not document.is_annotated

    def leave_out(self, kind: str) -> None:
        """Count what was left out beside the documents."""
        self._dropped[kind] += 1

    def lines(self, annotated: bool, by_option: bool = False) -> Iterator[str]:
        """Yield the remarks, one line each.

        Parameters
        ----------
        annotated
            True if documents of this format are expected to have entities.
        by_option
            True if the format has the option ``offsets``.
        """
        if annotated and self._documents and not self._entities:
            yield f"no entity in {_amount(self._documents, 'document')}"
        if self._differing:
            cause = "".join(
                f"; {count:,} of them fit if {COUNTED[name]}" + (f", see --offsets {name}" if by_option else "")
                for name, count in sorted(self._off.items())
            )
            verb = "differs" if self._entities == 1 else "differ"
            mentions = _amount(self._entities, "mention")
            yield f"{self._differing:,} of {mentions} {verb} from the text at their offsets{cause}"
        if self._dropped:
            yield f"left out: {named_counts(self._dropped)}"
        if self.unread:
            yield f"not read: {named_counts(self.unread)}; a corpus has one format, suwen extract reads several"
        if self._unannotated:
            documents = _amount(self._unannotated, "document")
            yield f"{documents} whose annotation was cancelled or rejected: not used to train, score, compare or count"
        if self._predicted:
            yield f"annotations of {_amount(self._predicted, 'document')} are uncorrected predictions"
        if self._unconfirmed:
            yield f"offsets of {_amount(self._unconfirmed, 'document')} are not confirmed: {UNCONFIRMED}"
        for way, count in sorted(self._offsets.items()):
            yield f"offsets of {_amount(count, 'document')} were read so: {way}"


def named_counts(counts: Counter[str]) -> str:
    """Return counts as a list: ``2 .docx, 1 .pdf``."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))


def _amount(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
