"""Formulas in running text: MathML, Word's OMML and TeX, each on one line.

A fraction is written ``a/b``, a root ``√x``. Powers and indices are superscripts and subscripts of the text
(`suwen.formats.articles.markup`). Parentheses stand where a numerator, a denominator or a root has several parts.
"""

# ruff: noqa: SIM905 (lists of words are easier to read as words)
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html.entities import html5

from suwen.formats.articles.markup import Element, RunningText, Script, local_name

__all__ = ["FORMULAS", "add_formula", "add_tex"]

FORMULAS = frozenset(("math", "oMath"))
"""The elements that hold a formula in MathML and in OMML."""

DEEPEST = 50
"""Maximum nesting; deeper parts are written without their structure."""

TOKENS = frozenset("mi mn mo mtext ms t".split())
UNSEEN = frozenset("annotation annotation-xml mphantom none mprescripts".split())
INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064"))
"""Operators without a sign: function application, times, comma, plus."""

LAYOUTS: dict[str, tuple[Script | None, ...]] = {
    "msup": (None, "exponent"),
    "msub": (None, "subscript"),
    "munder": (None, "subscript"),
    "msubsup": (None, "subscript", "exponent"),
    "munderover": (None, "subscript", "exponent"),
}
"""Templates for the parts of a MathML element, in their order."""

WORD_PARTS: dict[str, Script] = {"sup": "exponent", "sub": "subscript", "lim": "subscript", "deg": "exponent"}
"""Templates for the parts of an OMML structure, by their names."""

SPACED = frozenset("mtd mtr mr mspace fName".split())
"""A space follows these."""

MACRON, CIRCUMFLEX, TILDE, DOT = "\u0304", "\u0302", "\u0303", "\u0307"
ACCENTS = {"\u203e": MACRON, "\u0305": MACRON, "_": MACRON, "\u02c6": CIRCUMFLEX, "\u02dc": TILDE, "\u02d9": DOT}
ACCENTS |= {"\xaf": MACRON, "^": CIRCUMFLEX, "~": TILDE, "\u2192": "\u20d7"}
"""Signs over a letter as marks that combine with it: a mean is written x with a macron."""

_SIMPLE = re.compile(r"[\w.%‰·]*")
Skip = Callable[[Element], bool]


def add_formula(formula: Element, text: RunningText, skip: Skip = lambda _: False) -> None:
    """Write a formula in MathML or OMML into a line of text.

    Parameters
    ----------
    skip
        Asked once for each element; what it says yes to is passed over with all that is in it.
    """
    _Writer(text, skip).add(formula)


class _Writer:
    """Writes a formula part by part.

    Parameters
    ----------
    text
        Where it is written.
    skip
        Says which elements are passed over.
    """

    def __init__(self, text: RunningText, skip: Skip) -> None:
        self._text = text
        self._skip = skip
        self._depth = 0

    def add(self, element: Element, script: Script | None = None) -> None:
        """Write an element, as a script if one is named."""
        if script:
            self._text.begin_script(script)
        self._depth += 1
        self._add(element, local_name(element))
        self._depth -= 1
        if script:
            self._text.end_script()

    def _add(self, element: Element, name: str) -> None:
        if name in TOKENS or self._depth > DEEPEST:
            self._text.add("".join(element.itertext()).translate(INVISIBLE))
            return
        parts = [part for part in element if _is_part(part) and not self._skip(part)]
        if name in ("mfrac", "f"):
            self._add_fraction(parts)
        elif name in ("msqrt", "mroot", "rad"):
            self._add_root(parts, name)
        elif (name == "mover" and len(parts) == 2) or name in ("bar", "acc"):
            sign = _plain(parts.pop()) if name == "mover" else _property(element, "chr", "^" if name == "acc" else "_")
            self._add_all(parts)
            self._text.add(ACCENTS.get(sign, sign))
        elif name in ("mfenced", "d"):
            self._add_fenced(element, parts, name)
        elif name == "mmultiscripts":
            self._add_scripts(element)
        else:
            self._text.add(_property(element, "chr", "∫") if name == "nary" else None)
            scripts = LAYOUTS.get(name, ())
            for place, part in enumerate(parts):
                self.add(part, scripts[place] if place < len(scripts) else WORD_PARTS.get(local_name(part)))
        if name in SPACED:
            self._text.add(" ")

    def _add_all(self, parts: Sequence[Element]) -> None:
        for part in parts:
            self.add(part, WORD_PARTS.get(local_name(part)))

    def _add_fraction(self, parts: Sequence[Element]) -> None:
        for place, part in enumerate(parts):
            self._text.add("/" if place else None)
            self._add_grouped([part])

    def _add_root(self, parts: Sequence[Element], name: str) -> None:
        index = {"msqrt": [], "mroot": parts[1:], "rad": parts[:-1]}[name]
        for part in index:
            self.add(part, "exponent")
        self._text.add("√")
        self._add_grouped([part for part in parts if part not in index])

    def _add_grouped(self, parts: Sequence[Element]) -> None:
        """Write parts in parentheses, unless they are a single word or number."""
        several = not _SIMPLE.fullmatch("".join(map(_plain, parts)))
        self._text.add("(" if several else None)
        self._add_all(parts)
        self._text.add(")" if several else None)

    def _add_fenced(self, element: Element, parts: Sequence[Element], name: str) -> None:
        if name == "d":
            begin, between, end = (_property(element, key, value) for key, value in WORD_FENCE.items())
        else:
            begin, between, end = (element.get(key, value) for key, value in FENCE.items())
        self._text.add(begin)
        for place, part in enumerate(parts):
            self._text.add(between[:1] if place else None)
            self.add(part)
        self._text.add(end)

    def _add_scripts(self, element: Element) -> None:
        """Write a base with scripts before it and after it."""
        base, *after = (part for part in element if local_name(part))
        names = [local_name(part) for part in after]
        middle = names.index("mprescripts") if "mprescripts" in names else len(after)
        for parts in (after[middle + 1 :], [base], after[:middle]):
            for place, part in enumerate(parts):
                if local_name(part) != "none":
                    self.add(part, None if part is base else "exponent" if place % 2 else "subscript")


FENCE = {"open": "(", "separators": ",", "close": ")"}
WORD_FENCE = {"begChr": "(", "sepChr": "|", "endChr": ")"}


def _is_part(element: Element) -> bool:
    name = local_name(element)
    return bool(name) and name not in UNSEEN and not name.endswith("Pr")


def _plain(element: Element) -> str:
    """Return the signs of a part, without its structure."""
    return "".join(text for item in element.iter() if local_name(item) in TOKENS for text in item.itertext()).strip()


def _property(element: Element, name: str, default: str) -> str:
    """Return the value of a property of a structure of OMML."""
    for properties in element:
        if local_name(properties).endswith("Pr"):
            for item in properties:
                if local_name(item) == name:
                    return next((value for key, value in item.attrib.items() if key.endswith("val")), default)
    return default


TEX_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
TEX_DELIMITERS = ("$$", "$", r"\(", r"\[", r"\)", r"\]")
LONGEST_TEX = 10_000
TEX_FONTS = frozenset(
    "mathrm mathit mathbf mathsf mathcal text textit textrm textbf textsf rm it bf left right displaystyle textstyle "
    "limits nolimits big Big bigg Bigg operatorname mbox hbox boldsymbol bm ensuremath".split()
)
"""Commands that say how letters look; the letters stay."""

TEX_SIGNS = dict.fromkeys("quad qquad space".split(), " ") | dict.fromkeys("ldots dots cdots".split(), "…")
TEX_SIGNS |= {"cdot": "·", "to": "→", "sim": "~", "degree": "°", "geqslant": "≥", "leqslant": "≤"}
TEX_SIGNS |= dict.fromkeys(("epsilon", "varepsilon"), "ε") | dict.fromkeys(("phi", "varphi"), "φ")
TEX_SIGNS |= {name: name for name in "log ln exp sin cos tan min max lim".split()}
TEX_MARKS = {"bar": MACRON, "overline": MACRON, "hat": CIRCUMFLEX, "tilde": TILDE, "dot": DOT}
TEX_SCRIPTS: dict[str, Script] = {"^": "exponent", "_": "subscript"}
_TEX_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)


class UnknownTexError(Exception):
    """The formula uses a command that is not known here."""


Pieces = Iterator[tuple[str, tuple[Script, ...]]]


def add_tex(formula: str, text: RunningText) -> bool:
    """Write a formula in TeX into a line of text; return False, and write nothing, where a command is not known."""
    found = TEX_DOCUMENT.search(formula)
    body = (found[1] if found else formula).strip()
    for sign in TEX_DELIMITERS:
        body = body.removeprefix(sign).removesuffix(sign).strip()
    if len(body) > LONGEST_TEX:
        return False
    try:
        pieces = list(_tex(_TEX_TOKEN.findall(body)[::-1]))
    except (UnknownTexError, IndexError, RecursionError):
        return False
    for piece, scripts in pieces:
        for script in scripts:
            text.begin_script(script)
        text.add(piece)
        for _ in scripts:
            text.end_script()
    return True


def _tex(tokens: list[str], scripts: tuple[Script, ...] = ()) -> Pieces:
    """Yield the pieces of a formula and how each is set; the tokens stand in reverse order, and are used up."""
    while tokens:
        sign = tokens.pop()
        name = sign[1:]
        if sign in TEX_SCRIPTS:
            yield from _tex(_argument(tokens), (*scripts, TEX_SCRIPTS[sign]))
        elif sign in ("{", "}") or sign.isspace() or name in TEX_FONTS:
            continue
        elif name in ("frac", "dfrac", "tfrac"):
            yield from _grouped(_argument(tokens), scripts)
            yield "/", scripts
            yield from _grouped(_argument(tokens), scripts)
        elif name == "sqrt":
            if tokens[-1] == "[":
                raise UnknownTexError
            yield "√", scripts
            yield from _grouped(_argument(tokens), scripts)
        elif name in TEX_MARKS:
            yield from _tex(_argument(tokens), scripts)
            yield TEX_MARKS[name], scripts
        else:
            yield _tex_sign(sign), scripts


def _grouped(tokens: list[str], scripts: tuple[Script, ...]) -> Pieces:
    several = not _SIMPLE.fullmatch("".join(tokens).strip("{}"))
    yield "(" if several else "", scripts
    yield from _tex(tokens, scripts)
    yield ")" if several else "", scripts


def _argument(tokens: list[str]) -> list[str]:
    """Take the next group, or a single sign, in reverse order."""
    sign = tokens.pop()
    while sign.isspace():
        sign = tokens.pop()
    taken = [sign]
    if sign.startswith("\\") and tokens and tokens[-1] == "{":
        return _argument(tokens) + taken
    open_groups = int(sign == "{")
    while open_groups:
        sign = tokens.pop()
        open_groups += (sign == "{") - (sign == "}")
        taken.append(sign)
    return taken[::-1]


def _tex_sign(sign: str) -> str:
    """Return the character that a sign stands for."""
    if not sign.startswith("\\"):
        return sign
    name = sign[1:]
    if not name.isalpha():
        return name if name in "%&#$_{}|" else " "
    character = TEX_SIGNS.get(name) or html5.get(f"{name};")
    if character is None:
        raise UnknownTexError
    return character
