"""Title, year, journal and DOI of an article, as the metadata of its web page states them.

Read are the tags of Highwire (Google Scholar), PRISM, Dublin Core, Open Graph and bepress, and the page's title.
Nothing is guessed: a date that states no year, or an identifier that is no DOI, is left out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from suwen.formats.articles.file_metadata import doi_in, year_in
from suwen.formats.articles.markup import Element

__all__ = ["about_page"]

TITLES = ("citation_title", "bepress_citation_title", "prism.title", "dcterms.title", "dc.title", "og:title")
JOURNALS = (
    "citation_journal_title",
    "bepress_citation_journal_title",
    "prism.publicationname",
    "citation_journal_abbrev",
)
DATES = (
    "citation_publication_date",
    "citation_date",
    "citation_year",
    "bepress_citation_date",
    "prism.publicationdate",
    "citation_cover_date",
    "dcterms.issued",
    "dc.date.issued",
    "dc.date",
    "dcterms.date",
    "citation_online_date",
    "article:published_time",
)
"""The date of the issue is preferred to that of an article put online before it."""

DOIS = ("citation_doi", "bepress_citation_doi", "prism.doi", "dc.identifier.doi", "dc.identifier", "dcterms.identifier")


def about_page(root: Element) -> dict[str, Any]:
    """Return title, year, journal and DOI, where the page states them."""
    stated: defaultdict[str, list[str]] = defaultdict(list)
    for meta in root.iter("meta"):
        for key in ("name", "property", "itemprop"):
            content = " ".join((meta.get("content") or "").split())
            if meta.get(key) and content:
                stated[meta.get(key).strip().lower()].append(content)
    titles = [value for name in TITLES for value in stated[name]]
    titles += [title for item in root.iter("title") if (title := " ".join("".join(item.itertext()).split()))]
    years = [year for name in DATES for value in stated[name] if (year := year_in(value))]
    dois = [doi for name in DOIS for value in stated[name] if (doi := doi_in(value))]
    return {
        "title": next(iter(titles), ""),
        "year": next(iter(years), None),
        "journal": next((value for name in JOURNALS for value in stated[name]), ""),
        "doi": next(iter(dois), ""),
    }
