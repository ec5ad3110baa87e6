"""Classify mentions as affirmed, negated or hypothetical, and name the cue.

The rules are NegEx and ConText in outline (Chapman et al., J Biomed Inform 2001; Harkema et al., J Biomed Inform 2009):
cues, words that only look like cues, and words that end a scope (`suwen.concepts.cues`). In Chinese a scope goes over a
list and its commas, and ends where a clause of its own begins (`suwen.concepts.scopes`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from suwen.concepts.attributes import with_attributes
from suwen.concepts.cues import CRITERIA, CRITERIA_END, INNER_NEGATION, MIDDLE_NEGATION, RESUMES
from suwen.concepts.scopes import FINDINGS, Mention, Sentence
from suwen.document import Document, Span

__all__ = ["AFFIRMED", "Assertion", "Value", "assertions", "with_assertions"]

Value = Literal["affirmed", "negated", "hypothetical"]

LONGEST = 600
"""Characters of a sentence. LCDD has sentences of up to 5,000: tables that became lines."""

_END = re.compile(r"[。！!；;\n]|[？?](?:[。；;])?|(?<=[a-z0-9%)）])\.(?=\s*[A-Z㐀-鿿])")
_BREAK = re.compile(r"[ \t\u3000]*[\r\n][ \t\r\n\u3000]*")
_BLANK_LINE = re.compile(r"\r\n[ \t\u3000]*\r\n|\n[ \t\u3000]*\n|\r[ \t\u3000]*\r")
_HEADING = re.compile(r"[0-9]{1,2}(?:[.．][0-9])*[ \u3000]|[一二三四五六七八九十]{1,2}、|【|〔|\[")


@dataclass(frozen=True, slots=True)
class Assertion:
    """The assertion of a mention, and the span of its cue (None if affirmed)."""

    value: Value
    cue: Span | None = None


AFFIRMED = Assertion("affirmed")


def assertions(document: Document) -> tuple[Assertion, ...]:
    """Classify the mentions of a document, in the order of its entities.

    The result depends on the text and the mentions alone, whatever their order.
    """
    flat, places = _flattened(document.text)
    mentions = []
    for number, entity in enumerate(document.entities):
        start, end = bisect_left(places, entity.start), bisect_left(places, entity.end)
        inner = None
        if entity.label in FINDINGS:
            inner = INNER_NEGATION.match(flat, start, end) or MIDDLE_NEGATION.search(flat, start, end)
        mentions.append(Mention(number, inner.end() if inner and inner.end() < end else start, end, entity.label))
    mentions.sort(key=lambda mention: (mention.start, mention.end, mention.label))
    starts = [mention.start for mention in mentions]
    found = [AFFIRMED] * len(mentions)
    heading: Span | None = None
    for begin, end in _sentences(flat):
        inside = mentions[bisect_left(starts, begin) : bisect_left(starts, end)]
        exclusion = _exclusion(flat[begin:end], begin, heading, flat[begin - 1 : begin])
        heading = exclusion[0] if exclusion and exclusion[2] else None
        if not inside:
            continue
        sentence = Sentence(flat[begin:end], begin, inside)
        for mention in inside:
            value, cue = sentence.assertion_of(mention)
            if value == "affirmed" and exclusion and exclusion[1][0] <= mention.start < exclusion[1][1]:
                value, cue = "negated", exclusion[0]
            if cue:
                found[mention.number] = Assertion(value, (places[cue[0]], places[cue[1] - 1] + 1))
    return tuple(found)


def _flattened(text: str) -> tuple[str, list[int]]:
    """Return the text without the line breaks inside paragraphs, and the offset of each of its characters."""
    pieces: list[str] = []
    places: list[int] = []
    position = 0
    for gap in _BREAK.finditer(text):
        pieces.append(text[position : gap.start()])
        places += range(position, gap.start())
        if _BLANK_LINE.search(gap[0]) or _HEADING.match(text, gap.end()):
            pieces.append("\n")
            places.append(gap.start())
        position = gap.end()
    pieces.append(text[position:])
    places += range(position, len(text) + 1)
    return "".join(pieces), places


def _sentences(flat: str) -> Iterator[Span]:
    """Yield the sentences; one longer than `LONGEST` is a table, and is cut after a comma or anywhere."""
    begin = 0
    for end in (*(found.end() for found in _END.finditer(flat)), len(flat)):
        while end - begin > LONGEST:
            cut = max(flat.rfind(comma, begin, begin + LONGEST) for comma in ",，、") + 1 or begin + LONGEST
            yield begin, cut
            begin = cut
        if begin < end:
            yield begin, end
        begin = end


def _exclusion(text: str, begin: int, heading: Span | None, before: str) -> tuple[Span, Span, bool] | None:
    """Return the heading of exclusion criteria that holds in a sentence, its reach there, and whether it continues.

    A heading reaches over semicolons, and over full stops where a numbered list continues.
    """
    start = 0
    if found := CRITERIA.search(text):
        heading, start = (begin + found.start(), begin + found.end()), found.end()
    elif heading is None or not (before in "；;" or RESUMES.match(text)):
        return None
    end = CRITERIA_END.search(text, start)
    return heading, (begin + start, begin + (end.start() if end else len(text))), end is None


def with_assertions(document: Document) -> Document:
    """Add an attribute ``Assertion`` (``negated``, ``hypothetical``) and the offsets of its ``Cue`` to the entities.

    Affirmed entities have none.

    Examples
    --------
    >>> from suwen.document import Entity
    >>> found = with_assertions(Document("a", "无发热", (Entity("Symptom", 1, 3),)))
    >>> [(attribute.label, attribute.target, attribute.value) for attribute in found.attributes]
    [('Assertion', 'T1', 'negated'), ('Cue', 'T1', '0-1')]
    """
    rows = [
        (("Assertion", assertion.value), ("Cue", f"{assertion.cue[0]}-{assertion.cue[1]}")) if assertion.cue else ()
        for assertion in assertions(document)
    ]
    return with_attributes(document, rows)
