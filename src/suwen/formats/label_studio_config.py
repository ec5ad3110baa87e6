"""The labeling configuration of Label Studio for a label set.

Source: https://labelstud.io/tags/labels and https://labelstud.io/tags/relations
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from suwen.schema import Schema

__all__ = ["label_config"]


def label_config(schema: Schema, relations: Iterable[str] = ()) -> str:
    """Return the configuration as XML: one label for each entity type, and the relation types.

    Mentions are marked character by character (``granularity="symbol"``): with words, Chinese mentions would grow to
    the whole run of text.

    Parameters
    ----------
    schema
        The entity types with their colors, and relation types.
    relations
        Further relation types.
    """
    view = ElementTree.Element("View")
    names = dict.fromkeys((*(kind.name for kind in schema.relations), *relations))
    if names:
        parent = ElementTree.SubElement(view, "Relations")
        for name in names:
            ElementTree.SubElement(parent, "Relation", value=name)
    labels = ElementTree.SubElement(view, "Labels", name="label", toName="text", showInline="true")
    for kind in schema.entities:
        ElementTree.SubElement(labels, "Label", value=kind.name, background=kind.color, hint=kind.title)
    ElementTree.SubElement(view, "Text", name="text", value="$text", granularity="symbol")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
