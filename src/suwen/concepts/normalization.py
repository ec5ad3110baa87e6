"""Normalize mentions: surfaces that differ only in how they are written get one key.

The steps are cumulative and ordered. Two surfaces with one key differ by the first step after which they are equal,
and this step is the reason of their merge (see `difference`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

__all__ = ["STEPS", "difference", "normalize"]

CACHED = 2**16
"""Surfaces repeat: 106,000 mentions of LCDD have 25,000 surfaces."""

_ROMAN_VALUES = {
    numeral: str(value)
    for value, numeral in enumerate(("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"), start=1)
}
_CHINESE_VALUES = {numeral: str(value) for value, numeral in enumerate("一二三四五六七八九十", start=1)}

# Width -----------------------------------------------------------------------------------------------------------
# NFKC makes 10⁹ to 109, 1½ to 11⁄2 and ① to 1: these characters are kept, except superscripts that follow no digit.
_KEPT = re.compile(r"(?<=[0-9])[²³¹⁰⁴-⁹]+|[¼-¾⅐-⅟↉①-⓿❶-➓㉈-㉏㉑-㉟㊱-㊿]+")
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_ROMAN_CHARACTERS = re.compile(r"(?<![0-9A-Za-z])[Ⅰ-Ⅻⅰ-ⅻ]+(?![0-9A-Za-z])|(?<=[A-Za-z])[Ⅰ-Ⅻⅰ-ⅻ]+(?![0-9A-Za-z])")

# Look-alikes -----------------------------------------------------------------------------------------------------
_GREEK_FOR = str.maketrans({"ß": "β", "ẞ": "β", "ɑ": "α", "ɛ": "ε", "ɣ": "γ", "ɸ": "φ", "∂": "δ", "∆": "δ"})
_CYRILLIC = str.maketrans("АВСЕНКМОРТХаеорсух", "ABCEHKMOPTXaeopcyx")
_CAPITALS = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
_GREEK_CAPITALS_IN_LATIN = re.compile(r"(?:(?<=[A-Za-z])[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]+|[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]+(?=[A-Za-z]))")

# Hyphens ---------------------------------------------------------------------------------------------------------
_DASH = re.compile(r"[‐-―⁃−﹘﹣─━–—]+|(?<=[0-9A-Za-zα-ω])\s*[一ー丨]\s*(?=[0-9A-Za-zα-ω])")
_HYPHEN = re.compile(
    r"""
      (?<=[A-Za-zα-ω])\s*-\s*(?=[^\W_])      # GLP-1 is GLP1
    | (?<=[0-9])\s*-\s*(?=[^\W\d_])          # 25-羟维生素D
    | (?<=[㐀-鿿])\s*-\s*(?=[㐀-鿿A-Za-zα-ω])  # 下丘脑-垂体轴; but not 3-5, nor the sign of 剩余碱-2
    """,
    re.VERBOSE,
)

# Numerals --------------------------------------------------------------------------------------------------------
# A numeral counts before a classifier or before others that share it (II-III级). X线 is no tenth line.
_ROMAN = r"(?:IX|IV|VI{0,3}|I{1,3}|XI{1,2})"
_SHARED = r"(?:\s*[-~、/或和至及]\s*(?:[0-9]{1,3}|[IVX]{1,4}|[一二三四五六七八九十]{1,2})){0,5}"
_ROMAN_BEFORE = re.compile(rf"(?<![0-9A-Za-z]){_ROMAN}(?={_SHARED}\s*[型期级度类代])", re.IGNORECASE)
_ROMAN_AFTER = re.compile(r"(?<=[㐀-鿿a-z\s])(?:II|III|IV|VI|VII|VIII|IX)$")
_CHINESE_BEFORE = re.compile(
    rf"(?<![一二三四五六七八九十])[一二三四五六七八九十]{{1,2}}(?={_SHARED}\s*[型期级度类代线联])"
)
_DEGREE = re.compile(r"(?<=[0-9])\s*°(?![CcFf])")

# Spaces, punctuation, spelling, case ----------------------------------------------------------------------------------
_SPACE = re.compile(r"\s+")
_SPACE_NEEDED = re.compile(r"(?<=[0-9])\s+(?=[0-9])")
_QUOTES = re.compile(r"['\"`´ʹʼ‘’‚‛“”„‟′″「」『』《》〈〉]+")
_DOTS = str.maketrans("•‧∙⋅・･●", "·······")
_TILDES = str.maketrans("∼〜～˜", "~~~~")
_SPELLINGS = {"综合症": "综合征", "粘": "黏"}
_CASED = re.compile(
    r"(?<![A-Za-z])(Ag|Al|As|Au|Ba|Ca|Cd|Cl|Co|Cr|Cu|Fe|Hg|Li|Mg|Mn|Na|Ni|Pa|Pb|Se|Zn|pH)(?![A-Za-z0-9])"
)
"""Names in which case matters: Ca is calcium, CA is not; Mg is magnesium, mg a unit."""


def _width(text: str) -> str:
    """Fold full-width and compatibility characters where their meaning stays."""
    text = _ROMAN_CHARACTERS.sub(lambda found: _roman_value(unicodedata.normalize("NFKC", found[0])), text)
    pieces, position = [], 0
    for kept in _KEPT.finditer(text):
        pieces += [unicodedata.normalize("NFKC", text[position : kept.start()]), kept[0]]
        position = kept.end()
    pieces.append(unicodedata.normalize("NFKC", text[position:]))
    return _INVISIBLE.sub("", "".join(pieces)).translate(_TILDES)


def _roman_value(numeral: str) -> str:
    return _ROMAN_VALUES.get(numeral.upper(), numeral)


def _look_alikes(text: str) -> str:
    """Replace characters that stand for Greek or Latin letters of the same shape."""
    text = text.translate(_GREEK_FOR).translate(_CYRILLIC)
    return _GREEK_CAPITALS_IN_LATIN.sub(lambda found: found[0].translate(_CAPITALS), text)


def _hyphens(text: str) -> str:
    """Make all dashes one, and remove those that only join (GLP-1, DPP一4)."""
    return _HYPHEN.sub("", _DASH.sub("-", text))


def _numerals(text: str) -> str:
    """Write Roman and Chinese numerals of types, stages and grades in digits."""
    text = _ROMAN_BEFORE.sub(lambda found: _roman_value(found[0]), text)
    text = _ROMAN_AFTER.sub(lambda found: _roman_value(found[0]), text)
    text = _CHINESE_BEFORE.sub(lambda found: _chinese_value(found[0]), text)
    return _DEGREE.sub("度", text)


def _chinese_value(numeral: str) -> str:
    """Return the digits of a numeral from 一 to 十九 and of round tens; other pairs stay."""
    if len(numeral) == 1:
        return _CHINESE_VALUES[numeral]
    tens, ones = numeral[0], numeral[1]
    if tens == "十" and ones != "十":
        return f"1{_CHINESE_VALUES[ones]}"
    return f"{_CHINESE_VALUES[tens]}0" if ones == "十" and tens != "十" else numeral


def _spaces(text: str) -> str:
    """Remove spaces and line breaks; between digits one stays."""
    return _SPACE.sub(lambda found: " " if _SPACE_NEEDED.match(text, found.start()) else "", text.strip())


def _punctuation(text: str) -> str:
    """Remove quotation marks and apostrophes; make all middle dots one."""
    return _QUOTES.sub("", text).translate(_DOTS)


def _spelling(text: str) -> str:
    """Choose one of two accepted spellings."""
    for variant, chosen in _SPELLINGS.items():
        text = text.replace(variant, chosen)
    return text


def _case(text: str) -> str:
    """Fold the case, except of chemical symbols."""
    return "".join(part if index % 2 else part.casefold() for index, part in enumerate(_CASED.split(text)))


STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("width", _width),
    ("look-alike", _look_alikes),
    ("hyphen", _hyphens),
    ("numeral", _numerals),
    ("space", _spaces),
    ("punctuation", _punctuation),
    ("spelling", _spelling),
    ("case", _case),
)
"""The steps by the name of the reason that they give."""


@lru_cache(CACHED)
def normalize(surface: str) -> str:
    r"""Return the key of a mention; it is empty only for an empty surface.

    The key is for comparison, not for display. ``normalize(normalize(x)) == normalize(x)``.

    Examples
    --------
    >>> {normalize(surface) for surface in ("Ⅱ型糖尿病", "II 型糖尿病", "二型糖尿\n病", "２型糖尿病")}
    {'2型糖尿病'}
    >>> normalize("DPP一4"), normalize("HbA1C"), normalize("Ca"), normalize("CA")
    ('dpp4', 'hba1c', 'Ca', 'ca')
    """
    key, previous = surface, None
    # A step can make room for an earlier one, for example where a quotation mark stood between two characters.
    while key != previous:
        previous = key
        for _, step in STEPS:
            key = step(key) or key
    return key


def difference(first: str, second: str) -> str | None:
    """Name the step after which two surfaces are equal (``same`` for equal ones), or None when their keys differ.

    Examples
    --------
    >>> difference("2型糖尿病", "２型糖尿病"), difference("2型糖尿病", "二型糖尿病"), difference("1型", "11型")
    ('width', 'numeral', None)
    """
    if first == second:
        return "same"
    if normalize(first) != normalize(second):
        return None
    for name, step in STEPS:
        first, second = step(first) or first, step(second) or second
        if first == second:
            return name
    return STEPS[-1][0]
