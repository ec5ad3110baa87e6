"""Pages to read: the text with its mentions colored, a legend that filters, and counts.

A path that ends in ``.html`` becomes one page with all documents; any other path becomes a folder with one page per
document and an ``index.html``. This format is only written.

How mentions are drawn
----------------------
- A mention is a frame in the color of its type with the type's name after it. Mentions inside others are frames inside
  frames; of two with the same span, the one that comes first in the document is the outer one.
- HTML cannot hold partly overlapping frames. Of two such mentions the one that begins later is cut where the earlier
  one ends; both halves have an open side there, and the name stands after the last half.
- Fragments with nothing but white space between them (a line break inside a mention) are one frame. With other text
  between them they are frames with open sides.
- Lines wrapped inside running text are joined for reading; a switch shows the line breaks of the original.
- The text content of an article is the document's text; for characters that cannot be shown see `page.marked_up`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from urllib.parse import quote

import numpy as np

from suwen.document import Document, Entity, Span, join_pieces
from suwen.errors import SuwenError
from suwen.files import replacing, replacing_folder
from suwen.formats.page import FOOT, Types, attribute, both, filter_style, head, marked_up, mention_title, number
from suwen.schema import LCDD, EntityType, Schema
from suwen.text.view import make_view

__all__ = ["NAME", "SUFFIXES", "UNCERTAIN_BELOW", "read", "sniff", "write"]

NAME = "html"
SUFFIXES = (".html", ".htm")

UNCERTAIN_BELOW = 0.5
"""A mention with a lower confidence is drawn with a dotted line: by its own account it is more likely wrong."""

TOP_MENTIONS = 8
INDEX = "index.html"
LINE_GAP = re.compile(r"(?<![ \t\u3000])[ \t\u3000]*[\r\n][ \t\u3000\r\n]*")

LONGEST_SHOWN = 40  # characters of a mention in the table of counts

STYLE = """
.about{margin:0 0 1.5rem}
.layout{display:grid;grid-template-columns:minmax(0,42em) minmax(13rem,1fr);gap:3rem;align-items:start}
.legend{grid-column:2;grid-row:1;position:sticky;top:1rem;max-height:calc(100vh - 2rem);overflow-y:auto;
background:var(--panel);border-radius:10px;padding:1rem .75rem}
.texts{grid-column:1;grid-row:1;min-width:0}
.legend h2{margin:0 .5rem .25rem;font-size:1rem}
.legend h3{margin:.75rem .5rem .1rem;font-size:.75rem;font-weight:600;color:var(--quiet)}
.legend .quiet{margin:.25rem .5rem;line-height:1.5;font-size:.78rem}
.legend button{margin:.25rem .5rem}
.switches{border-top:1px solid var(--line);margin-top:.75rem;padding-top:.5rem;font-size:.85rem}
.switches label{display:block;padding:.1rem .5rem;cursor:pointer}
article{font-size:1.05rem;line-height:2.15;white-space:pre-wrap;overflow-wrap:anywhere;text-align:start;tab-size:4}
.soft{display:none}
.space{white-space:normal}
.paragraph{display:block;height:.8em;line-height:.8em;overflow:hidden}
body:has(#lines:checked) :is(.soft,.space,.paragraph){display:inline;white-space:inherit;line-height:inherit}
body:has(#lines:checked) .return::after{content:"\\a"}
section+section{border-top:1px solid var(--line);margin-top:2.5rem}
mark{color:inherit;background:color-mix(in srgb,var(--c) 42%,transparent);border-bottom:2px solid var(--c);
border-radius:3px;padding:.12em .12em .08em;margin:0 .06em}
mark:has(mark){padding-block:.3em .26em}
mark:has(mark mark){padding-block:.48em .44em}
mark.from{border-top-left-radius:0;border-bottom-left-radius:0;padding-left:0;margin-left:0}
mark.to{border-top-right-radius:0;border-bottom-right-radius:0;padding-right:0;margin-right:0}
mark.uncertain{border-bottom-style:dotted}
mark[data-type]::after{content:"\\2060" attr(data-type);font-size:.62em;line-height:1;color:var(--quiet);
margin-left:.3em;white-space:nowrap;vertical-align:.1em}
@media(prefers-color-scheme:dark){mark{background:color-mix(in srgb,var(--c) 24%,transparent)}}
body:has(#names:not(:checked)) mark::after{content:none}
.scroll{overflow-x:auto}
.bar{display:flex;height:.7em;min-width:8rem;border-radius:3px;overflow:hidden;margin-top:.4em}
.bar span{background:var(--c)}
.mentions span{display:inline-block;margin-right:.9em}
.mentions small{color:var(--quiet);font-variant-numeric:tabular-nums}
@media(max-width:56rem){
.summary thead{display:none}
.summary tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--line);padding:.5rem 0}
.summary td{border:0;padding:0}
.summary td.distinct{display:none}
.summary td.mentions{grid-column:1/-1;padding-left:1.25em}
body{padding:1.25rem 1rem 3rem}
.layout{display:block}
.legend{position:static;max-height:none;padding:.75rem .5rem;margin-bottom:1.5rem}
.chips{display:flex;flex-wrap:wrap}
.chip .n{padding-left:.4em}}
@media print{
.layout{display:block}
.legend{position:static;max-height:none;background:none;padding:0;margin-bottom:1rem}
.chips{display:flex;flex-wrap:wrap}
.chip .n{padding-left:.4em}
article{font-size:11pt;line-height:2}
tr,.chip{break-inside:avoid}
h2{break-after:avoid}}
"""

TURNED_OFF = "mark.{name}{background:none;border:0;padding:0;margin:0}\n"


class Counts:
    """How many documents, characters and mentions there are, and which mentions of each type how often.

    Its size grows with the number of distinct mentions, not with the text.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.characters = 0
        self.uncertain = 0
        self.scored = False
        self.mentions: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @classmethod
    def of(cls, document: Document) -> Counts:
        """The counts of one document."""
        counts = cls()
        counts.add(document)
        return counts

    def add(self, document: Document) -> None:
        """Count a document."""
        self.documents += 1
        self.characters += len(document.text)
        for entity in document.entities:
            self.mentions[entity.label][running(document.mention(entity))] += 1
            self.scored |= entity.score is not None
            self.uncertain += is_uncertain(entity)

    @property
    def total(self) -> int:
        """The number of mentions."""
        return sum(map(self.of_type, self.mentions))

    def of_type(self, label: str) -> int:
        """The number of mentions with that label."""
        return self.mentions[label].total()


def write(
    documents: Iterable[Document], path: Path, schema: Schema = LCDD, title: str | None = None, overwrite: bool = False
) -> Counter[str]:
    """Write documents as one page (`path` ends in ``.html``) or as a folder of pages with an index.

    Documents are taken one at a time; what stays in memory are the counts and a line per document for the index.

    Parameters
    ----------
    schema
        Names, colors and order of the types. Labels that it does not know are shown under their own name.
    title
        The heading; by default the document's id, or the name of the file or folder for several.
    overwrite
        Whether a folder that exists may be replaced.

    Returns
    -------
    Counter[str]
        What the pages do not show, by kind.

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written, S104 when the folder exists and has content.
    """
    unshown: Counter[str] = Counter()
    counted = _counting(documents, unshown)
    if path.suffix.lower() in SUFFIXES:
        _write_page(counted, path, Types(schema), title)
    else:
        _write_folder(counted, path, Types(schema), title or path.name, overwrite)
    return unshown


def read(path: Path) -> Iterator[Document]:
    """Refuse: the pages are made to be looked at.

    Raises
    ------
    SuwenError
        S109, always.
    """
    raise SuwenError("S109", path, found="page to look at (html)", expected="corpus in another format")


def sniff(path: Path) -> bool:
    """Whether this format can read the path: never."""
    return False


def _counting(documents: Iterable[Document], unshown: Counter[str]) -> Iterator[Document]:
    for document in documents:
        for kind in ("relations", "attributes", "notes", "pages"):
            if values := getattr(document, kind):
                unshown[kind] += len(values)
        if annotated := sum(entity.annotated is not None for entity in document.entities):
            unshown["mentions annotated otherwise than written"] += annotated
        yield document


def _write_page(documents: Iterator[Document], path: Path, types: Types, title: str | None) -> None:
    first = list(islice(documents, 2))
    several = len(first) > 1
    title = title or (first[0].id if len(first) == 1 else path.stem)
    counts = Counts()
    rows: list[str] = []
    # The legend stands before the texts but is known only after the last, so the texts wait in a file.
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as texts:
        for index, document in enumerate(chain(first, documents), start=1):
            counts.add(document)
            anchor = f"d{index}"
            texts.write(f'<section id="{anchor}">\n')
            if several:
                own = Counts.of(document)
                rows.append(_index_row(document.id, own, types, f"#{anchor}"))
                texts.write(f"<h2>{marked_up(document.id)}</h2>\n{_about(own)}")
            texts.writelines(_article(document, types))
            texts.write("</section>\n")
        texts.seek(0)
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as page:
            page.write(_front(title, counts, types, _index(rows) if several else ""))
            shutil.copyfileobj(texts, page)
            page.write(_back(counts, types))


def _write_folder(documents: Iterator[Document], path: Path, types: Types, title: str, overwrite: bool) -> None:
    counts = Counts()
    rows: list[str] = []
    taken = {INDEX}
    with replacing_folder(path, overwrite) as folder:
        for document in documents:
            counts.add(document)
            own = Counts.of(document)
            name = _page_name(document.id, taken)
            rows.append(_index_row(document.id, own, types, name))
            with (folder / name).open("w", encoding="utf-8", newline="\n") as page:
                back = f'<p class="quiet screen"><a href="{INDEX}">← {both("目录", "Contents")}</a></p>\n'
                page.write(_front(document.id, own, types, back))
                page.write("<section>\n")
                page.writelines(_article(document, types))
                page.write(f"</section>\n{_back(own, types)}")
        with (folder / INDEX).open("w", encoding="utf-8", newline="\n") as page:
            page.write(head(title, STYLE + types.style(counts.mentions)))
            page.write(f"<h1>{marked_up(title)}</h1>\n{_about(counts)}{_index(rows)}{_summary(counts, types)}{FOOT}")


def _page_name(document_id: str, taken: set[str]) -> str:
    """A file name for a document that every file system takes and that no other page has."""
    # "p" keeps clear of names that Windows reserves and of leading dots; file systems may ignore case.
    stem = "p-" + re.sub(r"[^\w-]+", "_", document_id.encode(errors="replace").decode())[:60]
    name = f"{stem}.html"
    copy = 1
    while name.casefold() in taken:
        copy += 1
        name = f"{stem}~{copy}.html"
    taken.add(name.casefold())
    return name


def _front(title: str, counts: Counts, types: Types, before: str) -> str:
    """A page up to where its texts begin; `before` stands between heading and texts."""
    filters = filter_style("type", map(types.css_class, counts.mentions), TURNED_OFF)
    return (
        head(title, STYLE + types.style(counts.mentions) + filters)
        + f'<header>\n<h1>{marked_up(title)}</h1>\n{_about(counts)}{before}</header>\n<div class="layout">\n'
        + _legend(counts, types)
        + '<main class="texts">\n'
    )


def _back(counts: Counts, types: Types) -> str:
    """What follows the texts of a page."""
    return f"</main>\n</div>\n{_summary(counts, types)}{FOOT}"


def _about(counts: Counts) -> str:
    parts = [
        f"{number(counts.characters)} {both('字', 'characters')}",
        f"{number(counts.total)} {both('处实体', 'mentions')}",
    ]
    if counts.documents != 1:
        parts.insert(0, f"{number(counts.documents)} {both('篇文献', 'documents')}")
    return f'<p class="quiet">{" · ".join(parts)}</p>\n'


def _legend(counts: Counts, types: Types) -> str:
    """The types with their colors and counts, each a filter, and the switches of the view."""
    headings = {name: both(zh, en) for name, zh, en in types.groups}
    parts = [
        f'<form class="legend" autocomplete="off">\n<h2>{both("实体类型", "Entity types")}</h2>\n',
        f'<p class="quiet screen">{both("点选后只显示所选类型", "Pick types to see only those")}</p>\n',
    ]
    for group, kinds in groupby(types.ordered(counts.mentions), key=lambda kind: kind.group):
        parts.append(f"<h3>{headings[group]}</h3>\n" if group in headings else "")
        parts.append('<div class="chips">\n')
        parts += [_chip(kind, counts.of_type(kind.name), types) for kind in kinds]
        parts.append("</div>\n")
    parts.append(f'<button type="reset" class="screen">{both("复原", "Reset")}</button>\n')
    if counts.scored:
        parts.append(
            f'<p class="quiet">{both(f"点线:置信度低于 {UNCERTAIN_BELOW}", "dotted line: lower confidence")}'
            f" · {number(counts.uncertain)}</p>\n"
        )
    parts.append(
        '<div class="switches screen">\n'
        f'<label><input type="checkbox" id="names" checked> {both("类型名", "Type names")}</label>\n'
        f'<label><input type="checkbox" id="lines"> {both("原文换行", "Original line breaks")}</label>\n'
        "</div>\n</form>\n"
    )
    return "".join(parts)


def _chip(kind: EntityType, count: int, types: Types) -> str:
    name = types.css_class(kind.name)
    return (
        f'<label class="chip {name}"><input type="checkbox" class="type hidden" id="type-{name}">'
        f'<span><span class="swatch"></span>{both(kind.zh, kind.en)}</span>'
        f'<span class="n">{number(count)}</span></label>\n'
    )


def _index(rows: list[str]) -> str:
    """The table of contents: a line per document, with its counts and its mix of types as a bar."""
    heads = (("文献", "Document", ""), ("字数", "Characters", "n"), ("实体", "Mentions", "n"), ("类型", "Types", ""))
    cells = "".join(f'<th class="{style}">{both(zh, en)}</th>' for zh, en, style in heads)
    return (
        f'<nav>\n<h2>{both("目录", "Contents")}</h2>\n<div class="scroll"><table>\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n</nav>\n"
    )


def _index_row(document_id: str, counts: Counts, types: Types, link: str) -> str:
    bar = "".join(
        f'<span class="{types.css_class(kind.name)}" style="flex:{counts.of_type(kind.name)}"'
        f' title="{attribute(f"{kind.zh} {counts.of_type(kind.name)}")}"></span>'
        for kind in types.ordered(counts.mentions)
    )
    return (
        f'<tr><td><a href="{attribute(quote(link, safe="#~"))}">{marked_up(document_id)}</a></td>'
        f'<td class="n">{number(counts.characters)}</td><td class="n">{number(counts.total)}</td>'
        f'<td><div class="bar">{bar}</div></td></tr>\n'
    )


def _summary(counts: Counts, types: Types) -> str:
    """A line per type: how many mentions, how many different ones, the most frequent."""
    if not counts.mentions:
        return f"<p>{both('没有发现实体。', 'No mention was found.')}</p>\n"
    heads = (("类型", "Type", ""), ("次数", "Count", "n"), ("不同", "Distinct", "n"), ("最常见", "Most frequent", ""))
    cells = "".join(f'<th class="{style}">{both(zh, en)}</th>' for zh, en, style in heads)
    rows = "".join(
        f'<tr><td class="{types.css_class(kind.name)}"><span class="swatch"></span>{both(kind.zh, kind.en)}</td>'
        f'<td class="n">{number(counts.of_type(kind.name))}</td>'
        f'<td class="n distinct">{number(len(counts.mentions[kind.name]))}</td>'
        f'<td class="mentions">{_most_frequent(counts.mentions[kind.name])}</td></tr>\n'
        for kind in types.ordered(counts.mentions)
    )
    return (
        f'<section class="summary">\n<h2>{both("实体统计", "Mentions by type")}</h2>\n<div class="scroll"><table>\n'
        f"<thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )


def _most_frequent(mentions: Counter[str]) -> str:
    top = sorted(mentions.items(), key=lambda item: (-item[1], item[0]))[:TOP_MENTIONS]
    return " ".join(
        f"<span>{marked_up(mention[:LONGEST_SHOWN])}{'…' if len(mention) > LONGEST_SHOWN else ''}"
        f" <small>{number(count)}</small></span>"
        for mention, count in top
    )


# The text with its mentions


def _article(document: Document, types: Types) -> Iterator[str]:
    """The text with a ``<mark>`` around every piece of a mention, as chunks of HTML."""
    text = document.text
    lines = Lines(text)
    position = 0
    ends: list[int] = []
    yield '<article lang="zh">'
    for start, end, index in nested_pieces(text, document.entities):
        while ends and ends[-1] <= start:
            yield from lines.between(position, ends[-1])
            yield "</mark>"
            position = ends.pop()
        yield from lines.between(position, start)
        yield _mark(document.entities[index], start, end, types)
        position = start
        ends.append(end)
    while ends:
        yield from lines.between(position, ends[-1])
        yield "</mark>"
        position = ends.pop()
    yield from lines.between(position, len(text))
    yield "</article>\n"


def _mark(entity: Entity, start: int, end: int, types: Types) -> str:
    """The opening tag for the piece ``[start, end)`` of a mention; the last piece carries the name of the type."""
    kind = types[entity.label]
    classes = [types.css_class(entity.label)]
    if start > entity.start:
        classes.append("from")
    if end < entity.end:
        classes.append("to")
    if is_uncertain(entity):
        classes.append("uncertain")
    name = f' data-type="{attribute(kind.zh)}"' if end == entity.end else ""
    return f'<mark class="{" ".join(classes)}"{name} title="{mention_title(kind, entity.score)}">'


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


class Lines:
    """A text as HTML in which line breaks can be shown as they are or as running text.

    White space around a line break is put in a ``<span>`` that says what the view makes of it: ``soft`` (nothing),
    ``space`` (a space) or ``paragraph``; the style sheet does the rest.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._view = make_view(text)

    def between(self, start: int, end: int) -> Iterator[str]:
        """The part ``[start, end)``."""
        part = self._text[start:end]
        position = 0
        for gap in LINE_GAP.finditer(part):
            yield marked_up(part[position : gap.start()])
            yield f'<span class="{self._kind(start + gap.start(), start + gap.end())}">{marked_up(gap[0])}</span>'
            position = gap.end()
        yield marked_up(part[position:])

    def _kind(self, start: int, end: int) -> str:
        first, last = np.searchsorted(self._view.source, (start, end))
        kept = self._view.text[first:last]
        kind = "paragraph" if "\n" in kept else "space" if kept else "soft"
        return kind if "\n" in self._text[start:end] else f"{kind} return"


def running(mention: str) -> str:
    """A mention as running text: without the line breaks inside it."""
    return join_pieces(LINE_GAP.split(mention))


def is_uncertain(entity: Entity) -> bool:
    """Whether the mention is by its own confidence more likely wrong than right."""
    return entity.score is not None and entity.score < UNCERTAIN_BELOW
