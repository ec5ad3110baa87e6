"""Recognize the form of JSON records by their keys, whatever the extension of their file.

Records are the elements of a JSON list, or the objects on the lines of a file. Many programs share the extension and
the key of the text, so the first records decide. A record that several forms could have (``"entities": []``) decides
nothing while a later one does.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from suwen.formats.contents import ending
from suwen.formats.encodings import encoding_of
from suwen.formats.reading import files_in

__all__ = [
    "LINES",
    "RECORDS",
    "TEXTS",
    "annotations_in",
    "first_records",
    "form_of_file",
    "form_of_records",
    "is_broken",
    "record_form",
]

LINES = (".jsonl", ".jsonl.gz", ".jsonl.xz")
RECORDS = (".json", *LINES)
TEXTS = (".txt",)
"""Endings under which records are found too, if the content says so."""

HEADS = (2**16, 2**20, 2**24)
"""Numbers of bytes that are read to find the first record; the next one only if the record is longer."""

DECIDING = 100
"""Number of records that are inspected."""

DECIDING_TEXTS = 10
"""Number of text files of a folder that are inspected."""

Record = Mapping[str, Any]
_BETWEEN = " \t\r\n,"


def _lists(values: Record, *keys: str) -> Iterator[list[Any]]:
    return (values[key] for key in keys if isinstance(values.get(key), list))


def _dicts(values: Record, *keys: str) -> Iterator[dict[str, Any]]:
    return (item for rows in _lists(values, *keys) for item in rows if isinstance(item, dict))


def _is_label_studio(values: Record) -> bool:
    if isinstance(values.get("data"), dict):
        return True
    regions = (item for key in values for item in _dicts(values, key))
    labels = (item.get("labels", item.get("hypertextlabels")) for item in regions if "start" in item)
    return any(isinstance(found, list) for found in labels) or ("annotation_id" in values and "lead_time" in values)


def _is_doccano(values: Record) -> bool:
    if any("start_offset" in item for item in _dicts(values, "entities", "annotations", "label", "labels")):
        return True
    own = "Comments" in values or "annotation_approver" in values
    lists = list(_lists(values, "label", "labels"))
    return "tokens" not in values and (own or bool(lists))


def _is_hf_tokens(values: Record) -> bool:
    return isinstance(values.get("tokens"), list) and any(_lists(values, "ner_tags", "tags", "labels", "ner"))


def _is_prodigy(values: Record) -> bool:
    return "_input_hash" in values or ("text" in values and isinstance(values.get("spans"), list))


FORMS: dict[str, Callable[[Record], bool]] = {
    "label_studio": _is_label_studio,
    "prodigy": _is_prodigy,
    "ccks": lambda values: "originalText" in values,
    "cluener": lambda values: "text" in values and isinstance(values.get("label"), dict),
    "cmeee": lambda values: any("start_idx" in item for item in _dicts(values, "entities")),
    "hf_tokens": _is_hf_tokens,
    "doccano": _is_doccano,
    "CMeIE (relations without offsets)": lambda values: "spo_list" in values,
    "BioC JSON": lambda values: (
        bool(list(_lists(values, "passages"))) or any("passages" in d for d in _dicts(values, "documents"))
    ),
    "SQuAD JSON": lambda values: isinstance(values.get("data"), list) and "version" in values,
    "a Jupyter notebook": lambda values: "cells" in values and "nbformat" in values,
    "diakg": lambda values: isinstance(values.get("paragraphs"), list),
}
"""Keys of the records of each form, the first match counts; names with a space are unsupported forms."""


FIRST_KEYS = {
    "diakg": re.compile(r"""\s*\{\s*"(?:doc_id|paragraphs)"\s*:"""),
    "cmeee": re.compile(r"""\s*\[\s*\{\s*"(?:text|entities)"\s*:"""),
    "label_studio": re.compile(r"""\s*\[\s*\{\s*"(?:id|data|annotations|predictions|drafts)"\s*:"""),
}
"""The beginning of a list or object with an invalid first record; its reader reports where."""


def annotations_in(value: Any) -> int:
    """Count the annotations in a value: the items of a list of objects or lists with offsets, as many programs export.

    Examples
    --------
    >>> annotations_in([[2, 6, "Drug"]]), annotations_in([{"start": 2, "end": 6, "labels": ["Drug"]}])
    (1, 1)
    >>> annotations_in(["二甲双胍"])
    0
    """
    return len(value) if isinstance(value, list) and all(map(_is_span, value)) else 0


def _is_span(value: Any) -> bool:
    match value:
        case {"start": int(), "end": int()} | {"start_offset": int(), "end_offset": int()} | {"start_idx": int()}:
            return True
        case [int(), int(), str()] | {"start_pos": int(), "end_pos": int()}:
            return True
    return False


def form_of_records(values: Iterator[Any]) -> str | None:
    """Return the form that the first records indicate: a key of `FORMS`, else ``jsonl`` for records with a text."""
    weak = None
    for value in values:
        if not isinstance(value, dict):
            return None
        found = next((name for name, fits in FORMS.items() if fits(value)), None)
        if found is not None:
            return found
        if weak is None and isinstance(value.get("text"), str):
            weak = "cmeee" if value.keys() == {"text", "entities"} and value["entities"] == [] else "jsonl"
    return weak


def record_form(path: Path) -> str | None:
    """Return the form of a file of records; of a folder, the first form of another program, else ``jsonl`` or None."""
    if not path.is_dir():
        return form_of_file(path)
    files = list(files_in(path, ("",)))
    records = [file for file in files if ending(file, RECORDS)]
    # Texts in a folder are texts, unless they are a corpus of another program.
    texts = itertools.islice((file for file in files if ending(file, TEXTS)), DECIDING_TEXTS)
    weak = None
    for file in itertools.chain(records, texts):
        found = form_of_file(file)
        if found in FORMS:
            return found
        weak = weak or (found if ending(file, RECORDS) else None)
    return weak


def is_broken(path: Path) -> bool:
    """Return whether a file begins like JSON, and its first record is not valid, or missing."""
    try:
        with _opened(path) as file:
            head = file.read(HEADS[-1])
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return False
    text = head[: HEADS[0]].decode(encoding_of(head[: HEADS[0]]), "ignore").removeprefix("\ufeff").lstrip()
    return text.startswith(("[", "{")) and next(first_records(head), None) is None


def form_of_file(path: Path) -> str | None:
    """Return the form of one file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _cached_form(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)  # every format asks for the same file
def _cached_form(path: Path, changed: int, size: int) -> str | None:
    try:
        for length in HEADS:
            with _opened(path) as file:
                head = file.read(length)
            records = list(first_records(head))
            if records:
                return form_of_records(iter(records))
            if len(head) < length:
                begin = head.decode(errors="replace").removeprefix("\ufeff")
                return next((name for name, first in FIRST_KEYS.items() if first.match(begin)), None)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return None
    return None


def _opened(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return cast(IO[bytes], lzma.open(path)) if suffix == ".xz" else path.open("rb")


def first_records(head: bytes) -> Iterator[Any]:
    """Yield the first JSON records at the beginning of a file that may be cut; none if it is something else."""
    name = encoding_of(head)
    text = head.decode(name, "ignore")
    text = text.removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        yield from _values(text, 1)
    elif text.startswith("{"):
        found = 0
        for line in text.split("\n")[:DECIDING]:
            # Broken lines are reported by the reader.
            value = next(_values(line, 0), None)
            if isinstance(value, dict) and line.startswith("{"):
                found += 1
                yield value
        if not found:
            yield from _values(text, 0)


def _values(text: str, place: int) -> Iterator[Any]:
    """Yield the JSON values from a place on, with or without commas between them, up to what is none."""
    decoder = json.JSONDecoder()
    for _ in range(DECIDING):
        while text[place : place + 1] in _BETWEEN and place < len(text):
            place += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        yield value
