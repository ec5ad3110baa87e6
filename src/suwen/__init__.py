"""suwen (素问): named entities in Chinese medical literature.

>>> from suwen import Document, Entity
>>> document = Document("note", "口服二甲双胍", (Entity("Drug", 2, 6),))
>>> document.mention(document.entities[0])
'二甲双胍'
"""

from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.errors import SuwenError

__all__ = ["Attribute", "Document", "Entity", "Note", "Page", "Relation", "SuwenError", "__version__"]

__version__ = "0.1.0"
