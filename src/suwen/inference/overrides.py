"""Term lists that override a model: terms that are always entities, and terms that never are.

A list is a text file with one term a line, a tab (in a ``.csv`` file also ``,`` ``;`` or ``|``), and its type (for
``never`` the type may be missing: then no type will do); lines that begin with ``#`` are remarks. Or it is a TOML file
with a list of terms for each type (``"*"`` for any)::

    Drug = ["二甲双胍", "阿卡波糖"]
    "*" = ["患者"]

- Terms are compared without regard to case, and found across wrapped lines as a model finds its mentions. No match
  begins or ends inside a run of Latin letters or of digits. At each place the longest term wins.
- A term that is always an entity takes the place of what the model found there, unless the model found a longer mention
  of the same type around it. Its confidence is 1.
- A mention that never is one is dropped where the whole mention, not a part of it, is such a term. A list of both kinds
  says no to itself, and is refused.
"""

from __future__ import annotations

import csv
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from suwen.corpus.split import Selection
from suwen.document import Document, Entity, Span
from suwen.errors import SuwenError
from suwen.files import StrPath, parse_toml, require_regular
from suwen.formats.contents import MEGABYTE, read_bytes
from suwen.formats.encodings import EncodingError, decode
from suwen.inference.dictionary import Dictionary, Entry, fold
from suwen.inference.predictor import Extractor
from suwen.schema import Schema
from suwen.text.view import ViewRules, make_view

__all__ = ["OverriddenExtractor", "Overrides", "read_overrides", "read_terms"]

Terms = Mapping[str, frozenset[str]]

_LOGGER = logging.getLogger("suwen")
ANY = "*"
DEFAULT_VIEW = ViewRules()
LARGEST = 64 * MEGABYTE
SAMPLE_LINES = 100
"""Number of lines of a ``.csv`` file in which its separator is looked for."""

_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def read_terms(path: StrPath) -> dict[str, frozenset[str]]:
    """Return the terms of a list, folded, each with its types; `ANY` among them stands for all.

    Raises
    ------
    SuwenError
        S101, S102, S115, S117 or S126 when it cannot be read, S403 when it is not TOML, S411 when it is no
        term list.
    """
    path = Path(path)
    # It is read again for its hash, too.
    require_regular(path)
    try:
        text = decode(read_bytes(path, LARGEST), path)[0].removeprefix("\ufeff")
    except EncodingError:
        # Its own advice, to name an encoding, is for articles.
        raise SuwenError("S411", path, reason="its encoding is not certain, convert it to UTF-8") from None
    pairs = _toml_pairs(text, path) if path.suffix.lower() == ".toml" else _listed_pairs(text, path)
    terms: dict[str, set[str]] = {}
    for term, label in pairs:
        terms.setdefault(fold(term), set()).add(label)
    if not terms:
        raise SuwenError("S411", path, reason="it holds no term")
    return {term: frozenset(labels) for term, labels in terms.items()}


def _listed_pairs(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, row in _rows(text, path):
        term, *rest = [cell.strip() for cell in row] or [""]
        # Spreadsheets write empty cells behind the last column.
        while rest and not rest[-1]:
            rest.pop()
        if not term and not rest:
            continue
        if not term or len(rest) > 1:
            line = "\t".join(row)
            raise SuwenError("S411", path, number, reason=f"{line!r:.60} is not a term, a tab and a type")
        yield term, rest[0] if rest else ANY


def _rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of the lines that are no remarks, each with its number."""
    lines = text.splitlines()
    delimiter = "\t"
    if path.suffix.lower() == ".csv":
        stated = _SEPARATOR.fullmatch(lines[0]) if lines else None
        if stated:
            lines[0] = ""
        delimiter = stated[1] if stated else max(",;\t|", key="\n".join(lines[:SAMPLE_LINES]).count)
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        try:
            # Line by line, so that a quote that is not closed ends with its line.
            yield number, next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if delimiter != "\t":
                raise SuwenError("S411", path, number, reason=f"{line!r:.60}: {error}") from None
            yield number, line.split("\t")


def _toml_pairs(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for label, terms in parse_toml(text, path).items():
        if not isinstance(terms, list) or not all(isinstance(term, str) and term.strip() for term in terms):
            raise SuwenError("S411", path, reason=f"{label!r} is not a list of terms")
        for term in terms:
            yield term.strip(), label


@dataclass(frozen=True)
class Overrides:
    """Terms that are always entities, and terms that never are.

    Parameters
    ----------
    always
        By folded term its one type.
    never
        By folded term the types that it never has; `ANY` for all.

    Raises
    ------
    SuwenError
        S411 when a term has no type or several where it needs one, or always is what it never is.

    Examples
    --------
    >>> overrides = Overrides({"患者": frozenset({"Anatomy"})})
    >>> overrides.apply(Document("a", "老年患者")).entities[0].start
    2
    """

    always: Terms
    never: Terms = field(default_factory=dict)

    def __post_init__(self) -> None:
        for term, labels in self.always.items():
            if len(labels) != 1 or ANY in labels:
                found = ", ".join(sorted(labels - {ANY}))
                fault = f"has several types: {found}" if found else "has no type, which --always needs"
                raise SuwenError("S411", reason=f"{term!r} {fault}")
            if (labels | {ANY}) & self.never.get(term, frozenset()):
                raise SuwenError("S411", reason=f"{term!r} is always an entity, and never")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The types of the terms that are always entities, sorted."""
        return tuple(sorted({label for labels in self.always.values() for label in labels}))

    @cached_property
    def _dictionary(self) -> Dictionary:
        return Dictionary({term: Entry(next(iter(labels)), 1, 1) for term, labels in self.always.items()})

    def apply(
        self, document: Document, rules: ViewRules = DEFAULT_VIEW, owned: Sequence[Span] | None = None
    ) -> Document:
        """Apply the lists to a document's entities.

        Parameters
        ----------
        rules
            The view in which terms are looked for: that of the model.
        owned
            The source spans in which terms are looked for, sorted; None for the whole text.

        Returns
        -------
        Document
            The document. If entities came or went, they are numbered T1, T2, … in reading order, and
            ``meta["overrides"]`` counts them.
        """
        allowed = [entity for entity in document.entities if not self._is_never(document, entity)]
        matches = list(self._matches(document, rules, owned)) if self.always else []
        kept, added = sorted(allowed, key=lambda entity: entity.start), list[Entity]()
        while matches:
            # A mention that one term removes may have held another term back.
            kept, more = _merged(kept, matches)
            added += more
            starts = {entity.start for entity in more}
            matches = [found for found in matches if found.start not in starts] if more else []
        removed = len(document.entities) - len(kept)
        if not added and not removed:
            return document
        entities = sorted([*kept, *added], key=lambda entity: (entity.start, entity.end))
        numbered = tuple(replace(entity, id=f"T{number}") for number, entity in enumerate(entities, 1))
        meta = {**document.meta, "overrides": {"added": len(added), "removed": removed}}
        return replace(document, entities=numbered, meta=meta)

    def _is_never(self, document: Document, entity: Entity) -> bool:
        labels = self.never.get(fold(document.mention(entity))) if self.never else None
        return labels is not None and (entity.label in labels or ANY in labels)

    def _matches(self, document: Document, rules: ViewRules, owned: Sequence[Span] | None) -> Iterator[Entity]:
        view = make_view(document.text, rules)
        for start, end, term in self._dictionary.matches(view.text):
            (label,) = self.always[term]
            pieces = view.to_source(start, end)
            first = pieces[0][0]
            if owned is None or any(begin <= first < finish for begin, finish in owned):
                yield Entity(label, first, pieces[-1][1], pieces if len(pieces) > 1 else (), score=1.0)


def _merged(entities: Sequence[Entity], matches: Iterable[Entity]) -> tuple[list[Entity], list[Entity]]:
    """Return the entities that stay and the matches that are added, both in reading order."""
    kept: list[Entity] = []
    added: list[Entity] = []
    near: list[Entity] = []
    following = 0
    for found in matches:
        while following < len(entities) and entities[following].start < found.end:
            near.append(entities[following])
            following += 1
        kept += [entity for entity in near if entity.end <= found.start]
        near = [entity for entity in near if entity.end > found.start]
        if not any(_holds(entity, found) for entity in near):
            added.append(found)
            near = []
    return [*kept, *near, *entities[following:]], added


def _holds(entity: Entity, found: Entity) -> bool:
    """Return whether the model found a longer mention of the same type around it."""
    is_around = entity.start <= found.start and found.end <= entity.end
    return entity.label == found.label and is_around and entity.key != found.key


def read_overrides(always: StrPath | None = None, never: StrPath | None = None) -> Overrides | None:
    """Read either list, or both; None when there is none.

    Raises
    ------
    SuwenError
        As `read_terms` and `Overrides`.
    """
    if always is None and never is None:
        return None
    terms = read_terms(always) if always else {}, read_terms(never) if never else {}
    try:
        return Overrides(*terms)
    except SuwenError as error:
        # The error always concerns a term of that list, also if it conflicts with the other list.
        raise (error.at(always) if always else error) from None


class OverriddenExtractor(Extractor):
    """A model with term lists that override its entities.

    Parameters
    ----------
    extractor
        The model.
    overrides
        The lists.

    Examples
    --------
    >>> import suwen
    >>> from suwen.inference.overrides import OverriddenExtractor, read_overrides
    >>> ner = OverriddenExtractor(suwen.load("model"), read_overrides(Path("always.tsv")))  # doctest: +SKIP
    """

    def __init__(self, extractor: Extractor, overrides: Overrides) -> None:
        self.extractor = extractor
        self.overrides = overrides
        self.learned_from = extractor.learned_from
        self.name = extractor.name
        self._rules: ViewRules = getattr(getattr(extractor, "settings", None), "view", DEFAULT_VIEW)
        if new := [label for label in overrides.labels if label not in extractor.schema]:
            known = ", ".join(extractor.schema.labels)
            _LOGGER.warning("types of the term list that the model does not have: %s; it has %s", ", ".join(new), known)

    @property
    def schema(self) -> Schema:
        """The entity types of the model, and those that only the lists have."""
        schema = self.extractor.schema
        new = [label for label in self.overrides.labels if label not in schema]
        if not new:
            return schema
        return replace(schema, entities=(*schema.entities, *Schema.of_labels(new).entities))

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find the entities of groups of selections (see `Extractor.predict_groups`)."""
        waiting: deque[Sequence[Span]] = deque()

        def passed(group: Iterable[Selection]) -> Iterator[Selection]:
            for selection in group:
                waiting.append(selection.spans)
                yield selection

        for document in self.extractor.predict_groups(map(passed, groups)):
            yield self.overrides.apply(document, self._rules, waiting.popleft())
