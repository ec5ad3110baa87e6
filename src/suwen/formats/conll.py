r"""CoNLL columns: one character a row, its tag last, a blank line between sentences.

Two columns (character, tag) or four (character, part of speech, chunk, tag, as in CoNLL-2003) are written; any number
from two is read. ``-DOCSTART-`` begins a document.

What suwen writes
-----------------
- ``-DOCSTART- O ID``, in four columns ``-DOCSTART- -X- -X- O ID``: a last field of its own holds the document's id.
- Every character of the text has a row. White space, which would read as a column separator, and the backslash are
  written as their code (``\u000a`` is a newline), in the id too. Thus the text survives exactly.
- Sentences are those of `suwen.text`; no blank line is put inside a mention.
- Of mentions that overlap, the longest is written, of equal ones the first.

What suwen reads
----------------
- Where ``-DOCSTART-`` has an id, the rows are the whole text. Elsewhere tokens are joined without spaces, but
  Latin words stay apart, and a blank line of the file is one of the text, so that sentences do too.
- A row that begins with a separator lacks its character: a space, which other writers do not protect.
- A mention with line breaks has fragments around them.
- Tags are ``B-Drug``, ``b-Drug``, ``B_Drug`` or ``Drug-B``, in BIO, BIOES, BMES, BILOU or BMEWO (see
  `suwen.formats.tags`).
- A CSV table of tokens is read too, and a TSV table with a row of names: the column of the tags is the last one, that
  of the tokens is known by its name or is the first; a row of names is no token, and a new number in a column of
  sentences begins a sentence.
- Other columns are kept in ``meta["conll"]["columns"]`` unless they hold nothing but ``_`` or ``-X-``.
- Under a lenient policy the number of illegal tags is in ``meta["conll"]["illegal"]``.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.breaks import pieces_between_breaks
from suwen.formats.encodings import encoding_of, read_encoded
from suwen.formats.reading import Located, Problem, document_id, files_in
from suwen.formats.tags import form_of_tags, joined_tokens
from suwen.formats.writing import LINE_BREAK, encoded, not_held
from suwen.schema import Schema
from suwen.schemes import BIO, SCHEMES, IllegalPolicy, LabelSpan, Scheme, split_tag
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["FORMAT", "NAME", "Conll", "fault_of_columns", "holds_columns"]

NAME = "conll"
SUFFIXES = (".conll", ".conll2003", ".bio", ".bioes", ".bmes", ".bmeo", ".bilou", ".iob", ".iob2", ".bieos")

_PARTS = (".train", ".dev", ".test", ".valid", ".val", ".tsv", ".tab", ".csv", ".ner", ".tags")
_FILES = (*SUFFIXES, ".txt", *_PARTS)
"""Files with other extensions than `SUFFIXES` are read from a folder if they hold columns."""

_START = "-DOCSTART-"
_FORM = "'字 O' or '字 _ _ O', a tag being O or a prefix and a label as in B-Drug"
_TAG = re.compile(r"O|[A-Z]-\S+")
_TOKENS = {"token", "tokens", "word", "words", "char", "character", "text", "字", "词", "字符"}
_SENTENCES = re.compile(r"sent(?:ence)?[ _]?(?:#|id|no|number)?|句子?(?:编号|号)?", re.IGNORECASE)
_PROTECTED = re.compile(r"[\s\\]")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")
_EMPTY = {"_", "-X-"}
_BARE = set("BIESMLUWO")
_OUTSIDE = {"O", "o", "0"}
_FEWEST = 3
"""Rows that show that a text is a file of columns."""
_SENTENCE_BREAK = "\n\n"
_HEAD = 8192  # bytes of a '.txt' that tell whether it holds columns


class Conll(WritableFormat):
    """Read and write columns: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S206 and S207, each with file and line; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = SUFFIXES

    def sniff(self, path: StrPath) -> bool:
        """Return True for a file of columns, by its extension or its rows, or a folder that holds one."""
        path = Path(path)
        if path.is_dir():
            if next(files_in(path, self.suffixes), None) is not None:
                return True
            # A corpus may have a file of another kind beside its parts, but not first among its texts.
            firsts = (next(files_in(path, (suffix,)), None) for suffix in _FILES)
            return any(first is not None and _has_columns(first) for first in firsts)
        return path.name.lower().endswith(self.suffixes) or _has_columns(path)

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        scheme: Scheme | None = None,
        columns: int | None = None,
        illegal: IllegalPolicy = "error",
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read rows; faulty ones are left out.

        Parameters
        ----------
        scheme
            The tagging scheme; by default the first of BIO, BIOES and BMES that has all prefixes of the file.
        columns
            The number of columns; by default that of the first row.
        illegal
            The policy for a tag sequence that the scheme does not allow (see `suwen.schemes.ILLEGAL_POLICIES`).
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        root = path if path.is_dir() else path.parent
        for file in files_in(path, _FILES):
            if path.is_dir() and not file.name.lower().endswith(SUFFIXES) and not _has_columns(file):
                continue
            try:
                name, source = document_id(file, root, (*SUFFIXES, ".txt")), _lined(read_encoded(file, encoding))
                source = _as_columns(source, file)
            except SuwenError as error:
                problem(error)
                continue
            blocks, tags = _blocks(source, file, columns, problem)
            found = scheme or _scheme_of(tags, file, problem)
            for number, block in enumerate(blocks, 1):
                own_name = block.id or (name if len(blocks) == 1 else f"{name}/{number}")
                yield _located(own_name, block, file, found, illegal, problem, schema)

    def write(
        self, documents: Iterable[Document], path: StrPath, *, scheme: Scheme = BIO, columns: int = 2
    ) -> Counter[str]:
        """Write one file with two or four columns.

        Returns
        -------
        Counter[str]
            Counts of what the columns could not hold, by kind.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S212 for a label with white space or a document without an id.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        filling = [" _" * (columns - 2), " -X-" * (columns - 2)]
        with replacing(path) as temporary, temporary.open("wb") as file:
            for document in documents:
                if not document.id:
                    raise SuwenError("S212", what="the document id", value="", format=NAME)
                rows, missing = _rows(document, scheme, filling[0])
                header = f"{_START}{filling[1]} O {_escaped(document.id)}\n\n"
                file.write(encoded(header + rows, document))
                lost += missing
        return lost


FORMAT = Conll()


def _has_columns(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return holds_columns(head, path)


def holds_columns(head: bytes, path: Path) -> bool:
    """Return True if the first bytes of a file are rows of one length that end in tags of one spelling."""
    rows = _first_rows(_as_columns("\n".join(_head_lines(head)), path))
    if not rows:
        return False
    tags = {row[-1] for row in rows}
    # A text with blanks has rows that end in O, too, but hardly only such.
    return form_of_tags(tags) is not None and (not tags <= {"O", "o"} or all(len(row) == 2 for row in rows))


def fault_of_columns(head: bytes) -> tuple[str, str] | None:
    """Return what is wrong with columns whose tags cannot be read, and what to do; None for any other file."""
    rows = _first_rows("\n".join(_head_lines(head)))
    first, last = ({row[place] for row in rows} for place in (0, -1))
    if last <= _BARE and {"B", "O"} <= last:
        return "a file of tags without types", "write the type behind each tag, as in B-Drug"
    if any(re.fullmatch(r"[BI]-\S+", tag) for tag in first) and form_of_tags(first) is not None:
        return "a file of columns with the tag first", "put the tag into the last column"
    if unknown := _unknown_tag(head):
        return f"a file of columns with tags such as {unknown!r}", "write them as B-Drug, I-Drug and O, without blanks"
    return None


def _unknown_tag(head: bytes) -> str | None:
    """Return a tag that is not known, of rows that begin with a single character and some of which end in O."""
    rows = [cells for line in _head_lines(head) if (cells := line.split()) and cells[0] != _START]
    if len(rows) < _FEWEST or any(len(cells[0]) > 1 or len(cells) == 1 for cells in rows):
        return None
    tags = {cells[-1] for cells in rows}
    if not tags & _OUTSIDE or form_of_tags(tags) is not None:
        return None
    return next((tag for tag in sorted(tags) if form_of_tags({tag}) is None), min(tags))


def _head_lines(head: bytes) -> list[str]:
    """Return the lines in the first bytes of a file; the last of many, which is cut, is left out."""
    source = head.decode(encoding_of(head), "replace" if len(head) < _HEAD else "ignore").removeprefix("\ufeff")
    return _lined(source).split("\n")[: None if len(head) < _HEAD else -1]


def _first_rows(source: str) -> list[tuple[str, ...]]:
    """Return the rows of columns if all have the same number of them, two or more."""
    rows = [row for row in map(_cells, source.split("\n")) if row and row[0] != _START]
    return rows if rows and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1 else []


def _as_columns(source: str, path: Path) -> str:
    """Return the rows of a table of tokens (``.csv``, or ``.tsv`` with a row of names) as lines of columns."""
    source = source.removeprefix("\ufeff")
    if path.suffix.lower() == ".csv":
        return _rows_of_table(list(csv.reader(io.StringIO(source, newline=""))))
    names = source.partition("\n")[0].strip().lower().split("\t")
    if path.suffix.lower() in (".tsv", ".tab") and not _TOKENS.isdisjoint(names[:-1]):
        # Most writers of such tables quote nothing: a token may be a quotation mark.
        return _rows_of_table([line.rstrip("\r").split("\t") for line in source.split("\n")])
    return source


def _rows_of_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows of a table of tokens as lines of columns."""
    header = [cell.strip() for cell in rows[0]] if rows else []
    named = bool(header) and form_of_tags([header[-1]]) is None
    token = next((index for index, cell in enumerate(header) if cell.lower() in _TOKENS), 0) if named else 0
    sentence = next((index for index, cell in enumerate(header) if _SENTENCES.fullmatch(cell)), None) if named else None
    lines = [""] if named else []
    before = None
    for row in rows[named:]:
        if not any(row):
            lines.append("")
            continue
        if sentence is not None and sentence < len(row) and row[sentence].strip() not in ("", before):
            if before is not None:
                lines.append("")
            before = row[sentence].strip()
        # A token may be a separator of columns.
        cell = _escaped(row[token]) if token < len(row) else ""
        lines.append(f"{cell}\t{row[-1].strip()}" if len(row) > 1 else cell)
    return "\n".join(lines)


def _lined(source: str) -> str:
    """Return the source with line feeds, where only carriage returns end its lines."""
    return source if "\n" in source else source.replace("\r", "\n")


@functools.lru_cache(maxsize=1 << 16)  # a corpus has far fewer different rows than rows
def _cells(line: str) -> tuple[str, ...]:
    """Return the columns of a row, the token as it is in the text; none for a blank line."""
    line = line.rstrip("\r").rstrip(" \t")
    if not line:
        return ()
    # Only blanks and tabs separate: a token may be any other white space.
    token, *others = re.split("[ \t]+", line)
    return _unescaped(token) or " ", *others


def _is_row(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and _TAG.fullmatch(cells[-1]) is not None


def _spelled(source: str) -> Callable[[str], str]:
    """Return a function that turns the tags of a file into ``B-Drug``; it fails for tags without a known spelling."""
    cells = (_cells(line) for line in source.removeprefix("\ufeff").split("\n"))
    return form_of_tags({row[-1] for row in cells if len(row) > 1 and row[0] != _START}) or str


@dataclass(slots=True)
class _Sentence:
    """Rows up to a blank line, column by column; `others` holds the columns between token and tag."""

    lines: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    others: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    """The sentences of a document, none of them empty but the last; `exact` when they are its whole text."""

    line: int
    id: str = ""
    exact: bool = False
    sentences: list[_Sentence] = field(default_factory=lambda: [_Sentence()])


def _blocks(source: str, path: Path, columns: int | None, problem: Problem) -> tuple[list[_Block], dict[str, int]]:
    """Return the documents of a file, and its tags with the line where each stands first."""
    blocks: list[_Block] = []
    tags: dict[str, int] = {}
    spelled = _spelled(source)
    for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), 1):
        cells = _cells(line)
        if not cells:
            if blocks and blocks[-1].sentences[-1].lines:
                blocks[-1].sentences.append(_Sentence())
            continue
        if cells[0] == _START:
            # One field more than columns: 3 or 5 where there are 2 or 4. Other programs have -X- there.
            exact = len(cells) in (3, 5) and cells[-2] == "O"
            blocks.append(_Block(number, _unescaped(cells[-1]) if exact else "", exact))
            continue
        columns = columns or max(len(cells), 2)
        cells = (*cells[:-1], spelled(cells[-1])) if len(cells) > 1 else cells
        if len(cells) != columns:
            problem(SuwenError("S206", path, number, reason=f"{len(cells)} columns, not {columns}", form=_FORM))
        elif cells[-1] not in tags and not _is_row(cells):
            problem(SuwenError("S206", path, number, reason=f"{cells[-1]!r} is not a tag", form=_FORM))
        else:
            tags.setdefault(cells[-1], number)
            if not blocks:
                blocks.append(_Block(number))
            sentence = blocks[-1].sentences[-1]
            sentence.lines.append(number)
            sentence.tokens.append(cells[0])
            sentence.tags.append(cells[-1])
            if columns > 2:
                sentence.others.append(cells[1:-1])
    return blocks, tags


def _scheme_of(tags: Mapping[str, int], path: Path, problem: Problem) -> Scheme:
    """Return the first scheme that has all prefixes."""
    fitting = list(SCHEMES.values())
    for tag, line in tags.items():
        prefix = split_tag(tag)[0]
        remaining = [scheme for scheme in fitting if prefix in ("", *scheme.prefixes)]
        if not remaining:
            reason = f"no scheme ({', '.join(SCHEMES)}) has {tag!r} beside the tags above"
            problem(SuwenError("S206", path, line, reason=reason, form=_FORM))
            break
        fitting = remaining
    return fitting[0]


def _located(
    name: str,
    block: _Block,
    path: Path,
    scheme: Scheme,
    illegal: IllegalPolicy,
    problem: Problem,
    schema: Schema | None,
) -> Located:
    # Where illegal tags are an error, the legal ones beside them still count if reading continues.
    policy = "strict" if illegal == "error" else illegal
    text = ""
    mentions: list[tuple[LabelSpan, int]] = []
    faults = 0
    for sentence in block.sentences:
        if text and sentence.lines and not block.exact:
            text += _SENTENCE_BREAK
        begin = len(text)
        if block.exact:
            joined = "".join(sentence.tokens)
            places = list(itertools.pairwise(itertools.accumulate(map(len, sentence.tokens), initial=0)))
        else:
            joined, places = joined_tokens(sentence.tokens)
        text += joined
        found = _illegal_tags(sentence, scheme)
        faults += len(found)
        if illegal == "error":
            for line, error in found:
                problem(error.at(path, line))
        # The policies agree on legal sequences, and this one is the fastest.
        for label, start, end in scheme.decode(sentence.tags, policy if found else "conlleval"):
            span = label, begin + places[start][0], begin + places[end - 1][1]
            mentions.append((span, sentence.lines[start]))
    entities = [(_entity(text, *span), line) for span, line in mentions]
    for entity, line in entities:
        if schema is not None and entity.label not in schema:
            problem(SuwenError("S202", path, line, label=entity.label, known=", ".join(schema.labels)))
    kept = _other_columns(block) | ({"illegal": faults} if faults else {})
    document = Document(name, text, tuple(entity for entity, _ in entities), meta={NAME: kept} if kept else {})
    return Located(document, path, block.line, path, tuple(entities))


def _illegal_tags(sentence: _Sentence, scheme: Scheme) -> list[tuple[int, SuwenError]]:
    """Return the tags that may not stand where they do, and a mention left open at the end, each with its line."""
    pairs = list(zip([None, *sentence.tags], [*sentence.tags, None], strict=True))
    illegal = {pair for pair in set(pairs) if not scheme.allows(*pair)}
    if not illegal:
        return []
    lines = [*sentence.lines, *sentence.lines[-1:]]
    return [
        (line, SuwenError("S207", tag=pair[1] or "the end", previous=pair[0] or "the beginning"))
        for line, pair in zip(lines, pairs, strict=True)
        if pair in illegal
    ]


def _entity(text: str, label: str, start: int, end: int) -> Entity:
    pieces = pieces_between_breaks(text, start, end)
    return Entity(label, start, end, tuple(pieces) if len(pieces) > 1 else ())


def _other_columns(block: _Block) -> dict[str, Any]:
    """Return the columns between token and tag, one list each."""
    columns = list(zip(*(others for sentence in block.sentences for others in sentence.others), strict=True))
    if all(set(column) <= _EMPTY for column in columns):
        return {}
    return {"columns": [list(column) for column in columns]}


def _rows(document: Document, scheme: Scheme, filling: str) -> tuple[str, Counter[str]]:
    """Return the rows of a document and what they could not hold."""
    text, lost = document.text, not_held(document, {"entity", "fragments"})
    chosen = _without_overlaps(document.entities, lost)
    for entity in chosen:
        if not _TAG.fullmatch(f"B-{entity.label}"):
            raise SuwenError("S212", what="the entity type", value=entity.label, format=NAME)
        if entity.fragments != _entity(text, *entity.key).fragments:
            lost["fragments" if entity.fragments else LINE_BREAK] += 1
    tags = scheme.encode(len(text), [entity.key for entity in chosen])
    starts = _sentence_starts(text)
    for entity in chosen:
        inside = [start for start in range(entity.start + 1, entity.end) if start in starts]
        starts.difference_update(inside)
        lost["sentence end inside a mention (no blank line there)"] += bool(inside)
    written = {character: _escaped(character) for character in set(text)}
    rows = [f"{written[character]}{filling} {tag}\n" for character, tag in zip(text, tags, strict=True)]
    for start in starts:
        rows[start] = "\n" + rows[start]
    return "".join([*rows, "\n"] if rows else []), +lost


def _sentence_starts(text: str) -> set[int]:
    """Return the starts of all sentences but the first; characters that the view drops belong to the one before."""
    view = make_view(text)
    return {int(view.source[start]) for start, _ in split_sentences(view)[1:]}


def _without_overlaps(entities: Iterable[Entity], lost: Counter[str]) -> list[Entity]:
    """Return the entities that a flat sequence can hold: longer before shorter. The others are counted."""
    owners: dict[int, Entity] = {}
    chosen = []
    for entity in sorted(entities, key=lambda entity: (entity.start - entity.end, entity.start)):
        # Longer ones came first, so an overlapping one is in the way at one of the two ends.
        owner = owners.get(entity.start) or owners.get(entity.end - 1)
        if owner is None:
            chosen.append(entity)
            owners.update(dict.fromkeys(range(entity.start, entity.end), entity))
        elif owner.key == entity.key:
            lost["duplicate entity"] += 1
        elif (owner.start, owner.end) == (entity.start, entity.end):
            lost["entity of another type with the same span"] += 1
        elif owner.start <= entity.start and entity.end <= owner.end:
            lost["nested entity"] += 1
        else:
            lost["overlapping entity"] += 1
    return chosen


def _escaped(text: str) -> str:
    return _PROTECTED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    # Other codes are part of the text.
    character = chr(int(match[1], 16))
    return character if _PROTECTED.fullmatch(character) else match[0]
