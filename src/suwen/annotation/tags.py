"""Inline tags: ``口服<Drug>二甲双胍</Drug>。``, as a language model is asked for them, and the way back to offsets.

An answer counts only if it repeats its sentence character by character. White space and invisible characters are
skipped on both sides. Another width or another form of the same punctuation is accepted where one character stands for
one character (``，`` for ``,``). Everything else is a change: the mentions of a changed sentence are refused and
counted, because their places could only be guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from suwen.document import Span
from suwen.schemes import LabelSpan

__all__ = ["Alignment", "TagReader", "shown", "tagged"]

ALIKE = {
    character: form
    for form, characters in {
        ",": "、﹐﹑", ".": "。．｡", '"': "“”„‟″〝〞", "'": "‘’‚‛′`´", "-": "—–―‐‑‒−─", "~": "～〜∼",
        "[": "【〔", "]": "】〕", "<": "《〈", ">": "》〉", "·": "•・‧∙⋅", "μ": "µ",
    }.items()
    for character in characters
}  # fmt: skip
"""Forms of punctuation beside those of another width (which NFKC makes one), by the form that is compared."""

UNKNOWN_TAG = re.compile(r"<(/?)[^\s<>/]{1,40}>")


@lru_cache(maxsize=65536)
def _folded(character: str) -> str:
    """Return the form in which a character is compared; empty for one that is skipped."""
    if character.isspace() or unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    wide = unicodedata.normalize("NFKC", character)
    return ALIKE.get(character) or (ALIKE.get(wide, wide) if len(wide) == 1 else character)


def _visible(text: str) -> list[str]:
    return [form for form in map(_folded, text) if form]


def shown(text: str) -> str:
    """Return the text on one line, without invisible characters."""
    plain = "".join(" " if character.isspace() else character for character in text)
    return " ".join("".join(character for character in plain if character == " " or _folded(character)).split())


def tagged(text: str, spans: Iterable[LabelSpan]) -> str:
    """Put tags around mentions; one that crosses an earlier or longer one is left out.

    Parameters
    ----------
    spans
        ``(label, start, end)`` in the text.

    Examples
    --------
    >>> tagged("口服二甲双胍。", [("Drug", 2, 6)])
    '口服<Drug>二甲双胍</Drug>。'
    """
    opened: list[tuple[int, str]] = []
    pieces, place = [], 0

    def close(until: int) -> None:
        nonlocal place
        while opened and opened[-1][0] <= until:
            end, label = opened.pop()
            pieces.append(f"{text[place:end]}</{label}>")
            place = end

    for label, start, end in sorted(spans, key=lambda span: (span[1], -span[2], span[0])):
        close(start)
        if opened and end > opened[-1][0]:
            continue
        pieces.append(f"{text[place:start]}<{label}>")
        place = start
        opened.append((end, label))
    close(len(text))
    return "".join(pieces) + text[place:]


@dataclass(frozen=True, slots=True)
class Alignment:
    """The annotations of an answer for its sentence.

    Parameters
    ----------
    spans
        The mentions ``(label, start, end)`` in the sentence.
    refused
        Counts of refused mentions, by reason.
    is_altered
        Whether the answer is another text than the sentence, so that nothing is taken.
    """

    spans: tuple[LabelSpan, ...] = ()
    refused: Counter[str] = field(default_factory=Counter)
    is_altered: bool = False


@dataclass(slots=True)
class _Open:
    """A mention whose closing tag has not come; `start` counts visible characters."""

    label: str
    start: int
    is_crossed: bool = False


class TagReader:
    """Reads inline tags of a label set.

    Parameters
    ----------
    labels
        The names that are tags; others are text.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
        self._tag = re.compile(f"<(/?)({names})>")

    def holds_tag(self, text: str) -> bool:
        """Return whether a text contains something like a tag, which cannot be told apart from its mentions."""
        return self._tag.search(text) is not None

    def align(self, sentence: str, answer: str) -> Alignment:
        """Compare an answer with its sentence and return the mentions that are certain.

        Examples
        --------
        >>> TagReader(["Drug"]).align("口服二甲双胍，每日", "口服<Drug>二甲双胍</Drug>,每日").spans
        (('Drug', 2, 6),)
        """
        plain, mentions, refused = self._parse(answer)
        visible = [index for index, character in enumerate(sentence) if _folded(character)]
        expected = _visible(sentence)
        if _visible(plain) == expected:
            return _placed(mentions, visible, refused)
        # Tags of labels that were never asked for are not text either.
        unknown = sum(not closing for closing in UNKNOWN_TAG.findall(plain))
        if unknown and _visible(UNKNOWN_TAG.sub("", plain)) == expected:
            _, mentions, refused = self._parse(UNKNOWN_TAG.sub(self._keep_known, answer))
            refused["unknown label"] += unknown
            return _placed(mentions, visible, refused)
        words, given = "".join(expected), _visible(plain)
        for _, start, end in mentions:
            invented = "".join(given[start:end]) not in words
            refused["invented" if invented else "in an altered sentence"] += 1
        return Alignment((), refused, is_altered=True)

    def _keep_known(self, tag: re.Match[str]) -> str:
        return tag[0] if self._tag.fullmatch(tag[0]) else ""

    def _parse(self, answer: str) -> tuple[str, list[LabelSpan], Counter[str]]:
        """Return the text between the tags, the mentions in its visible characters, and those that are broken."""
        pieces: list[str] = []
        mentions: list[LabelSpan] = []
        refused: Counter[str] = Counter()
        opened: list[_Open] = []
        place = count = 0
        for tag in self._tag.finditer(answer):
            piece = answer[place : tag.start()]
            pieces.append(piece)
            count += len(_visible(piece))
            place = tag.end()
            if not tag[1]:
                opened.append(_Open(tag[2], count))
                continue
            depth = next((i for i in reversed(range(len(opened))) if opened[i].label == tag[2]), None)
            if depth is None:
                refused["tag without its other half"] += 1
                continue
            for crossed in opened[depth + 1 :]:
                crossed.is_crossed = True
            mention = opened.pop(depth)
            if mention.is_crossed or depth < len(opened):
                refused["crossing"] += 1
            elif mention.start == count:
                refused["empty"] += 1
            else:
                mentions.append((mention.label, mention.start, count))
        pieces.append(answer[place:])
        # A crossed mention that never ends is one of these too.
        refused["tag without its other half"] += len(opened)
        return "".join(pieces), mentions, +refused


def _placed(mentions: Iterable[LabelSpan], visible: Sequence[int], refused: Counter[str]) -> Alignment:
    """Return the mentions in the offsets of the sentence; of equal ones the first."""
    found: dict[LabelSpan, None] = {}
    for label, start, end in mentions:
        span = (label, visible[start], visible[end - 1] + 1)
        refused["repeated"] += span in found
        found[span] = None
    return Alignment(tuple(sorted(found, key=_reading_order)), +refused)


def _reading_order(span: LabelSpan) -> tuple[Span, str]:
    return (span[1], -span[2]), span[0]
