"""Pages to look at: the text with its mentions colored, a legend that filters, and counts.

A path that ends in ``.html`` becomes one page with all documents; any other path becomes a folder with one page per
document and an ``index.html``. What is read of a page is its main text (see `suwen.formats.articles.web_page`), no
annotation.

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
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import quote

import numpy as np

from suwen.document import Document, Entity, Span, join_pieces
from suwen.files import StrPath, replacing, replacing_folder
from suwen.formats.articles import web_page
from suwen.formats.articles.files import MEGABYTE
from suwen.formats.base import ArticleFormat, WritableFormat
from suwen.formats.entity_table import Places
from suwen.formats.writing import file_key, not_held
from suwen.pages.page import (
    FOOT,
    LINE_GAP,
    Types,
    attribute,
    both,
    filter_hint,
    filter_style,
    head,
    mark,
    marked_up,
    mention_title,
    number,
    table,
    text_with_mentions,
    type_filter,
    type_name,
)
from suwen.schema import LCDD, Schema
from suwen.text.view import make_view

__all__ = ["FORMAT", "NAME", "UNCERTAIN_BELOW", "Html"]

NAME = "html"

UNCERTAIN_BELOW = 0.5
"""A mention with a lower confidence is drawn with a dotted line: by its own account it is more likely wrong."""

TOP_MENTIONS = 8
INDEX = "index.html"
LONG = 200_000  # on a page with more characters the browser lays out only the texts in sight

LONGEST_SHOWN = 40  # characters of a mention in the table of counts

STYLE = """
article{font-size:1.05rem;line-height:2.15;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
.soft{display:none}
.space{white-space:normal}
.paragraph{display:block;height:.8em;line-height:.8em;overflow:hidden}
body:has(#lines:checked) :is(.soft,.space,.paragraph){display:inline;white-space:inherit;line-height:inherit}
body:has(#lines:checked) .return::after{content:"\\a"}
main section+section{border-top:1px solid var(--line);margin-top:2.5rem}
mark:has(mark){padding-block:.3em .26em}
mark:has(mark mark){padding-block:.48em .44em}
mark.uncertain{border-bottom-style:dotted}
body:has(#names:not(:checked)) mark::after{content:none}
.bar{display:flex;height:.7em;min-width:8rem;border-radius:3px;overflow:hidden;margin-top:.4em}
.bar span{background:var(--c)}
.mentions span{display:inline-block;margin-right:.9em}
.mentions small{color:var(--quiet);font-variant-numeric:tabular-nums}
@media screen and (max-width:56rem){
.summary thead{display:none}
.summary tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--line);padding:.5rem 0}
.summary td{border:0;padding:0}
.summary td.distinct{display:none}
.summary td.mentions{grid-column:1/-1;padding-left:1.25em}}
@media screen{.long section{content-visibility:auto;contain-intrinsic-size:auto 60rem}}
@media print{article{font-size:11pt;line-height:2}}
"""

TURNED_OFF = "mark.{name}{background:none;border:0;padding:0;margin:0;&::after{content:none}}"


class Counts:
    """How many documents, characters and mentions there are, and which mentions of each type how often.

    Its size grows with the number of distinct mentions, not with the text.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.characters = 0
        self.uncertain = 0
        self.scored = False
        self.models: set[str] = set()
        self.mentions: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @classmethod
    def of(cls, document: Document) -> Counts:
        """The counts of one document."""
        counts = cls()
        counts.documents = 1
        counts.characters = len(document.text)
        if model := document.meta.get("model"):
            counts.models.add(str(model))
        for entity in document.entities:
            counts.mentions[entity.label][running(document.mention(entity))] += 1
            counts.scored |= entity.score is not None
            counts.uncertain += is_uncertain(entity)
        return counts

    def add(self, other: Counts) -> None:
        """Add the counts of others."""
        self.documents += other.documents
        self.characters += other.characters
        self.uncertain += other.uncertain
        self.scored |= other.scored
        self.models |= other.models
        for label, mentions in other.mentions.items():
            self.mentions[label].update(mentions)

    @property
    def total(self) -> int:
        """The number of mentions."""
        return sum(map(self.of_type, self.mentions))

    def of_type(self, label: str) -> int:
        """The number of mentions with that label."""
        return self.mentions[label].total()


class Html(ArticleFormat, WritableFormat):
    """Write pages to look at; read the main texts of a page, or of all pages of a folder.

    Faults are S101, S102, S114, and what `web_page.parse` raises.
    """

    name = NAME
    suffixes = (".html", ".htm", ".xhtml")
    largest = 32 * MEGABYTE
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the main text of a page (see `web_page.parse`)."""
        return web_page.parse(data, path, name)

    def write(
        self, documents: Iterable[Document], path: StrPath, *, schema: Schema = LCDD, title: str | None = None
    ) -> Counter[str]:
        """Write documents as one page (`path` ends in ``.html``) or as a folder of pages with an index.

        A folder suits many documents better, because a browser need open only one. Documents are taken one at a time;
        what stays in memory are the counts and a line per document for the index.

        Parameters
        ----------
        schema
            Names, colors and order of the types. Labels that it does not know are shown under their own name.
        title
            The heading; by default the document's id, or the name of the file or folder for several.

        Returns
        -------
        Counter[str]
            What the pages do not show, by kind.

        Raises
        ------
        SuwenError
            S101, S102 or S105 when it cannot be written, S104 when the folder exists and has content.
        """
        path = Path(path)
        unshown: Counter[str] = Counter()
        counted = _counting(documents, unshown)
        if path.suffix.lower() in self.suffixes:
            _write_page(counted, path, Types(schema), title)
        else:
            _write_folder(counted, path, Types(schema), title or path.name)
        return +unshown


FORMAT = Html()


def _counting(documents: Iterable[Document], unshown: Counter[str]) -> Iterator[Document]:
    for document in documents:
        unshown.update(not_held(document, {"entity", "fragments", "score", "page"}))
        if "model" in document.meta:
            unshown["meta"] -= 1
        yield document


def _write_page(documents: Iterator[Document], path: Path, types: Types, title: str | None) -> None:
    first = list(islice(documents, 2))
    several = len(first) > 1
    title = title or (first[0].id if len(first) == 1 else path.stem)
    counts = Counts()
    rows: list[str] = []
    with (
        replacing(path) as temporary,
        # The legend stands before the texts but is known only after the last, so the texts wait in a file.
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=temporary.parent) as texts,
    ):
        for index, document in enumerate(chain(first, documents), start=1):
            own = Counts.of(document)
            counts.add(own)
            anchor = f"d{index}"
            texts.write(f'<section id="{anchor}">\n')
            if several:
                rows.append(_index_row(document.id, own, types, f"#{anchor}"))
                texts.write(f"<h2>{marked_up(document.id)}</h2>\n{_about(own)}")
            texts.writelines(_article(document, types))
            texts.write("</section>\n")
        texts.seek(0)
        with temporary.open("w", encoding="utf-8", newline="\n") as page:
            page.write(_front(title, counts, types, _index(rows) if several else ""))
            shutil.copyfileobj(texts, page)
            page.write(_back(counts, types))


def _write_folder(documents: Iterator[Document], path: Path, types: Types, title: str) -> None:
    counts = Counts()
    rows: list[str] = []
    taken = {INDEX}
    with replacing_folder(path) as folder:
        for document in documents:
            own = Counts.of(document)
            counts.add(own)
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
    stem = "p-" + re.sub(r"[^\w-]+", "_", document_id.encode(errors="replace").decode())[:50]
    name = f"{stem}.html"
    copy = 1
    while file_key(name) in taken:
        copy += 1
        name = f"{stem}~{copy}.html"
    taken.add(file_key(name))
    return name


def _front(title: str, counts: Counts, types: Types, before: str) -> str:
    """A page up to where its texts begin; `before` stands between heading and texts."""
    filters = filter_style("type", map(types.css_class, counts.mentions), TURNED_OFF)
    return (
        head(title, STYLE + types.style(counts.mentions) + filters)
        + f'<header>\n<h1>{marked_up(title)}</h1>\n{_about(counts)}{before}</header>\n<div class="layout">\n'
        + _legend(counts, types)
        + f'<main class="{"long" if counts.characters > LONG else ""}">\n'
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
    parts += [f"{both('模型', 'model')} {marked_up(model)}" for model in sorted(counts.models)]
    return f'<p class="quiet">{" · ".join(parts)}</p>\n'


def _legend(counts: Counts, types: Types) -> str:
    """The types with their colors and counts, each a filter, and the switches of the view."""
    uncertain = ""
    if counts.scored:
        meaning = both(f"点线:置信度低于 {UNCERTAIN_BELOW}", f"dotted: confidence below {UNCERTAIN_BELOW}")
        uncertain = f'<p class="quiet">{meaning} · {number(counts.uncertain)}</p>\n'
    return (
        f'<form class="legend" autocomplete="off">\n<h2>{both("实体类型", "Entity types")}</h2>\n{filter_hint()}'
        f"{type_filter({label: counts.of_type(label) for label in counts.mentions}, types)}{uncertain}"
        '<div class="switches screen">\n'
        f'<label><input type="checkbox" id="names" checked> {both("类型名", "Type names")}</label>\n'
        f'<label><input type="checkbox" id="lines"> {both("原文换行", "Original line breaks")}</label>\n'
        f'<button type="reset">{both("复原", "Reset")}</button>\n'
        "</div>\n</form>\n"
    )


def _index(rows: list[str]) -> str:
    """The table of contents: a line per document, with its counts and its mix of types as a bar."""
    columns = (("文献", "Document", ""), ("字数", "Characters", "n"), ("实体", "Mentions", "n"), ("类型", "Types", ""))
    return f"<nav>\n<h2>{both('目录', 'Contents')}</h2>\n{table(columns, rows)}</nav>\n"


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
    columns = (("类型", "Type", ""), ("次数", "Count", "n"), ("不同", "Distinct", "n"), ("最常见", "Most frequent", ""))
    rows = (
        f'<tr><td class="{types.css_class(kind.name)}">{type_name(kind)}</td>'
        f'<td class="n">{number(counts.of_type(kind.name))}</td>'
        f'<td class="n distinct">{number(len(counts.mentions[kind.name]))}</td>'
        f'<td class="mentions">{_most_frequent(counts.mentions[kind.name])}</td></tr>\n'
        for kind in types.ordered(counts.mentions)
    )
    heading = both("实体统计", "Mentions by type")
    return f'<section class="summary">\n<h2>{heading}</h2>\n{table(columns, rows)}</section>\n'


def _most_frequent(mentions: Counter[str]) -> str:
    top = sorted(mentions.items(), key=lambda item: (-item[1], item[0]))[:TOP_MENTIONS]
    return " ".join(
        f"<span>{marked_up(mention[:LONGEST_SHOWN])}{'…' if len(mention) > LONGEST_SHOWN else ''}"
        f" <small>{number(count)}</small></span>"
        for mention, count in top
    )


def _article(document: Document, types: Types) -> Iterator[str]:
    places = Places(document)

    def opening_tag(index: int, piece: Span) -> str:
        entity = document.entities[index]
        kind = types[entity.label]
        classes = types.css_class(entity.label) + " uncertain" * is_uncertain(entity)
        return mark(entity, piece, classes, kind.zh, mention_title(kind, entity.score, places.page(entity)))

    yield '<article lang="zh">'
    yield from text_with_mentions(document.text, document.entities, opening_tag, Lines(document.text).stretch)
    yield "</article>\n"


class Lines:
    """A text as HTML in which line breaks can be shown as they are or as running text.

    White space around a line break is put in a ``<span>`` that says what the view makes of it: ``soft`` (nothing),
    ``space`` (a space) or ``paragraph``; the style sheet does the rest.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._view = make_view(text)

    def stretch(self, start: int, end: int) -> str:
        """The part ``[start, end)``."""
        part = self._text[start:end]
        chunks = []
        position = 0
        for gap in LINE_GAP.finditer(part):
            kind = self._kind(start + gap.start(), start + gap.end())
            chunks += [marked_up(part[position : gap.start()]), f'<span class="{kind}">{marked_up(gap[0])}</span>']
            position = gap.end()
        return "".join(chunks) + marked_up(part[position:])

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
