"""Give entities the codes of a terminology."""

from __future__ import annotations

from suwen.concepts.attributes import with_attributes
from suwen.concepts.linking import ConceptLinker, Link
from suwen.concepts.terminologies import Terminology
from suwen.document import Document

__all__ = ["Coder"]


class Coder:
    """Gives entities the codes of a terminology.

    Parameters
    ----------
    terminology
        The codes.

    Examples
    --------
    >>> from suwen.concepts.terminologies import Term
    >>> from suwen.document import Entity
    >>> coder = Coder(Terminology("icd", (Term("E11.9", "2型糖尿病"),)))
    >>> document = Document("a", "T2DM患者咳嗽", (Entity("Disease", 0, 4), Entity("Symptom", 6, 8)))
    >>> [(attribute.label, attribute.value) for attribute in coder.with_codes(document).attributes]
    [('Code', 'E11.9'), ('Code_Match', 'alias'), ('Code_Match', 'none')]
    """

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._linker = ConceptLinker([terminology])

    def with_codes(self, document: Document) -> Document:
        """Add the attributes ``Code``, if there is one, and ``Code_Match``: ``exact``, ``alias`` or ``none``.

        The match is ``exact`` for the name of a term, ``alias`` for its synonyms and for abbreviations that the
        document defines or suwen has a list of.
        """
        rows = [self._row(link) for link in self._linker.link_document(document)]
        return with_attributes(document, rows)

    def _row(self, link: Link) -> tuple[tuple[str, str], ...]:
        term, match = self.terminology.find(link.surface)
        if term and match == "exact":
            return ("Code", term.code), ("Code_Match", "exact")
        if link.codes:
            return ("Code", link.codes[0].code), ("Code_Match", "alias")
        return (("Code_Match", "none"),)
