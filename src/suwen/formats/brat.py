r"""Brat standoff: ``ID.txt`` holds the text, ``ID.ann`` one annotation a line.

Read are entities (``T``), relations (``R``), attributes (``A``, ``M``) and notes (``#``). Lines of any other kind, and
the source's own way of writing a line (``\r\n``, a trailing tab), are kept in ``meta["brat"]`` and written back in
place. It holds the lines of the ``.ann`` file whenever the writer would not produce them by itself; a kept line is
written as it is as long as the document still says the same.

brat has no newlines in mentions: an entity of one piece that contains line breaks is written as fragments around them.

Format: https://brat.nlplab.org/standoff.html
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from suwen.document import Attribute, Document, Entity, Note, Relation, Span
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing_folder
from suwen.formats.base import WritableFormat
from suwen.formats.breaks import BREAK, pieces_between_breaks
from suwen.formats.encodings import read_encoded
from suwen.formats.offsets import Offsets, place_of, places_of
from suwen.formats.reading import Annotation, Located, Problem, document_id, files_in
from suwen.formats.writing import LINE_BREAK, counting_names, encoded, not_held, output_file
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Brat", "kept_lines", "pair_of"]

NAME = "brat"
_HELD = {"entity", "fragments", "entity id", "annotated mention", "relation", "attribute", "note"}

_SPAN = r"[0-9]{1,18} [0-9]{1,18}"
_ENTITY = re.compile(rf"(T[0-9]{{1,18}})\t(\S+) ({_SPAN})((?:;{_SPAN})*)\t(.*)", re.DOTALL)
_TOO_LONG = re.compile(r"[\t ;][0-9]{19}")
_RELATION = re.compile(r"(R[0-9]{1,18})\t(\S+) [^\s:]+:(\S+) [^\s:]+:(\S+)\s*")
_ATTRIBUTE = re.compile(r"([AM][0-9]{1,18})\t(\S+) (\S+)(?: (.*))?", re.DOTALL)
_NOTE = re.compile(r"(#[0-9]{1,18})\t(\S+) (\S+)\t(.*)", re.DOTALL)
_PREFIX: dict[type[Annotation], str] = {Entity: "T", Relation: "R", Attribute: "A", Note: "#"}
_ID = {kind: re.compile(f"[{'AM' if prefix == 'A' else prefix}][0-9]{{1,18}}") for kind, prefix in _PREFIX.items()}
_FORMS = {
    "T": "'T1<tab>Drug 0 4<tab>mention', fragments as '0 2;3 5'",
    "R": "'R1<tab>Drug_Disease Arg1:T1 Arg2:T2'",
    "A": "'A1<tab>Negation T1' or 'A1<tab>Certainty T1 low'",
}
_FORMS["M"] = _FORMS["A"]


class Brat(WritableFormat):
    """Read and write brat standoff: a folder, or one pair of files named by either.

    Faults are S101, S102, S103, S114, S201, S203, S208, S209 and S211, each with file and line; S202 for a label not in
    the schema.
    """

    name = NAME
    suffixes = (".txt", ".ann")

    def sniff(self, path: StrPath) -> bool:
        """Return True for an ``.ann`` file, its ``.txt``, or a folder that holds one."""
        path = Path(path)
        if path.is_dir():
            return next(files_in(path, (".ann",)), None) is not None
        return path.suffix.lower() == ".ann" or (path.suffix.lower() == ".txt" and pair_of(path)[1].exists())

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        offsets: Offsets = "text",
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read pairs of files; a pair without its ``.txt`` or ``.ann`` goes to `problem`.

        Parameters
        ----------
        offsets
            What offsets count: the characters of the text; line ends of two characters (``crlf``) or of one (``lf``),
            as in texts whose line ends were converted after annotation; the code units of ``utf-16``; the bytes of
            ``utf-8``; or no byte order mark (``no-bom``).
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        root = path if path.is_dir() else path.parent
        for text_path, annotation_path in dict.fromkeys(map(pair_of, files_in(path, self.suffixes))):
            if not text_path.exists():
                problem(SuwenError("S209", annotation_path))
            elif not annotation_path.exists():
                problem(SuwenError("S208", text_path))
            else:
                try:
                    name = document_id(text_path, root, self.suffixes)
                    text, source = read_encoded(text_path, encoding), read_encoded(annotation_path, encoding)
                except SuwenError as error:
                    problem(error)
                    continue
                lines = _parse(source, text, places_of(text, offsets), annotation_path, problem, schema)
                document = _document(name, text, source, [item for item, _ in lines])
                yield Located(document, text_path, None, annotation_path, tuple(lines))

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write a folder of ``.txt`` and ``.ann`` files; an id with ``/`` goes into subfolders.

        Annotations without an id that fits brat get a fresh one, which no line of the document mentions.

        Returns
        -------
        Counter[str]
            Counts of what brat cannot hold, by kind.

        Raises
        ------
        SuwenError
            S104 when the folder exists with content, S105 when it cannot be written, S110 or S111 for an id that
            cannot be a file, S212 for an entity type with white space.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        with replacing_folder(path) as folder:
            for document in counting_names(documents, lost):
                annotations, missing = _annotations(document)
                lost += missing
                output_file(folder, document, ".txt").write_bytes(encoded(document.text, document))
                output_file(folder, document, ".ann").write_bytes(encoded(annotations, document))
        return lost


FORMAT = Brat()


def pair_of(path: Path) -> tuple[Path, Path]:
    """Return the text and the annotations that belong to either of them; extensions may be in capital letters."""
    found = []
    for suffix in Brat.suffixes:
        names = (
            [path] if path.suffix.lower() == suffix else [path.with_suffix(suffix), path.with_suffix(suffix.upper())]
        )
        found.append(next((name for name in names if name.exists()), names[0]))
    return found[0], found[1]


def _document(name: str, text: str, source: str, annotations: Sequence[Annotation]) -> Document:
    document = Document(
        name,
        text,
        entities=tuple(item for item in annotations if isinstance(item, Entity)),
        relations=tuple(item for item in annotations if isinstance(item, Relation)),
        attributes=tuple(item for item in annotations if isinstance(item, Attribute)),
        notes=tuple(item for item in annotations if isinstance(item, Note)),
    )
    # In the order of the writer: a source with another one is kept.
    written: tuple[Annotation, ...] = (*document.entities, *document.relations, *document.attributes, *document.notes)
    if "".join(_render(item, text) for item in written) == source:
        return document
    return dataclasses.replace(document, meta={"brat": _split_lines(source)})


def _split_lines(source: str) -> list[str]:
    # Files of an old Mac end their lines with a lone CR; elsewhere a CR belongs to its line.
    end = "\n" if "\n" in source else "\r"
    lines = [line + end for line in source.split(end)]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _parse(
    source: str, text: str, places: Sequence[int] | None, path: Path, problem: Problem, schema: Schema | None
) -> list[tuple[Annotation, int]]:
    found: list[tuple[Annotation, int]] = []
    for number, line in enumerate(_split_lines(source), 1):
        try:
            annotation = _parse_line(line, text, places)
        except SuwenError as error:
            problem(error.at(path, number))
            continue
        if annotation is None:
            continue
        if schema is not None and isinstance(annotation, Entity) and annotation.label not in schema:
            problem(SuwenError("S202", path, number, label=annotation.label, known=", ".join(schema.labels)))
        found.append((annotation, number))
    return found


def _parse_line(line: str, text: str, places: Sequence[int] | None = None) -> Annotation | None:
    """Return the annotation on a line; None when the line is of a kind that suwen does not know.

    Parameters
    ----------
    places
        The place in the text for each offset, if offsets count something else than its characters.
    """
    # A byte order mark is not a part of an annotation; files that were joined have one inside.
    line = line.removeprefix("\ufeff").rstrip("\r\n")
    kind = line[:1]
    if kind == "T":
        if match := _ENTITY.fullmatch(line):
            name, label, first, more, mention = match.groups()
            return _entity(name, label, first + more, mention, text, places)
    elif kind == "R":
        if match := _RELATION.fullmatch(line):
            return Relation(match[2], match[3], match[4], match[1])
    elif kind in ("A", "M"):
        if match := _ATTRIBUTE.fullmatch(line):
            return Attribute(*match.groups())
    else:
        match = _NOTE.fullmatch(line)
        return Note(*match.groups()) if match else None
    long = _TOO_LONG.search(line)
    reason = "a number of more than 18 digits" if long else f"it begins with {kind} but has another form"
    raise SuwenError("S203", reason=reason, form=_FORMS[kind])


def _entity(name: str, label: str, spans: str, mention: str, text: str, places: Sequence[int] | None) -> Entity:
    offsets = [int(number) for number in spans.replace(";", " ").split(" ")]
    numbers = [place_of(offset, places) for offset in offsets]
    begin, end = numbers[0], numbers[-1]
    if end > len(text):
        raise SuwenError("S201", start=offsets[0], end=offsets[-1], length=len(text))
    pieces = list(zip(numbers[::2], numbers[1::2], strict=True))
    expected = _joined(pieces, text)
    as_written = mention == expected or mention == BREAK.sub(" ", expected)
    if places is not None and not as_written:
        # The line ends of the mention are those of another text.
        as_written = mention.split() == expected.split()
    fragments = tuple(pieces) if len(pieces) > 1 else ()
    return Entity(label, begin, end, fragments, name, annotated=None if as_written else mention)


def _joined(pieces: Iterable[Span], text: str) -> str:
    return " ".join([text[start:end] for start, end in pieces])


def _render(annotation: Annotation, text: str) -> str:
    if isinstance(annotation, Entity):
        return _render_entity(annotation, text)
    if isinstance(annotation, Relation):
        return f"{annotation.id}\t{annotation.label} Arg1:{annotation.head} Arg2:{annotation.tail}\n"
    if isinstance(annotation, Attribute):
        value = "" if annotation.value is None else f" {annotation.value}"
        return f"{annotation.id}\t{annotation.label} {annotation.target}{value}\n"
    return f"{annotation.id}\t{annotation.label} {annotation.target}\t{annotation.text}\n"


def _render_entity(entity: Entity, text: str) -> str:
    """Return the mention as brat writes it: pieces joined by a space, a space for every line break in them."""
    if not entity.fragments and entity.annotated is None and not BREAK.search(text, entity.start, entity.end):
        return f"{entity.id}\t{entity.label} {entity.start} {entity.end}\t{text[entity.start : entity.end]}\n"
    pieces = [piece for span in entity.pieces for piece in pieces_between_breaks(text, *span)]
    offsets = ";".join([f"{start} {end}" for start, end in pieces])
    mention = _joined(pieces, text) if entity.annotated is None else entity.annotated
    return f"{entity.id}\t{entity.label} {offsets}\t{BREAK.sub(' ', mention)}\n"


def _annotations(document: Document) -> tuple[str, Counter[str]]:
    """Return the content of the ``.ann`` file and what it could not hold."""
    text, kept = document.text, kept_lines(document)
    lost = not_held(document, _HELD)
    if kept is not None:
        lost["meta"] -= 1
    waiting: defaultdict[str | None, list[Annotation]] = defaultdict(list)
    named = _with_ids(document, kept or (), lost)
    for annotation in named:
        waiting[annotation.id].append(annotation)
    lines = []
    for line in kept or ():
        try:
            original = _parse_line(line, text)
        except SuwenError:  # It was read with another text; what the document says of its own text is written anyway.
            continue
        if original is None:
            lines.append(line)
        elif same := waiting.get(original.id):
            annotation = same.pop(0)
            lines.append(line if annotation == original else _line(annotation, text, lost))
    # Entities without a kept line, in their order; by identity, because equal ones may occur twice.
    left = Counter(id(annotation) for same in waiting.values() for annotation in same)
    fresh = ""
    for annotation in named:
        if left[id(annotation)]:
            left[id(annotation)] -= 1
            fresh += _line(annotation, text, lost)
    if fresh and lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    return "".join(lines) + fresh, +lost


def kept_lines(document: Document) -> list[str] | None:
    """Return the lines of the source, where the document keeps them in ``meta["brat"]``."""
    kept = document.meta.get("brat")
    return _split_lines("".join(kept)) if isinstance(kept, list) and all(isinstance(x, str) for x in kept) else None


def _with_ids(document: Document, kept: Iterable[str], lost: Counter[str]) -> list[Annotation]:
    """Return the annotations, each with an id that brat can read; references follow a changed id."""
    # Brat cannot hold their scores; `not_held` counts them.
    relations = [dataclasses.replace(relation, score=None) for relation in document.relations]
    named: list[Annotation] = [*document.entities, *relations, *document.attributes, *document.notes]
    if all(_ID[type(item)].fullmatch(item.id or "") for item in named):
        return named
    referred = [item.target for item in document.attributes] + [note.target for note in document.notes]
    referred += [end for relation in document.relations for end in (relation.head, relation.tail)]
    taken = set(re.findall("[TRA#][0-9]+", " ".join((*kept, *referred, *(item.id or "" for item in named)))))
    fresh = {kind: _unused(prefix, taken) for kind, prefix in _PREFIX.items()}
    renamed: dict[str, str] = {}
    for position, item in enumerate(named):
        kind = type(item)
        if not _ID[kind].fullmatch(item.id or ""):
            name = next(fresh[kind])
            if item.id is not None:
                renamed.setdefault(item.id, name)
                lost[f"{kind.__name__.lower()} id"] += 1
            named[position] = dataclasses.replace(item, id=name)
    return [_refer(item, renamed) for item in named]


def _unused(prefix: str, taken: Container[str]) -> Iterator[str]:
    return (name for number in itertools.count(1) if (name := f"{prefix}{number}") not in taken)


def _refer(item: Annotation, renamed: dict[str, str]) -> Annotation:
    if isinstance(item, Entity):
        return item
    if isinstance(item, Relation):
        return dataclasses.replace(item, head=renamed.get(item.head, item.head), tail=renamed.get(item.tail, item.tail))
    return dataclasses.replace(item, target=renamed.get(item.target, item.target))


def _line(annotation: Annotation, text: str, lost: Counter[str]) -> str:
    """Return the line of an annotation, empty if brat cannot hold it; losses are counted."""
    line = _render(annotation, text)
    try:
        back = _parse_line(line, text) if line.count("\n") == 1 else None
    except SuwenError:
        back = None
    if back == annotation:
        return line
    if not isinstance(annotation, Entity):
        lost[type(annotation).__name__.lower()] += 1
        return ""
    if not isinstance(back, Entity) or back.label != annotation.label:
        raise SuwenError("S212", what="the entity type", value=annotation.label, format=NAME)
    lost[LINE_BREAK] += back.fragments != annotation.fragments
    lost["annotated mention"] += back.annotated != annotation.annotated
    return line
