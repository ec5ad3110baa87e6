"""suwen (素问): named entities in Chinese medical literature.

>>> from suwen import Document, Entity
>>> document = Document("note", "口服二甲双胍", (Entity("Drug", 2, 6),))
>>> document.mention(document.entities[0])
'二甲双胍'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.errors import SuwenError

if TYPE_CHECKING:
    from suwen.files import StrPath
    from suwen.inference.predictor import Extractor

__all__ = ["Attribute", "Document", "Entity", "Note", "Page", "Relation", "SuwenError", "__version__", "load"]

__version__ = "0.1.0"


def load(path: StrPath | None = None, device: str = "cpu") -> Extractor:
    """Load a model: ``ner = suwen.load(); ner("口服二甲双胍").entities``.

    Parameters
    ----------
    path
        A folder written by ``suwen train``; by default the model that suwen carries.
    device
        Where a neural model runs: ``cpu``, ``cuda``, ``cuda:1`` …

    Raises
    ------
    SuwenError
        When the folder is missing, damaged, or of another format version, or a package is missing.
    """
    # Late, because whoever only handles documents should not wait for numpy and torch.
    from suwen.loading import load as load_model

    return load_model(path, device)
