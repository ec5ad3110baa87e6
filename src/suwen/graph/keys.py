"""Identifiers that survive a rebuild: hashes of the named content."""

from __future__ import annotations

import re
from hashlib import blake2b

__all__ = [
    "concept_key",
    "document_key",
    "edge_key",
    "edge_parts",
    "evidence_key",
    "hexadecimal",
    "is_hexadecimal",
    "number_of",
    "place_key",
    "relation_key",
]

BYTES = 8
_SEPARATOR = "\0"
_HEXADECIMAL = re.compile(f"[0-9a-f]{{{2 * BYTES}}}")


def concept_key(kind: str, key: str) -> str:
    """Return the identifier of a concept, 16 hexadecimal digits."""
    return hexadecimal(_hash(kind, key))


def evidence_key(document: str, relation: str, head: str, tail: str) -> int:
    """Return the identifier of a relation between two mentions (`place_key`), as a signed 64-bit integer."""
    return _hash(document, relation, head, tail)


def place_key(start: int, end: int, kind: str) -> str:
    """Return the key of a mention in the identifier of its relations."""
    return f"{start}{_SEPARATOR}{end}{_SEPARATOR}{kind}"


def document_key(key: str) -> str:
    """Return the identifier of a document, for addresses: its key may be a name of a file or of a person."""
    return hexadecimal(_hash(key))


def edge_key(relation: str, head: str, tail: str) -> str:
    """Return the identifier of an edge, 48 hexadecimal digits, from its relation type and its concepts' identifiers."""
    return head + tail + relation_key(relation)


def edge_parts(digits: str) -> tuple[str, str, str] | None:
    """Return the identifiers of head, tail and relation type of an `edge_key`; None for any other text."""
    parts = digits[: 2 * BYTES], digits[2 * BYTES : 4 * BYTES], digits[4 * BYTES :]
    return parts if all(map(is_hexadecimal, parts)) else None


def relation_key(name: str) -> str:
    """Return the identifier of a relation type in that of an edge."""
    return hexadecimal(_hash(name))


def hexadecimal(number: int) -> str:
    """Write an identifier as it is shown: 16 hexadecimal digits."""
    return f"{number % 2 ** (8 * BYTES):0{2 * BYTES}x}"


def number_of(digits: str) -> int:
    """Return the number that `hexadecimal` wrote."""
    return int.from_bytes(bytes.fromhex(digits), "big", signed=True)


def is_hexadecimal(text: str) -> bool:
    """Return whether a text has the form of an identifier."""
    return _HEXADECIMAL.fullmatch(text) is not None


def _hash(*parts: str) -> int:
    data = _SEPARATOR.join(parts).encode()
    return int.from_bytes(blake2b(data, digest_size=BYTES).digest(), "big", signed=True)
