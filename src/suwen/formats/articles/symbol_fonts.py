"""Characters of the symbol fonts of Word: their places mean other characters than those of Unicode.

Word files store such a place from U+F020 on, in the private use area, or as the Latin character of the same place.
The table of Symbol is complete; of the Wingdings and Webdings it has what is in running text and forms.
"""

from __future__ import annotations

__all__ = ["PRIVATE", "symbol", "symbol_font"]

PRIVATE = range(0xF000, 0xF100)
"""The code range of symbol fonts in Word files."""

_ROWS = {
    0x20: " !∀#∃%&∋()*+,−./0123456789:;<=>?",
    0x40: "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_",
    0x60: "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵",
    0xC0: "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√·¬∧∨⇔⇐⇑⇒⇓",
    0xE0: "◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪",
    0xF1: "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
}
_WINGDINGS = {
    0x20: " ",
    0x4A: "☺😐☹",
    0x6C: "●❍■□□❑❒⬧⧫◆❖⬥☒",
    0x80: "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿",
    0x9E: "·•",
    0xA1: "○",
    0xA7: "▪□",
    0xAA: "✦★",
    0xD8: "➢",
    0xDF: "←→↑↓↖↗↙↘←→↑↓",
    0xEF: "⇦⇨⇧⇩⇔⇕",
    0xFB: "✗✓☒☑",
}
_WINGDINGS_2 = {0x20: " ", 0x4F: "✗✓☒☑☒", 0x97: "●", 0xA3: "□"}
_WEBDINGS = {0x20: " ", 0x61: "✓", 0x63: "□", 0x67: "■", 0x6E: "●", 0x72: "✗"}


def _places(rows: dict[int, str]) -> dict[int, str]:
    return {start + offset: character for start, row in rows.items() for offset, character in enumerate(row)}


_FONTS = {
    "symbol": _places(_ROWS),
    "wingdings": _places(_WINGDINGS),
    "wingdings 2": _places(_WINGDINGS_2),
    "webdings": _places(_WEBDINGS),
    "wingdings 3": {},
}
_FONTS["symbolmt"] = _FONTS["symbol mt"] = _FONTS["symbol"]


def symbol_font(name: str | None) -> str | None:
    """Return the name under which `symbol` knows a font; None for a font of text."""
    known = (name or "").strip().lower()
    return known if known in _FONTS else None


def symbol(code: int, font: str | None) -> str | None:
    """Return the character that a code point shows in a font; None if it is unknown.

    Parameters
    ----------
    code
        A code point of Unicode, or a place of a symbol font, from 0x20 or from 0xF020 on.
    font
        The font's name.
    """
    known = symbol_font(font)
    if known and (code < 0x100 or code in PRIVATE):
        return _FONTS[known].get(code & 0xFF)
    private = 0xE000 <= code <= 0xF8FF or code >= 0xF0000
    return None if private or 0xD800 <= code <= 0xDFFF or code < 0x20 else chr(code)
