"""Tags that THULAC admits at each character, derived from punctuation and particles by its preprocessing."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["ANY", "BEGIN", "BREAK", "END", "MIDDLE", "SINGLE", "admitted", "kept_characters"]

Codes = NDArray[np.uint32]
Flags = NDArray[np.bool_]
Masks = NDArray[np.uint8]

BREAK = "\n"
"""Stands between lines; THULAC is never given one."""

BEGIN, MIDDLE, END, SINGLE = 1, 2, 4, 8
"""A character begins a word, is within it, ends it, or is one."""
ANY = BEGIN | MIDDLE | END | SINGLE

BLANKS = " \u3000"
PUNCTUATION = "!\"#'()*+,/:;=>?@[]~‘’“”…◤★☆、。《》【】！（），：；？"
SOLITARY_PARTICLES = "么吧呢啊"
OTHERS = "$%&-.<\\^_{|}·—￥不也了价兮则吗否呀呃呐呕呗呦呵咧咯哇哈哉哟哩哪唻啦啰啵喽嘛嘞嘢噢噻嚜家来欤欸的给罗罢耶般连阿"
"""Symbols and particles. That they are joined to a word where several stand together is THULAC's rule."""

TITLE = re.compile(f"《([^《》{BREAK}]*)》")
LONGEST_TITLE = 10

PLAIN, BLANK, ALONE, PARTICLE, OTHER, BORDER = range(6)
_CLASSES = np.full(1 << 16, PLAIN, np.uint8)
for _class, _characters in (
    (BLANK, BLANKS),
    (ALONE, PUNCTUATION),
    (PARTICLE, SOLITARY_PARTICLES),
    (OTHER, OTHERS),
    (BORDER, BREAK),
):
    _CLASSES[[ord(character) for character in _characters]] = _class


def kept_characters(codes: Codes) -> Flags:
    """Return which characters THULAC reads, bool ``[N]``: of several blanks in a row the first."""
    blank: Flags = _classes(codes) == BLANK
    return ~(blank & _before(blank))


def admitted(codes: Codes, text: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Masks:
    """Return the tags that each kept character may have, uint8 ``[N]``; all where it is none.

    The rules are those of the package to the letter: what they admit may fit no sequence of tags at all (see
    `suwen.text.segmenters.thulac_decoding`).

    Parameters
    ----------
    codes
        All characters, those that are not kept too, ``[M]``, with line breaks around the lines.
    text
        The same as a string.
    starts, ends
        Where the lines are among the kept characters, ``[L]`` each.
    """
    classes = _classes(codes)
    blank, plain, border = classes == BLANK, classes == PLAIN, classes == BORDER
    alone, particle = classes == ALONE, classes == PARTICLE
    special = alone | particle | (classes == OTHER)
    after_blank, after_special = _before(blank), _before(special)
    lonely = _after_punctuation(classes, special, after_blank, after_special)

    masks = np.full(len(codes), ANY, np.uint8)
    masks[blank | special | (plain & (after_blank | (after_special & lonely)))] = BEGIN | SINGLE
    masks[(alone | particle) & (after_blank | after_special)] = SINGLE
    masks[(classes == OTHER) & after_special & ~lonely] = MIDDLE
    last_of_word = (blank & ~after_blank & ~_before(border)) | ((alone | particle | plain) & after_special)
    masks[:-1][last_of_word[1:]] &= END | SINGLE

    kept = kept_characters(codes)
    masks = masks[kept]
    for start, size in _titles(text, codes, kept):
        masks[start : start + size] = MIDDLE
        masks[start], masks[start + size - 1] = (BEGIN, END) if size > 1 else (BEGIN | SINGLE,) * 2
    masks[starts] &= BEGIN | SINGLE
    masks[ends - 1] &= END | SINGLE
    masks[starts[masks[starts] == 0]] = BEGIN | SINGLE
    masks[(ends - 1)[masks[ends - 1] == 0]] = END | SINGLE
    masks[masks == 0] = ANY
    return masks


def _classes(codes: Codes) -> NDArray[np.uint8]:
    return _CLASSES[np.where(codes < len(_CLASSES), codes, 0)]


def _before(flags: Flags) -> Flags:
    """Return the flag of the character before each."""
    shifted = np.zeros_like(flags)
    shifted[1:] = flags[:-1]
    return shifted


def _after_punctuation(classes: NDArray[np.uint8], special: Flags, after_blank: Flags, after_special: Flags) -> Flags:
    """Return whether the last rule applied before each character set punctuation apart.

    Blanks leave it as it was, and so do plain characters that follow plain ones: it can come from far before.
    """
    alone = classes == ALONE
    decided = (special & (classes != PARTICLE)) | (classes == BORDER)
    decided |= (classes == PARTICLE) & ~after_blank & ~after_special
    decided |= (classes == PLAIN) & after_special
    last = np.maximum.accumulate(np.where(decided, np.arange(len(classes)), 0))
    return _before(alone[last])


def _titles(text: str, codes: Codes, kept: Flags) -> list[tuple[int, int]]:
    """Return short titles in brackets: where they begin among the kept characters, and their length without blanks.

    That the blanks are not counted shifts the end of a title that has some, as in the package.
    """
    titles = []
    for title in TITLE.finditer(text) if "》" in text else ():
        inside = slice(*title.span(1))
        solid = _classes(codes[inside])
        solid = solid[solid != BLANK]
        if 0 < len(solid) <= LONGEST_TITLE and (solid == PLAIN).all():
            titles.append((int(np.count_nonzero(kept[: inside.start])), len(solid)))
    return titles
