"""Sentences of a view."""

from __future__ import annotations

import re
from collections.abc import Iterator

from suwen.document import Span
from suwen.text.view import View

__all__ = ["LONGEST_SENTENCE", "split_sentences"]

LONGEST_SENTENCE = 10_000
"""Maximum characters of a sentence. Longer text without an end is a table or a list and is cut: a sentence is decoded
as one sequence, and some outputs repeat it for each of its mentions."""

PAUSES, NEAR = "，、：,: ", 200
"""A cut is made after the last of these characters, if one is within this distance."""

FIRST = re.compile(r"[(（\n。！？!?；;.]")
"""The first characters of a boundary."""

BOUNDARY = re.compile(
    r"""
      [(（][^()（）。！？!?\n]{1,200}[)）]        # a remark in brackets stays whole
    | (?P<paragraph>\n)
    | (?P<end>
        (?: (?: (?<![A-Za-z0-9]\ \ )。            # "HbA1c  。" is a subscript that was misread
                (?!(?<=[0-9]。)[0-9]              # and so are the stops in "3。5", "10。/L" and "p。mol"
                  |(?<=[A-Za-z0-9]。)[a-z]
                  |[/<>=≤≥±%,，、:：~～])
              | [！？!?；;]
              | (?:(?<=[a-z0-9%)\]])|(?<=[a-z0-9%)\]]\ ))(?<!\bal)(?<!\bvs)\.(?=\s*[A-Z][a-z])
            )
            [”"’」』】〕》)）]*
            [^\S\n]*
        )+                                        # together, so that no sentence is a lone full stop
      )
    """,
    re.VERBOSE,
)


def split_sentences(view: View) -> list[Span]:
    """Return the sentences, as ``[start, end)`` in the view: sorted, disjoint.

    Every character but the paragraph breaks is in exactly one. A sentence ends with a full stop, an exclamation or
    question mark, a semicolon outside brackets, and with its paragraph. Closing quotes and brackets and the white space
    after an end belong to it. What is longer than `LONGEST_SENTENCE` is cut.

    Examples
    --------
    >>> from suwen.text.view import make_view
    >>> view = make_view("血糖升高（空腹；餐后）。给予胰岛素治疗！")
    >>> [view.text[start:end] for start, end in split_sentences(view)]
    ['血糖升高（空腹；餐后）。', '给予胰岛素治疗！']
    """
    sentences = []
    begin = 0
    for boundary in _boundaries(view.text):
        if boundary.lastgroup is None:
            continue
        end = boundary.start() if boundary.lastgroup == "paragraph" else boundary.end()
        if begin < end:
            sentences.append((begin, end))
        begin = boundary.end()
    if begin < len(view.text):
        sentences.append((begin, len(view.text)))
    return [piece for sentence in sentences for piece in _cut(view.text, *sentence)]


def _boundaries(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of `BOUNDARY.finditer`; searching for the first characters alone is several times as fast."""
    end = 0
    for first in FIRST.finditer(text):
        if first.start() >= end and (boundary := BOUNDARY.match(text, first.start())):
            end = boundary.end()
            yield boundary


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentence, or pieces of like length of one that is too long."""
    while end - start > LONGEST_SENTENCE:
        pieces = -(-(end - start) // LONGEST_SENTENCE)
        cut = start + (end - start) // pieces
        cut = max(text.rfind(pause, cut - NEAR, cut) for pause in PAUSES) + 1 or cut
        yield start, cut
        start = cut
    yield start, end
