"""The tables of a graph file, and its version."""

from __future__ import annotations

__all__ = ["AGGREGATES", "APPLICATION", "INDEXES", "NAMES", "PER_DOCUMENT", "POLARITIES", "TABLES", "VERSION"]

APPLICATION = 0x73757765
"""SQLite's ``application_id``: distinguishes a graph from other databases (``suwe`` in ASCII)."""

VERSION = 1
"""SQLite's ``user_version``: changes with the tables."""

POLARITIES = ("affirmed", "negated", "hypothetical")
"""The values of the columns `polarity`, by number."""

TABLES = (
    """CREATE TABLE build (
        id INTEGER PRIMARY KEY,
        time TEXT NOT NULL,
        release TEXT NOT NULL
    )""",
    """CREATE TABLE document (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        hash TEXT NOT NULL,
        title TEXT NOT NULL,
        year INTEGER,
        model TEXT,
        build INTEGER NOT NULL,
        sketch BLOB NOT NULL,
        source INTEGER
    )""",
    """CREATE TABLE sentence (
        id INTEGER PRIMARY KEY,
        document INTEGER NOT NULL,
        start INTEGER NOT NULL,
        text TEXT NOT NULL
    )""",
    """CREATE TABLE meaning (
        document INTEGER NOT NULL,
        short TEXT NOT NULL,
        label TEXT NOT NULL,
        long TEXT NOT NULL
    )""",
    "CREATE INDEX meaning_document ON meaning (document)",
    """CREATE TABLE form (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        surface TEXT NOT NULL,
        name TEXT NOT NULL,
        key TEXT,
        given TEXT,
        reason TEXT,
        source TEXT,
        codes TEXT,
        concept INTEGER,
        mentions INTEGER NOT NULL DEFAULT 0,
        UNIQUE (type, surface, name)
    )""",
    """CREATE TABLE mention (
        id INTEGER PRIMARY KEY,
        document INTEGER NOT NULL,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        fragments TEXT,
        form INTEGER NOT NULL,
        polarity INTEGER NOT NULL,
        cue_start INTEGER,
        cue_end INTEGER,
        confidence REAL
    )""",
    "CREATE TABLE relation (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE evidence (
        id INTEGER PRIMARY KEY,
        document INTEGER NOT NULL,
        relation INTEGER NOT NULL,
        head INTEGER NOT NULL,
        tail INTEGER NOT NULL,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        polarity INTEGER NOT NULL,
        confidence REAL,
        key INTEGER NOT NULL
    )""",
    """CREATE TABLE resource (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        content TEXT NOT NULL,
        UNIQUE (kind, name)
    )""",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE action (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        type TEXT NOT NULL,
        key TEXT NOT NULL,
        other_type TEXT NOT NULL,
        other_key TEXT NOT NULL,
        time TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE verdict (
        key INTEGER PRIMARY KEY,
        value TEXT NOT NULL,
        kind TEXT,
        author TEXT,
        note TEXT,
        time TEXT NOT NULL
    )""",
    """CREATE TABLE concept (
        id INTEGER PRIMARY KEY,
        stable TEXT NOT NULL,
        type TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        mentions INTEGER NOT NULL DEFAULT 0,
        documents INTEGER NOT NULL DEFAULT 0,
        negated INTEGER NOT NULL DEFAULT 0,
        hypothetical INTEGER NOT NULL DEFAULT 0,
        UNIQUE (type, key)
    )""",
    """CREATE TABLE edge (
        id INTEGER PRIMARY KEY,
        relation INTEGER NOT NULL,
        head INTEGER NOT NULL,
        tail INTEGER NOT NULL,
        documents INTEGER NOT NULL,
        sentences INTEGER NOT NULL,
        affirmed INTEGER NOT NULL,
        negated INTEGER NOT NULL,
        hypothetical INTEGER NOT NULL,
        rejected INTEGER NOT NULL,
        confidence REAL NOT NULL,
        rank REAL NOT NULL,
        first_year INTEGER,
        last_year INTEGER
    )""",
    """CREATE TABLE support (
        edge INTEGER NOT NULL,
        position INTEGER NOT NULL,
        evidence INTEGER NOT NULL,
        PRIMARY KEY (edge, position)
    ) WITHOUT ROWID""",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, concept INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE gram USING fts5 (grams, content='', columnsize=0, detail=none, tokenize='ascii')",
)
"""Rows refer to one another by integers that differ from build to build; what is shown outside is hashed (`keys`).

- The ids of sentences, mentions and evidence are ``document * PER_DOCUMENT`` and their place in the document: that of a
  sentence is its `start`, the others are numbered in the order of the text.
- ``sentence``: the sentences of a document joined in their order are its exact text.
- ``meaning``: the abbreviations that a document defines.
- ``form``: a surface as an entity type and the name that its document defines for it. The key of its concept, why it
  has that key, and codes (`suwen.concepts`) follow from the tables that hold for all documents.
- ``resource``: the terminologies and alias lists of the user.
- ``evidence``: a relation of one document; `start` and `end` are those of its sentences.
- ``support``: the evidence of an edge, the newest first.
- ``name``: what a search looks through, the concepts with the most documents first; ``gram`` is its index.
"""

NAMES = frozenset(statement.split("TABLE ")[1].split()[0] for statement in TABLES if "TABLE " in statement)
"""The names of the tables."""

PER_DOCUMENT = 2**32

AGGREGATES = ("concept", "edge", "support", "name")
"""The tables that follow from the others."""

INDEXES = {
    "evidence_key": "evidence (key)",
    "form_concept": "form (concept)",
    "form_key": "form (key)",
    "concept_key": "concept (key)",
    "edge_triple": "edge (head, tail, relation)",
    "edge_head": "edge (head, relation, rank DESC)",
    "edge_tail": "edge (tail, relation, rank DESC)",
    "concept_stable": "concept (stable)",
    "name_text": "name (text)",
    "name_concept": "name (concept)",
}
"""The indexes of what is computed: dropped before and made again after it."""
