"""Pages to look at: the text with its mentions colored, a legend that filters, and counts.

A path that ends in ``.html`` becomes one page with all documents; any other path becomes a folder with one page per
document and an ``index.html``. What is read of a page, or of the page in a web archive (MHTML), is its main text (see
`suwen.formats.articles.web_page`), no annotation.

How mentions are drawn
----------------------
- A mention is a frame in the color of its type with the type's name after it. Mentions inside others are frames inside
  frames; of two with the same span, the one that comes first in the document is the outer one.
- HTML cannot hold partly overlapping frames. Of two such mentions the one that begins later is cut where the earlier
  one ends; both halves have an open side there, and the name is after the last half.
- Fragments with nothing but white space between them (a line break inside a mention) are one frame. With other text
  between them they are frames with open sides.
- A negated mention is struck through, a hypothetical one is in italics (attribute ``Assertion``); all attributes are
  shown where the pointer rests.
- Lines wrapped inside running text are joined for reading; a switch shows the line breaks of the original.
- The text content of an article is the document's text; for characters that cannot be shown see `page.marked_up`.
- Relations are listed below the text, by the sentence of the argument that comes first.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from suwen.document import Attribute, Document, Entity, Span, join_pieces
from suwen.files import StrPath, replacing, replacing_folder
from suwen.formats.articles import web_page
from suwen.formats.articles.web_archive import ARCHIVES, is_archive, page_of_archive
from suwen.formats.base import ArticleFormat, WritableFormat
from suwen.formats.contents import MEGABYTE
from suwen.formats.entity_table import Places
from suwen.formats.relation_list import listed_relations
from suwen.formats.writing import file_key, not_held, stored_name
from suwen.pages.page import (
    LINE_GAP,
    Types,
    as_entity_types,
    filter_style,
    mark,
    marked_up,
    mention_title,
    text_with_mentions,
)
from suwen.pages.rendering import render
from suwen.schema import LCDD, EntityType, Schema
from suwen.text.view import make_view

__all__ = ["FORMAT", "NAME", "UNCERTAIN_BELOW", "Html"]

NAME = "html"
PAGES = (".html", ".htm", ".xhtml")
"""The extensions of a page that is written."""

UNCERTAIN_BELOW = 0.5
"""A mention with a lower confidence is drawn with a dotted line: by its own account it is more likely wrong."""

TOP_MENTIONS = 8
INDEX = "index.html"
LONG = 200_000  # on a page with more characters the browser lays out only the texts in sight

CHUNK = 1 << 16  # characters that are copied at once

ASSERTION, ASSERTED = "Assertion", ("negated", "hypothetical")
"""The attribute whose values are drawn: struck through, and in italics."""

LONGEST_SHOWN = 40  # characters of a mention in the table of counts

TURNED_OFF = "mark.{name}{background:none;border:0;padding:0;margin:0;&::after{content:none}}"


MODELS = ("model", "relation_model")
"""The keys of the metadata that name the models."""


class AllTypes(Types):
    """The entity types of one or more pages, and their relation types."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema)
        self.relations = Types(as_entity_types(schema), "r")

    def all_rules(self, counts: Counts) -> str:
        """Return rules for the colors of the types that occur, and for the filters."""
        entities, relations = map(self.css_class, counts.mentions), map(self.relations.css_class, counts.relations)
        return (
            self.style(counts.mentions)
            + self.relations.style(counts.relations)
            + filter_style("type", entities, TURNED_OFF)
            + filter_style("relation", relations, ".relations .{name}{display:none}")
        )


class Counts:
    """Counts of documents, characters and mentions, and of the mentions of each type.

    Its size grows with the number of distinct mentions, not with the text.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.characters = 0
        self.uncertain = 0
        self.scored = False
        self.asserted = False
        self.models: set[str] = set()
        self.relations: Counter[str] = Counter()
        self.mentions: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @classmethod
    def of(cls, document: Document) -> Counts:
        """Return the counts of one document."""
        counts = cls()
        counts.documents = 1
        counts.characters = len(document.text)
        counts.models.update(str(document.meta[key]) for key in MODELS if document.meta.get(key))
        counts.relations.update(relation.label for relation in document.relations)
        counts.asserted = any(attribute.label == ASSERTION for attribute in document.attributes)
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
        self.asserted |= other.asserted
        self.models |= other.models
        self.relations.update(other.relations)
        for label, mentions in other.mentions.items():
            self.mentions[label].update(mentions)

    @property
    def total(self) -> int:
        """The number of mentions."""
        return sum(map(self.of_type, self.mentions))

    @property
    def by_type(self) -> dict[str, int]:
        """The number of mentions of each label."""
        return {label: mentions.total() for label, mentions in self.mentions.items()}

    def of_type(self, label: str) -> int:
        """Return the number of mentions with that label."""
        return self.mentions[label].total()

    def most_frequent(self, label: str) -> list[tuple[str, int]]:
        """Return the most frequent mentions with that label, shortened, and their numbers."""
        top = sorted(self.mentions[label].items(), key=lambda item: (-item[1], item[0]))[:TOP_MENTIONS]
        return [(f"{one[:LONGEST_SHOWN]}…" if len(one) > LONGEST_SHOWN else one, count) for one, count in top]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table of contents; much smaller than the counts of its document."""

    id: str
    link: str
    characters: int
    mentions: int
    types: list[tuple[EntityType, int]]

    @classmethod
    def of(cls, document: Document, counts: Counts, types: Types, link: str) -> Line:
        """Return the line of a document."""
        by_type = [(kind, counts.of_type(kind.name)) for kind in types.ordered(counts.mentions)]
        return cls(document.id, quote(link, safe="#~"), counts.characters, counts.total, by_type)


class Html(ArticleFormat, WritableFormat):
    """Write pages to look at; read the main texts of a page, or of all pages of a folder.

    Faults are S101, S102, S114, and what `web_page.parse` raises.
    """

    name = NAME
    suffixes = (*PAGES, *ARCHIVES)
    largest = 32 * MEGABYTE
    yields = True

    def parse(self, data: bytes, path: Path, name: str) -> list[Document]:
        """Return the main text of a page (see `web_page.parse`), or of the page in a web archive."""
        return web_page.parse(page_of_archive(data, path) if is_archive(data) else data, path, name)

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
            Counts of what the pages do not show, by kind.

        Raises
        ------
        SuwenError
            S101, S102 or S105 when it cannot be written, S104 when the folder exists and has content.
        """
        path = Path(path)
        unshown: Counter[str] = Counter()
        counted = _counting(documents, unshown)
        if path.suffix.lower() in PAGES:
            _write_page(counted, path, AllTypes(schema), title)
        else:
            _write_folder(counted, path, AllTypes(schema), title or path.name)
        return +unshown


FORMAT = Html()


def _counting(documents: Iterable[Document], unshown: Counter[str]) -> Iterator[Document]:
    for document in documents:
        shown = {entity.id for entity in document.entities}
        unshown["attribute"] -= sum(attribute.target in shown for attribute in document.attributes)
        unshown.update(not_held(document, {"entity", "fragments", "score", "page", "relation", "relation score"}))
        unshown["meta"] -= sum(key in document.meta for key in MODELS)
        yield document


def _write_page(documents: Iterator[Document], path: Path, types: AllTypes, title: str | None) -> None:
    first = list(islice(documents, 2))
    several = len(first) > 1
    title = title or (first[0].id if len(first) == 1 else path.stem)
    counts = Counts()
    lines: list[Line] = []
    with (
        replacing(path) as temporary,
        # The legend is before the texts but is known only after the last, so the texts wait in a file.
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=temporary.parent) as texts,
    ):
        for index, document in enumerate(chain(first, documents), start=1):
            own = Counts.of(document)
            counts.add(own)
            anchor = f"d{index}"
            if several:
                lines.append(Line.of(document, own, types, f"#{anchor}"))
            texts.writelines(_section(document, own, types, anchor, heading=document.id if several else None))
        texts.seek(0)
        sections = map(Markup, iter(partial(texts.read, CHUNK), ""))
        with temporary.open("w", encoding="utf-8", newline="\n") as page:
            page.writelines(_page(title, counts, types, sections, documents=lines))


def _write_folder(documents: Iterator[Document], path: Path, types: AllTypes, title: str) -> None:
    counts = Counts()
    lines: list[Line] = []
    taken = {INDEX}
    with replacing_folder(path) as folder:
        for document in documents:
            own = Counts.of(document)
            counts.add(own)
            name = _page_name(document.id, taken)
            lines.append(Line.of(document, own, types, name))
            sections = map(Markup, _section(document, own, types))
            with (folder / stored_name(name)).open("w", encoding="utf-8", newline="\n") as page:
                page.writelines(_page(document.id, own, types, sections, index=INDEX))
        rules = types.style(counts.mentions)
        with (folder / INDEX).open("w", encoding="utf-8", newline="\n") as page:
            page.writelines(render("contents", title=title, rules=rules, counts=counts, types=types, documents=lines))


def _page_name(document_id: str, taken: set[str]) -> str:
    """Return a file name for a document that every file system takes and that no other page has."""
    # "p" keeps clear of names that Windows reserves and of leading dots; file systems may ignore case.
    stem = "p-" + re.sub(r"[^\w-]+", "_", document_id.encode(errors="replace").decode())[:50]
    name = f"{stem}.html"
    copy = 1
    while file_key(name) in taken:
        copy += 1
        name = f"{stem}~{copy}.html"
    taken.add(file_key(name))
    return name


def _page(
    title: str,
    counts: Counts,
    types: AllTypes,
    sections: Iterable[Markup],
    documents: Sequence[Line] = (),
    index: str | None = None,
) -> Iterator[str]:
    """Return a page with these sections, a table of contents of several, and a link to the index of a folder."""
    return render(
        "document",
        title=title,
        rules=types.all_rules(counts),
        counts=counts,
        types=types,
        sections=sections,
        documents=documents,
        index=index,
        long=counts.characters > LONG,
        uncertain_below=UNCERTAIN_BELOW,
    )


def _section(
    document: Document, counts: Counts, types: AllTypes, anchor: str | None = None, heading: str | None = None
) -> Iterator[str]:
    return render(
        "section",
        article=_article(document, types),
        relations=listed_relations(document, types, types.relations),
        counts=counts,
        anchor=anchor,
        heading=heading,
    )


def _article(document: Document, types: AllTypes) -> Iterator[Markup]:
    places = Places(document)
    said: defaultdict[str | None, list[Attribute]] = defaultdict(list)
    for attribute in document.attributes:
        said[attribute.target].append(attribute)

    def opening_tag(index: int, piece: Span) -> Markup:
        entity = document.entities[index]
        kind = types[entity.label]
        known = said[entity.id] if entity.id else []
        classes = types.css_class(entity.label) + " uncertain" * is_uncertain(entity) + _assertion_class(known)
        title = " · ".join([mention_title(kind, entity.score, places.page(entity)), *map(_told, known)])
        return mark(entity, piece, classes, kind.zh, title)

    return text_with_mentions(document.text, document.entities, opening_tag, Lines(document.text).stretch)


def _assertion_class(attributes: Iterable[Attribute]) -> str:
    values = {attribute.value for attribute in attributes if attribute.label == ASSERTION}
    return "".join(f" {value}" for value in ASSERTED if value in values)


def _told(attribute: Attribute) -> str:
    return attribute.label if attribute.value is None else f"{attribute.label} {attribute.value}"


class Lines:
    """A text as HTML in which line breaks can be shown as they are or as running text.

    White space around a line break is put in a ``<span>`` that says what the view makes of it: ``soft`` (nothing),
    ``space`` (a space) or ``paragraph``; the style sheet does the rest.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._view = make_view(text)

    def stretch(self, start: int, end: int) -> Iterator[Markup]:
        """Return the part ``[start, end)`` in chunks."""
        part = self._text[start:end]
        position = 0
        for gap in LINE_GAP.finditer(part):
            kind = self._kind(start + gap.start(), start + gap.end())
            yield marked_up(part[position : gap.start()])
            yield Markup(f'<span class="{kind}">{marked_up(gap[0])}</span>')  # noqa: S704
            position = gap.end()
        yield marked_up(part[position:])

    def _kind(self, start: int, end: int) -> str:
        source = self._view.source
        # With numbers of another type numpy would copy the whole array each time.
        first, last = np.searchsorted(source, np.array((start, end), source.dtype))
        kept = self._view.text[first:last]
        kind = "paragraph" if "\n" in kept else "space" if kept else "soft"
        return kind if "\n" in self._text[start:end] else f"{kind} return"


def running(mention: str) -> str:
    """Return a mention as running text: without the line breaks inside it."""
    return join_pieces(LINE_GAP.split(mention))


def is_uncertain(entity: Entity) -> bool:
    """Return whether the mention is by its own confidence more likely wrong than right."""
    return entity.score is not None and entity.score < UNCERTAIN_BELOW
