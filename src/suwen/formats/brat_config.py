"""The configuration of brat for a label set: without it, brat shows unknown types and allows no overlapping mentions.

Source: https://brat.nlplab.org/configuration.html
"""

from __future__ import annotations

from collections.abc import Iterable

from suwen.schema import Schema

__all__ = ["brat_config"]

ANY = "Arg1:<ENTITY>, Arg2:<ENTITY>"
OVERLAPPING = f"<OVERLAP>\t{ANY}, <OVL-TYPE>:<ANY>"
DEFAULTS = (
    "SPAN_DEFAULT\tfgColor:black, bgColor:lightgreen, borderColor:darken",
    "ARC_DEFAULT\tcolor:black, arrowHead:triangle-5",
)


def brat_config(schema: Schema, relations: Iterable[str] = ()) -> dict[str, str]:
    """Return the files that stand beside the documents, by name: the types, and their names and colors.

    Parameters
    ----------
    schema
        The entity types, and relation types with the types that they join.
    relations
        Further relation types, between any entities.
    """
    joined = {
        kind.name: f"Arg1:{kind.head}, Arg2:{kind.tail}" if kind.head in schema and kind.tail in schema else ANY
        for kind in schema.relations
    }
    joined |= {name: ANY for name in relations if name not in joined}
    types = [
        "[entities]",
        *schema.labels,
        "[relations]",
        *(f"{name}\t{ends}" for name, ends in sorted(joined.items())),
        OVERLAPPING,
        "[events]",
        "[attributes]",
    ]
    shown = ["[labels]", *(f"{kind.name} | {kind.zh}" for kind in schema.entities)]
    drawn = ["[drawing]", *DEFAULTS, *(f"{kind.name}\tbgColor:{kind.color}" for kind in schema.entities)]
    return {"annotation.conf": "\n".join(types) + "\n", "visual.conf": "\n".join((*shown, *drawn)) + "\n"}
