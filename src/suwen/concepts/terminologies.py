"""Read terminologies and alias lists of the user, and the abbreviations that suwen has a list of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from suwen.bundled import DATA
from suwen.concepts.abbreviations import is_short_form
from suwen.concepts.candidates import BigramIndex, Candidate
from suwen.concepts.normalization import normalize
from suwen.errors import SuwenError
from suwen.files import StrPath, read_text, require_regular

__all__ = [
    "ABBREVIATIONS",
    "AliasList",
    "ListedAbbreviations",
    "Term",
    "Terminology",
    "listed_abbreviations",
    "read_aliases",
    "read_terminology",
]

ABBREVIATIONS = DATA / "abbreviations.tsv"
SEPARATOR = "|"
Match = Literal["exact", "alias", "none"]


@dataclass(frozen=True, slots=True)
class Term:
    """A code with its name and its synonyms."""

    code: str
    name: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terminology:
    """Terms to normalize to, for example ICD-10.

    Parameters
    ----------
    name
        The source of a code that is shown: the name of the file without its extension.
    terms
        In the order of the file.
    """

    name: str
    terms: tuple[Term, ...]

    def __repr__(self) -> str:
        return f"<Terminology {self.name}, terms: {len(self.terms):,}>"

    @cached_property
    def _by_name(self) -> dict[str, list[Term]]:
        found: defaultdict[str, list[Term]] = defaultdict(list)
        for term in self.terms:
            found[normalize(term.name)].append(term)
        return dict(found)

    @cached_property
    def _by_synonym(self) -> dict[str, list[Term]]:
        found: defaultdict[str, list[Term]] = defaultdict(list)
        for term in self.terms:
            for synonym in term.synonyms:
                if term not in found[normalize(synonym)]:
                    found[normalize(synonym)].append(term)
        return dict(found)

    @cached_property
    def _index(self) -> BigramIndex:
        return BigramIndex([term.name for term in self.terms])

    def find(self, surface: str) -> tuple[Term | None, Match]:
        """Return the term of a surface by its name, else by a synonym; none if several terms have it.

        Of several terms with one key, the one that is written as the surface is meant.
        """
        key = normalize(surface)
        named = self._by_name.get(key, [])
        if len(named) > 1:
            named = [term for term in named if term.name == surface]
        if len(named) == 1:
            return named[0], "exact"
        entries = [] if key in self._by_name else self._by_synonym.get(key, [])
        return (entries[0], "alias") if len(entries) == 1 else (None, "none")

    def candidates(self, surface: str, limit: int = 5) -> list[Candidate]:
        """Rank the names that are like a surface."""
        return self._index.search(surface, limit)


@dataclass(frozen=True)
class AliasList:
    """Names that mean the same.

    Parameters
    ----------
    name
        The source of a merge that is shown: the name of the file without its extension.
    rows
        ``(alias, name, label)``; the label is empty for entities of every type.
    """

    name: str
    rows: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        return f"<AliasList {self.name}, rows: {len(self.rows):,}>"

    @cached_property
    def _names(self) -> dict[tuple[str, str], list[str]]:
        found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for alias, name, label in self.rows:
            names = found[label, normalize(alias)]
            if normalize(name) not in map(normalize, names):
                names.append(name)
        return dict(found)

    def find(self, key: str, label: str) -> str | None:
        """Return the name behind a key, for this label first; None if there is none or more than one."""
        for kind in (label, ""):
            if names := self._names.get((kind, key)):
                return names[0] if len(names) == 1 else None
        return None


def read_terminology(path: StrPath) -> Terminology:
    """Read a terminology: UTF-8, each line a code, a tab and a name, and maybe a tab and synonyms separated by ``|``.

    A first line without a digit in its code is a heading; lines that begin with ``#`` are comments.

    Raises
    ------
    SuwenError
        As `read_text`; S420 with the line for anything else, and for a file without a term.
    """
    path = Path(path)
    terms: dict[Term, None] = {}
    form = "a code, a tab, a name and, after another tab, synonyms separated by |"
    for number, cells in _rows(path):
        if len(cells) not in (2, 3) or not (cells[0] and cells[1]):
            reason = f"{len(cells)} columns" if len(cells) not in (2, 3) else "the code or the name is empty"
            raise SuwenError("S420", path, number, what="a terminology", reason=reason, form=form)
        if number > 1 or any(character.isdigit() for character in cells[0]):
            terms[Term(cells[0], cells[1], _parts(cells[2]) if len(cells) == 3 else ())] = None
    if not terms:
        raise SuwenError("S420", path, what="a terminology", reason="it has no term", form=form)
    return Terminology(path.stem, tuple(terms))


def read_aliases(path: StrPath) -> AliasList:
    """Read an alias list: UTF-8, each line aliases separated by ``|``, a tab and the name, and maybe a tab and a type.

    Raises
    ------
    SuwenError
        As `read_text`; S420 with the line for anything else, and for a file without an alias.
    """
    path = Path(path)
    rows: list[tuple[str, str, str]] = []
    form = "aliases separated by |, a tab, the name and, after another tab, the entity type"
    for number, cells in _rows(path):
        if len(cells) not in (2, 3) or not (cells[0] and cells[1]):
            reason = f"{len(cells)} columns" if len(cells) not in (2, 3) else "the alias or the name is empty"
            raise SuwenError("S420", path, number, what="an alias list", reason=reason, form=form)
        rows += [(alias, cells[1], cells[2] if len(cells) == 3 else "") for alias in _parts(cells[0])]
    if not rows:
        raise SuwenError("S420", path, what="an alias list", reason="it has no alias", form=form)
    return AliasList(path.stem, tuple(rows))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    require_regular(path)
    for number, line in enumerate(read_text(path).removeprefix("\ufeff").splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, [cell.strip() for cell in line.rstrip().split("\t")]


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split(SEPARATOR) if part.strip()))


class ListedAbbreviations:
    """Common abbreviations and synonyms.

    Parameters
    ----------
    rows
        Of each concept its short forms, its names (the preferred one first) and its entity type.
    """

    def __init__(self, rows: Iterable[tuple[tuple[str, ...], tuple[str, ...], str]]) -> None:
        self._short: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._names: dict[str, str] = {}
        self._others: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        for short_forms, names, label in rows:
            for short in short_forms:
                # Short forms in Chinese (甲亢) mean one thing only.
                if is_short_form(short):
                    self._short[normalize(short)].append((names[0], label))
                else:
                    self._names[normalize(short)] = names[0]
            self._names |= {normalize(name): names[0] for name in names[1:]}
            self._others[normalize(names[0])] += names[1:]

    @cached_property
    def long_forms(self) -> dict[str, tuple[str, ...]]:
        """Return all names of all meanings of each short form, by its key; the preferred names first."""
        return {
            short: (
                *(name for name, _ in meanings),
                *(other for name, _ in meanings for other in self.other_names(name)),
            )
            for short, meanings in self._short.items()
        }

    def synonym_of(self, key: str) -> str | None:
        """Return the preferred name behind another name."""
        return self._names.get(key)

    def other_names(self, name: str) -> tuple[str, ...]:
        """Return the other names of a preferred name."""
        return self._others.get(normalize(name), ())

    def meaning(self, key: str, label: str) -> str | None:
        """Return the name behind a short form: its only one, or the only one for entities of this type."""
        meanings = self._short.get(key, [])
        if len(meanings) > 1:
            meanings = [(name, kind) for name, kind in meanings if _agree(kind, label)]
        return meanings[0][0] if len(meanings) == 1 else None


# In the literature, one disease can be a disease, a cause, a symptom or a side effect, depending on the sentence.
_FINDINGS = frozenset({"Disease", "Reason", "Symptom", "SideEff"})


def _agree(listed: str, label: str) -> bool:
    return listed == label or {listed, label} <= _FINDINGS


@lru_cache(1)
def listed_abbreviations() -> ListedAbbreviations:
    """Read the list that suwen has: short forms, names, the English name and the type, each separated by ``|``."""
    rows = [cells for number, cells in _rows(ABBREVIATIONS) if number > 1]
    return ListedAbbreviations((_parts(short), _parts(names), label) for short, names, _, label in rows)
