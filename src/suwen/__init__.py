"""suwen (素问): named entities in Chinese medical literature.

>>> from suwen import Document, Entity
>>> document = Document("note", "口服二甲双胍", (Entity("Drug", 2, 6),))
>>> document.mention(document.entities[0])
'二甲双胍'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.errors import SuwenError
from suwen.version import __version__

if TYPE_CHECKING:
    from suwen.api import (
        agree,
        augment,
        augment_corpus,
        compare,
        evaluate,
        export,
        extract,
        load,
        preannotate,
        pretrain,
        relate,
        sample,
        split,
        train,
        train_folds,
    )
    from suwen.api.frames import from_dataframe, to_dataframe
    from suwen.formats import read_corpus, write_corpus
    from suwen.graph.graph import Graph

__all__ = [
    "Attribute",
    "Document",
    "Entity",
    "Graph",
    "Note",
    "Page",
    "Relation",
    "SuwenError",
    "__version__",
    "agree",
    "augment",
    "augment_corpus",
    "compare",
    "evaluate",
    "export",
    "extract",
    "from_dataframe",
    "load",
    "preannotate",
    "pretrain",
    "read_corpus",
    "relate",
    "sample",
    "split",
    "to_dataframe",
    "train",
    "train_folds",
    "write_corpus",
]

# Imported on first use: programs that only handle documents need neither numpy nor torch.
_ELSEWHERE = {
    "Graph": "suwen.graph.graph",
    "from_dataframe": "suwen.api.frames",
    "read_corpus": "suwen.formats",
    "to_dataframe": "suwen.api.frames",
    "write_corpus": "suwen.formats",
}
"""The modules of the names that are not in `suwen.api`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_ELSEWHERE.get(name, "suwen.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
