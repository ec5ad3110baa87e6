"""Hugging Face token classification: records with ``tokens`` and their tags (``ner_tags``). This format is only read.

``{"id": "0", "tokens": ["口", "服"], "ner_tags": ["O", "B-Drug"]}``, one a line or in a list; a Parquet file with these
columns is read by `suwen.formats.parquet`, with the names of the tags that `datasets` keeps in the file. Tags that are
numbers without names are refused (S215).

Tokens are joined without spaces, as Chinese is written; between two tokens of several characters that meet in Latin
letters or digits stands a space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats.json_files import RecordFormat, Row, field, located_at, name_under, reporting_at
from suwen.formats.reading import Located, Problem
from suwen.formats.tags import form_of_tags, joined_tokens
from suwen.schema import Schema
from suwen.schemes import scheme_of

__all__ = ["FORMAT", "NAME", "TAGS", "HfTokens", "document_of_tokens"]

NAME = "hf_tokens"
TAGS = ("ner_tags", "tags", "labels", "ner")
"""The keys under which tags stand."""

ADVICE = (
    "write the names (B-Drug, O …) in place of the numbers, or save the data with its features: "
    "dataset.to_parquet() of the datasets library keeps the names"
)


class HfTokens(RecordFormat):
    """Read tokens and their tags: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S116, S204, S206, S207, S210, S213 and S215; S202 for a label not in the
    schema.
    """

    name = NAME

    def located(
        self, rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None
    ) -> Iterator[Located]:
        """Yield the documents of the records of a file."""
        for number, values in rows:
            report = reporting_at(problem, path, number)
            try:
                tokens = field(values, "tokens", list, NAME)
                key = next((key for key in TAGS if isinstance(values.get(key), list)), TAGS[0])
                tags = field(values, key, list, NAME)
                own = name_under(values, "id") or f"{name}/{number}"
                document = document_of_tokens(own, tokens, tags, report, schema)
            except SuwenError as error:
                report(error)
                continue
            yield located_at(document, path, number)


FORMAT = HfTokens()


def document_of_tokens(
    name: str, tokens: Sequence[Any], tags: Sequence[Any], report: Problem, schema: Schema | None
) -> Document:
    """Return the document of tokens and their tags.

    Raises
    ------
    SuwenError
        S206 when they do not fit together or are no tags, S207 for an illegal sequence, S213 for a token that is no
        text, S215 for numbers.
    """
    if any(type(tag) is int for tag in tags):
        raise SuwenError("S215", advice=ADVICE)
    if not all(isinstance(item, str) for item in (*tokens, *tags)):
        raise SuwenError("S213", field="tokens", reason="or its tags are not text", format=NAME)
    form = form_of_tags(tags)
    if len(tokens) != len(tags) or form is None:
        reason = f"{len(tokens)} tokens have {len(tags)} tags" if form else "the tags have several forms, or none"
        raise SuwenError("S206", reason=reason, form="a tag for every token, O or a prefix and a label as in B-Drug")
    text, places = joined_tokens(tokens)
    plain = [form(tag) for tag in tags]
    spans = scheme_of(plain).decode(plain, "error")
    entities = [Entity(label, places[start][0], places[end - 1][1]) for label, start, end in spans]
    for entity in entities:
        if schema is not None and entity.label not in schema:
            report(SuwenError("S202", label=entity.label, known=", ".join(schema.labels)))
    return Document(name, text, tuple(entities))
