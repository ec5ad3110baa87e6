"""N-Quads (RDF 1.1): concepts, documents, and each piece of evidence with its sentence and offsets.

What a document affirms is as a triple ``head relation tail`` in a named graph, whose name is the evidence. What it
negates or supposes, and what a user rejected, is described but never stated.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from suwen.graph.exports.rows import ConceptRow, DocumentRow, EvidenceOfEdge, Rows

__all__ = ["write"]

SUWEN = "urn:suwen:"
RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
SKOS = "http://www.w3.org/2004/02/skos/core#"
TERMS = "http://purl.org/dc/terms/"
DERIVED = "<http://www.w3.org/ns/prov#wasDerivedFrom>"
XSD = "http://www.w3.org/2001/XMLSchema#"

_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f]')
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def write(rows: Rows, path: Path) -> Counter[str]:
    """Write the quads; nothing is lost."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in rows.documents():
            file.writelines(_document(document))
        for concept in rows.concepts():
            file.writelines(_concept(concept))
        for evidence in rows.evidence():
            file.writelines(_evidence(evidence))
    return Counter()


def _document(row: DocumentRow) -> Iterator[str]:
    subject = _iri("document", row.key)
    yield f"{subject} {RDF_TYPE} <{SUWEN}Document> .\n"
    yield f"{subject} <{TERMS}identifier> {_text(row.key)} .\n"
    yield f"{subject} <{TERMS}title> {_text(row.title)} .\n"
    if row.year is not None:
        yield f'{subject} <{TERMS}date> "{row.year:04d}"^^<{XSD}gYear> .\n'
    if row.source != row.key:
        yield f"{subject} {DERIVED} {_iri('document', row.source)} .\n"


def _concept(row: ConceptRow) -> Iterator[str]:
    concept = row.concept
    subject = _iri("concept", concept.id)
    yield f"{subject} {RDF_TYPE} <{SKOS}Concept> .\n"
    yield f"{subject} {RDF_TYPE} {_iri('type', concept.type)} .\n"
    yield f"{subject} <{SKOS}prefLabel> {_text(concept.name)} .\n"
    for name in row.names:
        if name != concept.name:
            yield f"{subject} <{SKOS}altLabel> {_text(name)} .\n"


def _evidence(row: EvidenceOfEdge) -> Iterator[str]:
    evidence = row.evidence
    subject, relation = _iri("evidence", evidence.id), _iri("relation", evidence.relation)
    head, tail = _iri("concept", row.head), _iri("concept", row.tail)
    if evidence.polarity == "affirmed" and evidence.verdict != "reject":
        yield f"{head} {relation} {tail} {subject} .\n"
    yield f"{subject} {RDF_TYPE} <{SUWEN}Evidence> .\n"
    yield f"{subject} {DERIVED} {_iri('document', evidence.document)} .\n"
    yield f"{subject} <{SUWEN}head> {head} .\n"
    yield f"{subject} <{SUWEN}relation> {relation} .\n"
    yield f"{subject} <{SUWEN}tail> {tail} .\n"
    yield f"{subject} <{SUWEN}polarity> {_text(evidence.polarity)} .\n"
    yield f"{subject} <{SUWEN}text> {_text(evidence.text)} .\n"
    places = {
        "start": evidence.start,
        "end": evidence.end,
        "headStart": evidence.head.start,
        "headEnd": evidence.head.end,
        "tailStart": evidence.tail.start,
        "tailEnd": evidence.tail.end,
    }
    for name, offset in places.items():
        yield f'{subject} <{SUWEN}{name}> "{offset}"^^<{XSD}integer> .\n'
    if evidence.confidence is not None:
        yield f'{subject} <{SUWEN}confidence> "{evidence.confidence:.6f}"^^<{XSD}decimal> .\n'
    if evidence.verdict is not None:
        yield f"{subject} <{SUWEN}verdict> {_text(evidence.verdict)} .\n"


def _iri(kind: str, name: str) -> str:
    return f"<{SUWEN}{kind}:{quote(name, safe='')}>"


def _text(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return _NAMED.get(found[0]) or f"\\u{ord(found[0]):04X}"
