"""Prepare text, mentions and entity types for the HTML pages (see `suwen.pages.rendering`).

Marks inside a text are made here and not in templates, because they are written piece by piece.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from suwen.document import Entity, Span
from suwen.schema import PALETTE, EntityType, Schema

__all__ = [
    "LINE_GAP",
    "Types",
    "as_entity_types",
    "attribute",
    "filter_style",
    "mark",
    "marked_up",
    "mention_title",
    "on_one_line",
    "text_with_mentions",
]

# Characters that a reader cannot see, that reorder the text, or that HTML cannot hold: controls other than tab and line
# breaks, C1 controls (which browsers read as Windows-1252), bidirectional and invisible format characters (except the
# joiners, which emoji need), line separators, lone surrogates of file names, tags.
INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_UNSAFE_IN_TEXT = re.compile(f"[&<>\"'\r{INVISIBLE}]")
_UNSAFE_IN_ATTRIBUTE = re.compile(f"[&<>\"'\r\n\t{INVISIBLE}]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "\n": " ", "\r": " ", "\t": " "}
CLOSING_TAG = Markup("</mark>")
LINE_GAP = re.compile(r"(?<![ \t\u3000])[ \t\u3000]*[\r\n][ \t\u3000\r\n]*")
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(?:rgb|hsl|oklch|oklab|lch|lab)a?\([0-9a-z.,%/ ]{1,60}\)")


def marked_up(text: str) -> Markup:
    """Return the text as HTML whose text content is the text, safe inside any element.

    A character that a reader cannot see, or that HTML cannot hold (NUL, bidirectional overrides, a byte order mark),
    becomes an empty ``<i class="invisible" data-code="U+202E">``, which the style shows as its code in a small frame.
    """
    return Markup(_UNSAFE_IN_TEXT.sub(_reference_in_text, text))  # noqa: S704


def _reference_in_text(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\r":  # a bare one would be read as a line feed
        return "&#13;"
    return _REFERENCES.get(character) or f'<i class="invisible" data-code="{_code(character)}"></i>'


def attribute(text: str) -> Markup:
    """Return the text for a quoted attribute or a ``<title>``: one line, invisible characters as ``[U+202E]``."""
    safe = _UNSAFE_IN_ATTRIBUTE.sub(lambda match: _REFERENCES.get(match[0]) or f"[{_code(match[0])}]", text)
    return Markup(safe)  # noqa: S704


def on_one_line(text: str) -> Markup:
    """Return the text as HTML in which an arrow stands for each line break."""
    return Markup('<span class="break"></span>').join(map(marked_up, LINE_GAP.split(text)))


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


class Types:
    """The entity types of one or more pages, each with a short class name (``t0``, ``t1``, ...) for the style sheet.

    Labels that the schema does not know are shown under their own name, in the order in which they are met.

    Parameters
    ----------
    prefix
        The beginning of the class names, another one for a second set of types on the same page.
    """

    def __init__(self, schema: Schema, prefix: str = "t") -> None:
        self.groups = schema.groups
        self._prefix = prefix
        self._types = {kind.name: kind for kind in schema.entities}
        self._numbers = {label: index for index, label in enumerate(schema.labels)}

    def __getitem__(self, label: str) -> EntityType:
        """Return the type of that label; a plain one when the schema has none."""
        if label not in self._types:
            index = self._numbers[label] = len(self._types)
            self._types[label] = EntityType(label, label, label, PALETTE[index % len(PALETTE)])
        return self._types[label]

    def css_class(self, label: str) -> str:
        """Return the class name of a label."""
        return f"{self._prefix}{self._numbers[self[label].name]}"

    def ordered(self, labels: Iterable[str]) -> list[EntityType]:
        """Return the types of these labels in the schema's order."""
        return sorted((self[label] for label in dict.fromkeys(labels)), key=lambda kind: self._numbers[kind.name])

    def grouped(self, labels: Iterable[str]) -> list[tuple[tuple[str, str] | None, list[EntityType]]]:
        """Return the types of these labels under the headings of the schema (Chinese, English), None for no heading."""
        headings = {name: (zh, en) for name, zh, en in self.groups}
        groups = groupby(self.ordered(labels), key=lambda kind: kind.group)
        return [(headings.get(name), list(kinds)) for name, kinds in groups]

    def style(self, labels: Iterable[str]) -> str:
        """Return rules that give each of these labels its color, as ``--c``."""
        return "".join(
            f".{self.css_class(kind.name)}{{--c:{_safe_color(kind.color)}}}\n" for kind in self.ordered(labels)
        )


def as_entity_types(schema: Schema) -> Schema:
    """Return the relation types of a schema in the form that `Types`, filters and legends take."""
    kinds = enumerate(schema.relations)
    shown = tuple(EntityType(kind.name, kind.zh, kind.name, PALETTE[i % len(PALETTE)]) for i, kind in kinds)
    return Schema(schema.name, shown)


def _safe_color(color: str) -> str:
    # A color may come from a label set that others wrote; anything but a color could break out of the style sheet.
    return color if _COLOR.fullmatch(color) else "#b8c4ce"


def filter_style(facet: str, names: Iterable[str], turned_off: str) -> str:
    """Return rules that hide the mentions that a filter excludes.

    A facet is a set of check boxes of class `facet` with the ids ``{facet}-{name}``. While none is checked, all is
    shown; otherwise only what has the class of a checked one. `turned_off` is the rule with ``{name}`` for the class.
    """
    return "".join(
        f"body:has(.{facet}:checked):not(:has(#{facet}-{name}:checked)) {turned_off.replace('{name}', name)}\n"
        for name in names
    )


def mention_title(kind: EntityType, score: float | None, page: int | None = None) -> str:
    """Return the tooltip of a mention: the names of the type, the confidence and the page."""
    parts = [kind.title]
    if score is not None:
        parts.append(f"置信度 confidence {score:.2f}")
    if page is not None:
        parts.append(f"第 {page} 页 page {page}")
    return " · ".join(parts)


def text_with_mentions(
    text: str,
    entities: Sequence[Entity],
    opening_tag: Callable[[int, Span], Markup],
    stretch: Callable[[int, int], Iterable[Markup]],
) -> Iterator[Markup]:
    """Put a ``<mark>`` around every piece of a mention and return the HTML in chunks.

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
            yield from stretch(position, ends[-1])
            yield CLOSING_TAG
            position = ends.pop()
        yield from stretch(position, start)
        yield opening_tag(index, (start, end))
        position = start
        ends.append(end)
    while ends:
        yield from stretch(position, ends[-1])
        yield CLOSING_TAG
        position = ends.pop()
    yield from stretch(position, len(text))


def mark(entity: Entity, piece: Span, classes: str, name: str, title: str, color: str | None = None) -> Markup:
    """Return the opening tag of a piece of a mention; its last piece carries the name that is shown behind it.

    The color comes from the style sheet of the page by the class, or is given if there is none.
    """
    start, end = piece
    classes += " from" * (start > entity.start) + " to" * (end < entity.end)
    shown = f' data-type="{attribute(name)}"' if end == entity.end else ""
    style = f' style="--c:{attribute(_safe_color(color))}"' if color else ""
    return Markup(f'<mark class="{classes}"{style}{shown} title="{attribute(title)}">')  # noqa: S704


def nested_pieces(text: str, entities: Sequence[Entity]) -> list[tuple[int, int, int]]:
    """Cut the mentions so that they nest.

    Returns
    -------
    list[tuple[int, int, int]]
        The start, the end and the index into `entities` of each piece, in the order in which they open. Any two are
        apart or one holds the other. The pieces of a mention cover its fragments and the white space between them.
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
    """Yield the fragments of a mention, those with only white space between them as one."""
    start, end = entity.pieces[0]
    for next_start, next_end in entity.pieces[1:]:
        if text[end:next_start].strip():
            yield start, end
            start = next_start
        end = next_end
    yield start, end
