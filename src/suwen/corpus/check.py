"""Finding errors and doubtful annotations in a corpus, all at once, each with its file and line."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from suwen.corpus.sentences import sentence_spans
from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.formats import FORMATS, WITHOUT_ANNOTATIONS, format_of, scan_corpus, unread_files
from suwen.formats.brat import kept_lines
from suwen.formats.offsets import COUNTED, UNCONFIRMED, way_that_fits
from suwen.formats.reading import Annotation, Located
from suwen.formats.remarks import named_counts
from suwen.schema import LCDD, Schema

__all__ = ["KINDS", "LEAST_CHARACTERS", "Check", "Finding", "Kind", "check_corpus"]

LEAST_CHARACTERS = 10
"""A file with fewer visible characters is reported as nearly empty."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding. Errors stop a reader or the learning; all others are warnings."""

    severity: Literal["error", "warning"]
    meaning: str


KINDS: dict[str, Kind] = {
    "S101": Kind("error", "file missing"),
    "S102": Kind("error", "file not readable"),
    "S103": Kind("error", "not UTF-8"),
    "S106": Kind("error", "empty text"),
    "S108": Kind("error", "no document"),
    "S109": Kind("error", "folder instead of a file"),
    "S110": Kind("error", "document id occurs twice"),
    "S112": Kind("error", "damaged compressed file"),
    "S113": Kind("error", "file not readable"),
    "S114": Kind("error", "file name not valid Unicode"),
    "S115": Kind("error", "too large"),
    "S116": Kind("error", "text that cannot be decoded"),
    "S117": Kind("error", "not text"),
    "S118": Kind("error", "encrypted file"),
    "S119": Kind("error", "scan without text"),
    "S120": Kind("error", "damaged file"),
    "S121": Kind("error", "reading timed out"),
    "S130": Kind("error", "unsupported kind of file"),
    "S201": Kind("error", "annotation outside the text"),
    "S202": Kind("error", "unknown label"),
    "S203": Kind("error", "invalid annotation line"),
    "S204": Kind("error", "invalid JSON"),
    "S205": Kind("error", "invalid JSON field"),
    "S206": Kind("error", "invalid CoNLL line"),
    "S207": Kind("error", "illegal tag sequence"),
    "S208": Kind("error", "'.txt' without '.ann'"),
    "S209": Kind("error", "'.ann' without '.txt'"),
    "S210": Kind("error", "lone surrogate"),
    "S211": Kind("error", "invalid entity"),
    "S213": Kind("error", "invalid field"),
    "S214": Kind("error", "missing column"),
    "S215": Kind("error", "tags are numbers without names"),
    "S221": Kind("error", "text column not named"),
    "S222": Kind("error", "invalid row"),
    "S223": Kind("error", "several sheets"),
    "W101": Kind("warning", "byte order mark"),
    "W102": Kind("warning", "carriage returns"),
    "W103": Kind("warning", f"nearly empty text (under {LEAST_CHARACTERS} visible characters)"),
    "W104": Kind("warning", "empty '.ann'"),
    "W201": Kind("warning", "mention differs from the text"),
    "W202": Kind("warning", "duplicate entity"),
    "W203": Kind("warning", "same span with another type"),
    "W204": Kind("warning", "nested entities"),
    "W205": Kind("warning", "overlapping entities"),
    "W206": Kind("warning", "entity crosses a sentence end"),
    "W207": Kind("warning", "names an annotation that does not exist"),
    "W208": Kind("warning", "annotation id occurs twice"),
    "W209": Kind("warning", "unknown relation type"),
    "W210": Kind("warning", "label is none of LCDD's (--schema names your own)"),
    "W211": Kind("warning", "no entity in the corpus"),
    "W212": Kind("warning", "left out by the reader"),
    "W213": Kind("warning", "offsets read in another way"),
    "W214": Kind("warning", "relation of an entity with itself"),
    "W215": Kind("warning", "relation between types that it does not join"),
    "W216": Kind("warning", "offsets not confirmed by mentions"),
    "W217": Kind("warning", "files of other formats, not read"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: its kind (a key of `KINDS`), its place, and its details."""

    code: str
    path: Path | None
    line: int | None
    text: str

    @property
    def place(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.path}:{self.line}" if self.line else str(self.path)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        path = None if self.path is None else str(self.path)
        kind = KINDS[self.code]
        return {"code": self.code, "severity": kind.severity, "path": path, "line": self.line, "text": self.text}


@dataclass(frozen=True, slots=True)
class Check:
    """The findings, by file and line, and how much was looked at."""

    findings: tuple[Finding, ...]
    documents: int
    entities: int

    @property
    def counts(self) -> dict[str, int]:
        """Return how often each kind was found, in the order of `KINDS`."""
        counts = Counter(finding.code for finding in self.findings)
        return {code: counts[code] for code in KINDS if code in counts}

    def total(self, severity: str) -> int:
        """Return the number of findings of that severity."""
        return sum(count for code, count in self.counts.items() if KINDS[code].severity == severity)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        kinds = [
            {"code": code, "severity": KINDS[code].severity, "meaning": KINDS[code].meaning, "count": count}
            for code, count in self.counts.items()
        ]
        return {
            "documents": self.documents,
            "entities": self.entities,
            "errors": self.total("error"),
            "warnings": self.total("warning"),
            "kinds": kinds,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def check_corpus(
    path: StrPath,
    format: str | None = None,  # noqa: A002
    schema: Schema | None = None,
    inspect: Callable[[Document], object] = lambda document: None,
    **options: Any,
) -> Check:
    """Check a whole corpus for errors and oddities.

    Overlaps are those of hulls, pair by pair; sentences are those of `suwen.text`.

    Parameters
    ----------
    format
        A name in `suwen.formats.FORMATS`; by default it is detected.
    schema
        The labels that entities may have, and relations where the schema names any. By default labels other than
        LCDD's are only remarked, each once.
    inspect
        Called with every document.
    options
        Options of the format's `scan`, for example ``encoding``.

    Raises
    ------
    SuwenError
        S101, S107, S108 or S404 when there is no corpus to look at.
    """
    path = Path(path)
    findings: list[Finding] = []
    documents = entities = 0

    def problem(error: SuwenError) -> None:
        findings.append(Finding(error.code, error.path, error.line, error.text))

    others: dict[str, Finding] = {}
    relations = {kind.name: (kind.head, kind.tail) for kind in (schema or LCDD).relations}
    # Without a schema, so that entities of every label are looked at.
    for located in scan_corpus(path, problem, format, None, **options):
        documents += 1
        entities += len(located.document.entities)
        inspect(located.document)
        for look in (_text_findings, _mention_findings, _pair_findings, _reference_findings, _reading_findings):
            findings += look(located)
        if schema is not None:
            findings += _label_findings(located, schema)
        else:
            for finding in _label_findings(located, LCDD):
                others.setdefault(finding.text, replace(finding, code="W210"))
        if relations:
            findings += _relation_findings(located, relations)
    findings += others.values()
    failed = any(KINDS[finding.code].severity == "error" for finding in findings)
    if documents and not entities and not failed and not _is_of_articles(path, format):
        findings.append(Finding("W211", path, None, f"none in {documents:,} document{'s' * (documents > 1)}"))
    if format is None and documents and (unread := unread_files(path, FORMATS[format_of(path)])):
        findings.append(Finding("W217", path, None, named_counts(unread)))
    findings.sort(key=lambda finding: (str(finding.path), finding.line or 0, finding.code))
    return Check(tuple(findings), documents, entities)


def _text_findings(located: Located) -> Iterator[Finding]:
    document, path, line = located.document, located.text_path, located.text_line
    text = document.text
    visible = sum(not character.isspace() for character in text[: 100 * LEAST_CHARACTERS])
    if not text:
        yield Finding("S106", path, line, "there is no character")
    elif visible < LEAST_CHARACTERS and line is None:
        yield Finding("W103", path, line, f"{visible} visible characters")
    yield from _encoding_findings(text, path, line)
    if located.annotation_path != path:
        kept = kept_lines(document) or []
        yield from _encoding_findings("".join(kept), located.annotation_path, None)
        if not kept and not located.lines:
            yield Finding("W104", located.annotation_path, None, "the document has no annotation")


def _encoding_findings(text: str, path: Path, line: int | None) -> Iterator[Finding]:
    if text.startswith("\ufeff"):
        yield Finding("W101", path, line or 1, "it begins with a byte order mark, which is kept")
    if "\r" in text:
        first = line or text.count("\n", 0, text.index("\r")) + 1
        yield Finding("W102", path, first, f"{text.count(chr(13))} carriage returns, which are kept")


def _mention_findings(located: Located) -> Iterator[Finding]:
    document = located.document
    starts = [start for start, _ in sentence_spans(document.text)]
    for entity, line in _entities(located):
        if entity.annotated is not None:
            differs = (
                f"{_shown(entity)}: {entity.annotated!r}, in the text {document.text[entity.start : entity.end]!r}"
            )
            if (fitting := way_that_fits(entity, document.text)) is not None:
                option = f" (--offsets {fitting})" if located.annotation_path.suffix.lower() == ".ann" else ""
                differs += f"; it fits if {COUNTED[fitting]}{option}"
            yield Finding("W201", located.annotation_path, line, differs)
        sentence_end = bisect_right(starts, entity.start)
        if sentence_end < len(starts) and starts[sentence_end] < entity.end:
            crossing = f"{_shown(entity)}: a sentence begins at {starts[sentence_end]}"
            yield Finding("W206", located.annotation_path, line, crossing)


def _pair_findings(located: Located) -> Iterator[Finding]:
    """Find pairs of entities that share characters; each is reported at the one that comes second."""
    ordered = sorted(_entities(located), key=lambda item: (item[0].start, -item[0].end))
    for position, (outer, outer_line) in enumerate(ordered):
        for later in range(position + 1, len(ordered)):
            inner, line = ordered[later]
            if inner.start >= outer.end:
                break
            where = f"{_shown(inner)} and {_shown(outer)} in line {outer_line}"
            yield Finding(_kind_of_pair(outer, inner), located.annotation_path, line, where)


def _kind_of_pair(outer: Entity, inner: Entity) -> str:
    if inner.key == outer.key:
        return "W202"
    if (inner.start, inner.end) == (outer.start, outer.end):
        return "W203"
    return "W204" if inner.end <= outer.end else "W205"


def _reference_findings(located: Located) -> Iterator[Finding]:
    path, document = located.annotation_path, located.document
    ids = Counter(item.id for item, _ in located.lines if item.id is not None)
    known = ids.keys() | {line.partition("\t")[0] for line in kept_lines(document) or ()}
    seen: set[str] = set()
    for item, line in located.lines:
        if item.id in seen:
            yield Finding("W208", path, line, f"{item.id}")
        if item.id is not None:
            seen.add(item.id)
        for name in _targets(item):
            if name not in known:
                yield Finding("W207", path, line, f"{item.label} names {name}")


def _is_of_articles(path: Path, name: str | None) -> bool:
    """Return whether the documents are of a format that has no annotations."""
    return isinstance(FORMATS[name or format_of(path)], WITHOUT_ANNOTATIONS)


def _label_findings(located: Located, schema: Schema) -> Iterator[Finding]:
    for entity, line in _entities(located):
        if entity.label not in schema:
            yield Finding("S202", located.annotation_path, line, f"unknown label {entity.label!r}")


def _reading_findings(located: Located) -> Iterator[Finding]:
    """Yield the annotations that the reader left out or changed."""
    source = located.document.meta.get("read_from")
    if located.unconfirmed:
        yield Finding("W216", located.annotation_path, located.text_line, UNCONFIRMED)
    if not located.document.entities and not located.lines and located.annotation_path == located.text_path:
        # An article without annotations needs no finding.
        return
    if isinstance(source, dict):
        place = located.annotation_path, located.text_line
        if isinstance(source.get("dropped"), dict):
            yield from (Finding("W212", *place, f"{count} {kind}") for kind, count in source["dropped"].items())
        if "offsets" in source:
            yield Finding("W213", *place, f"{source['offsets']}")


def _relation_findings(located: Located, joined: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    labels = {entity.id: entity.label for entity in located.document.entities}
    for item, line in located.lines:
        if not isinstance(item, Relation):
            continue
        if item.label not in joined:
            known = ", ".join(sorted(joined))
            yield Finding("W209", located.annotation_path, line, f"{item.label!r}; known: {known}")
            continue
        types = labels.get(item.head), labels.get(item.tail)
        if item.head == item.tail:
            yield Finding("W214", located.annotation_path, line, f"{item.label} of {item.head}")
        elif None not in types and types != joined[item.label]:
            wanted, found = " and ".join(joined[item.label]), " and ".join(map(str, types))
            yield Finding("W215", located.annotation_path, line, f"{item.label} joins {wanted}, not {found}")


def _entities(located: Located) -> Iterator[tuple[Entity, int]]:
    return ((item, line) for item, line in located.lines if isinstance(item, Entity))


def _targets(item: Annotation) -> tuple[str, ...]:
    if isinstance(item, Entity):
        return ()
    return (item.head, item.tail) if isinstance(item, Relation) else (item.target,)


def _shown(entity: Entity) -> str:
    return f"{entity.id or ''} {entity.label} [{entity.start}, {entity.end})".lstrip()
