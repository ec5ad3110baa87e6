"""What the HTML pages of suwen share: safe text, colors of types, one calm style.

The pages stand alone: no script, no font and no file from elsewhere; a content policy forbids the browser to load or
run any. Filters are check boxes that the style sheet reads (``:has``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from suwen.document import Entity, Span
from suwen.schema import PALETTE, EntityType, Schema

__all__ = [
    "FOOT",
    "LINE_GAP",
    "Types",
    "attribute",
    "both",
    "chip",
    "filter_hint",
    "filter_style",
    "head",
    "mark",
    "marked_up",
    "mention_title",
    "number",
    "table",
    "text_with_mentions",
    "type_filter",
    "type_name",
]

# Characters that a reader cannot see, that reorder the text, or that HTML cannot hold: controls other than tab and line
# breaks, C1 controls (which browsers read as Windows-1252), bidirectional and invisible format characters (except the
# joiners, which emoji need), line separators, lone surrogates of file names, tags.
INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_UNSAFE_IN_TEXT = re.compile(f"[&<>\r{INVISIBLE}]")
_UNSAFE_IN_ATTRIBUTE = re.compile(f"[&<>\"'\r\n\t{INVISIBLE}]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "\n": " ", "\r": " ", "\t": " "}
LINE_GAP = re.compile(r"(?<![ \t\u3000])[ \t\u3000]*[\r\n][ \t\u3000\r\n]*")
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(?:rgb|hsl|oklch|oklab|lch|lab)a?\([0-9a-z.,%/ ]{1,60}\)")

BASE_STYLE = """
:root{color-scheme:light dark;
--paper:#fdfdfb;--panel:#f4f4ef;--ink:#1d2126;--quiet:#5d646d;--line:#dededa;--link:#1f5fa8}
@media(prefers-color-scheme:dark){
:root{--paper:#16181b;--panel:#1f2226;--ink:#dcdfe3;--quiet:#9aa2ab;--line:#34383e;--link:#8ab8ee}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:72rem;background:var(--paper);color:var(--ink);
font:17px/1.75 system-ui,-apple-system,"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{font-size:1.5rem;line-height:1.4;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;line-height:1.4;margin:2.5rem 0 .5rem;overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.2em}
[lang=en]{color:var(--quiet);font-size:.85em}
.quiet{color:var(--quiet);font-size:.85rem;margin:.25rem 0}
.invisible{color:var(--quiet);font:.6em ui-monospace,monospace;border:1px solid var(--line);border-radius:3px;
padding:0 .25em;margin:0 .1em;vertical-align:.15em}
.invisible::before{content:attr(data-code)}
table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.5}
th{text-align:left;font-weight:600;color:var(--quiet);font-size:.8rem}
th,td{padding:.4rem 1.25rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;background:var(--c);margin-right:.45em}
.hidden{position:absolute;opacity:0;width:1px;height:1px;pointer-events:none}
.chip{position:relative;display:flex;align-items:baseline;padding:.2rem .5rem;border-radius:5px;cursor:pointer;
line-height:1.45;font-size:.9rem}
.chip .n{margin-left:auto;padding-left:.75em;color:var(--quiet);font-size:.8rem}
.chip [lang=en]{margin-left:.45em}
.chip:hover{background:color-mix(in srgb,var(--ink) 6%,transparent)}
.chip:has(:checked){background:color-mix(in srgb,var(--c,var(--link)) 40%,transparent);
box-shadow:inset 0 0 0 1px var(--c,var(--link))}
.chip:has(:checked) :is([lang=en],.n){color:inherit}
.chip:has(:focus-visible){outline:2px solid var(--link);outline-offset:1px}
button{font:inherit;font-size:.85rem;color:var(--link);background:none;border:1px solid var(--line);border-radius:5px;
padding:.15rem .6rem;cursor:pointer}
.scroll{overflow-x:auto}
header{margin-bottom:1.5rem}
.layout{display:grid;grid-template-columns:minmax(0,42em) minmax(13rem,1fr);gap:3rem;align-items:start}
.legend{grid-column:2;grid-row:1;position:sticky;top:1rem;max-height:calc(100vh - 2rem);overflow-y:auto;
background:var(--panel);border-radius:10px;padding:1rem .75rem}
main{grid-column:1;grid-row:1;min-width:0}
.legend h2{margin:0 .5rem .25rem;font-size:1rem}
.legend h3{margin:.75rem .5rem .1rem;font-size:.75rem;font-weight:600;color:var(--quiet)}
.legend .quiet{margin:.25rem .5rem;line-height:1.5;font-size:.78rem}
.legend button{margin:.25rem .5rem}
.switches{border-top:1px solid var(--line);margin-top:.75rem;padding-top:.5rem;font-size:.85rem}
.switches label{display:block;padding:.1rem .5rem;cursor:pointer}
mark{color:inherit;background:color-mix(in srgb,var(--c) 42%,transparent);border-bottom:2px solid var(--c);
border-radius:3px;padding:.12em .12em .08em;margin:0 .06em}
mark.from{border-top-left-radius:0;border-bottom-left-radius:0;padding-left:0;margin-left:0}
mark.to{border-top-right-radius:0;border-bottom-right-radius:0;padding-right:0;margin-right:0}
mark[data-type]::after{content:"\\2060" attr(data-type);font-size:.62em;line-height:1;color:var(--quiet);
margin-left:.3em;white-space:nowrap;vertical-align:.1em}
@media(prefers-color-scheme:dark){mark{background:color-mix(in srgb,var(--c) 24%,transparent)}}
@media screen and (max-width:56rem){
body{padding:1.25rem 1rem 3rem}
.layout{display:block}
.legend{position:static;max-height:none;padding:.75rem .5rem;margin-bottom:1.5rem}
.chips{display:flex;flex-wrap:wrap}
.chip .n{padding-left:.4em}}
@media print{
:root{--paper:#fff;--ink:#000;--quiet:#444;--line:#bbb}
body{padding:0;max-width:none;font-size:11pt}
a{color:inherit;text-decoration:none}
.screen{display:none!important}
.layout{display:block}
.legend{position:static;max-height:none;background:none;padding:0;margin-bottom:1rem}
.chips{display:flex;flex-wrap:wrap}
.chip .n{padding-left:.4em}
.scroll{overflow:visible}
tr,.chip{break-inside:avoid}
h2,h3{break-after:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

FOOT = "</body>\n</html>\n"


def marked_up(text: str) -> str:
    """The text as HTML whose text content is the text, safe inside any element.

    A character that a reader cannot see, or that HTML cannot hold (NUL, bidirectional overrides, a byte order mark),
    becomes an empty ``<i class="invisible" data-code="U+202E">``, which the style shows as its code in a small frame.
    """
    return _UNSAFE_IN_TEXT.sub(_reference_in_text, text)


def _reference_in_text(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\r":  # a bare one would be read as a line feed
        return "&#13;"
    return _REFERENCES.get(character) or f'<i class="invisible" data-code="{_code(character)}"></i>'


def attribute(text: str) -> str:
    """The text safe inside a quoted attribute or a ``<title>``: one line, invisible characters as ``[U+202E]``."""
    return _UNSAFE_IN_ATTRIBUTE.sub(lambda match: _REFERENCES.get(match[0]) or f"[{_code(match[0])}]", text)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def both(zh: str, en: str) -> str:
    """A phrase in Chinese with its English beside it; once where they are the same."""
    return marked_up(zh) if zh == en else f'{marked_up(zh)} <span lang="en">{marked_up(en)}</span>'


def number(value: int) -> str:
    """A count with separators: 12,345."""
    return f"{value:,}"


def head(title: str, style: str) -> str:
    """The beginning of a page, up to and with ``<body>``."""
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="generator" content="suwen">\n'
        f"<title>{attribute(title)}</title>\n<style>{BASE_STYLE}{style}</style>\n</head>\n<body>\n"
    )


class Types:
    """The entity types of one or more pages, each with a short class name (``t0``, ``t1``, ...) for the style sheet.

    Labels that the schema does not know are shown under their own name, in the order in which they are met.
    """

    def __init__(self, schema: Schema) -> None:
        self.groups = schema.groups
        self._types = {kind.name: kind for kind in schema.entities}
        self._numbers = {label: index for index, label in enumerate(schema.labels)}

    def __getitem__(self, label: str) -> EntityType:
        """The type of that label; a plain one when the schema has none."""
        if label not in self._types:
            index = self._numbers[label] = len(self._types)
            self._types[label] = EntityType(label, label, label, PALETTE[index % len(PALETTE)])
        return self._types[label]

    def css_class(self, label: str) -> str:
        """The class name of a label."""
        return f"t{self._numbers[self[label].name]}"

    def ordered(self, labels: Iterable[str]) -> list[EntityType]:
        """The types of these labels in the schema's order."""
        return sorted((self[label] for label in set(labels)), key=lambda kind: self._numbers[kind.name])

    def style(self, labels: Iterable[str]) -> str:
        """Rules that give each of these labels its color, as ``--c``."""
        return "".join(
            f".{self.css_class(kind.name)}{{--c:{_safe_color(kind.color)}}}\n" for kind in self.ordered(labels)
        )


def _safe_color(color: str) -> str:
    # A color may come from a label set that others wrote; anything but a color could break out of the style sheet.
    return color if _COLOR.fullmatch(color) else "#b8c4ce"


def filter_style(facet: str, names: Iterable[str], turned_off: str) -> str:
    """Rules that turn off what a filter leaves out.

    A facet is a set of check boxes of class `facet` with the ids ``{facet}-{name}``. While none is checked, all is
    shown; otherwise only what has the class of a checked one. `turned_off` is the rule with ``{name}`` for the class.
    """
    return "".join(
        f"body:has(.{facet}:checked):not(:has(#{facet}-{name}:checked)) {turned_off.replace('{name}', name)}\n"
        for name in names
    )


def chip(facet: str, name: str, label: str, count: int) -> str:
    """A check box of a filter (see `filter_style`) with its `label`, which is HTML, and how many it stands for."""
    return (
        f'<label class="chip {name}"><input type="checkbox" class="{facet} hidden" id="{facet}-{name}">'
        f'<span>{label}</span><span class="n">{number(count)}</span></label>\n'
    )


def filter_hint() -> str:
    """How the filters work."""
    return f'<p class="quiet screen">{both("点选后只显示所选", "Pick some to see only those")}</p>\n'


def type_filter(counts: Mapping[str, int], types: Types) -> str:
    """The filter for types, under the headings of the label set: one chip for each label that is counted."""
    if not counts:
        return ""
    headings = {name: both(zh, en) for name, zh, en in types.groups}
    parts = []
    for group, kinds in groupby(types.ordered(counts), key=lambda kind: kind.group):
        parts.append(f"<h3>{headings[group]}</h3>\n" if group in headings else "")
        chips = (chip("type", types.css_class(kind.name), type_name(kind), counts[kind.name]) for kind in kinds)
        parts.append(f'<div class="chips">\n{"".join(chips)}</div>\n')
    return "".join(parts)


def type_name(kind: EntityType) -> str:
    """A swatch and the names of a type, as HTML; its color comes from the class of an element around it."""
    return f'<span class="swatch"></span>{both(kind.zh, kind.en)}'


def table(columns: Iterable[tuple[str, str, str]], rows: Iterable[str], name: str = "") -> str:
    """A table of class `name`, scrolled sideways where needed.

    A column is its Chinese and English name and the class of its cells; a row is HTML.
    """
    cells = "".join(f'<th class="{style}">{both(zh, en)}</th>' for zh, en, style in columns)
    return (
        f'<div class="scroll"><table class="{name}">\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n"
    )


def mention_title(kind: EntityType, score: float | None, page: int | None = None) -> str:
    """What is shown when the pointer rests on a mention: the type's names, the confidence and the page."""
    parts = [kind.zh if kind.zh == kind.en else f"{kind.zh} {kind.en}"]
    if score is not None:
        parts.append(f"置信度 confidence {score:.2f}")
    if page is not None:
        parts.append(f"第 {page} 页 page {page}")
    return " · ".join(parts)


def text_with_mentions(
    text: str,
    entities: Sequence[Entity],
    opening_tag: Callable[[int, Span], str],
    stretch: Callable[[int, int], str],
) -> Iterator[str]:
    """The text with a ``<mark>`` around every piece of a mention, as chunks of HTML.

    Parameters
    ----------
    opening_tag
        Makes the tag for a piece ``[start, end)`` of ``entities[index]`` (see `mark`).
    stretch
        Makes the HTML for ``[start, end)`` of the text, in which no piece begins or ends.
    """
    position = 0
    ends: list[int] = []
    for start, end, index in nested_pieces(text, entities):
        while ends and ends[-1] <= start:
            yield stretch(position, ends[-1])
            yield "</mark>"
            position = ends.pop()
        yield stretch(position, start)
        yield opening_tag(index, (start, end))
        position = start
        ends.append(end)
    while ends:
        yield stretch(position, ends[-1])
        yield "</mark>"
        position = ends.pop()
    yield stretch(position, len(text))


def mark(entity: Entity, piece: Span, classes: str, name: str, title: str) -> str:
    """The opening tag of a piece of a mention; its last piece carries the name that is shown behind it."""
    start, end = piece
    classes += " from" * (start > entity.start) + " to" * (end < entity.end)
    shown = f' data-type="{attribute(name)}"' if end == entity.end else ""
    return f'<mark class="{classes}"{shown} title="{attribute(title)}">'


def nested_pieces(text: str, entities: Sequence[Entity]) -> list[tuple[int, int, int]]:
    """Cut the mentions so that they nest.

    Returns
    -------
    list of (start, end, index)
        Pieces of ``entities[index]`` in the order in which they open. Any two are apart or one holds the other. The
        pieces of a mention cover its fragments and the white space between them.
    """
    opening: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    boundaries: set[int] = set()
    for index, entity in enumerate(entities):
        for start, end in _joined(text, entity):
            opening[start].append((end, index))
            boundaries.update((start, end))

    pieces: list[tuple[int, int, int]] = []
    open_pieces: list[tuple[int, int]] = []  # place in `pieces`, where the mention ends; the outermost first
    for position in sorted(boundaries):
        ended = next((depth for depth, (_, end) in enumerate(open_pieces) if end == position), len(open_pieces))
        new = opening[position]
        for place, end in open_pieces[ended:]:
            start, _, index = pieces[place]
            pieces[place] = start, position, index
            if end > position:
                new.append((end, index))
        del open_pieces[ended:]
        for end, index in sorted(new, key=lambda piece: (-piece[0], piece[1])):
            open_pieces.append((len(pieces), end))
            pieces.append((position, end, index))
    return pieces


def _joined(text: str, entity: Entity) -> Iterator[Span]:
    """The fragments of a mention, those with only white space between them as one."""
    start, end = entity.pieces[0]
    for next_start, next_end in entity.pieces[1:]:
        if text[end:next_start].strip():
            yield start, end
            start = next_start
        end = next_end
    yield start, end
