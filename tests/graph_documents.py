"""Small documents for tests of graphs."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.document import Attribute, Document, Entity, Relation


def document(
    name: str,
    text: str,
    mentions: Sequence[tuple[str, str]],
    relations: Sequence[tuple[str, int, int, float | None]] = (),
    year: int | None = None,
    assertions: Sequence[tuple[int, str]] = (),
) -> Document:
    """Return a document; mentions (label, surface) are found in their order, relations name them by number."""
    entities, place = [], 0
    for number, (label, surface) in enumerate(mentions):
        start = text.index(surface, place)
        place = start + len(surface)
        entities.append(Entity(label, start, place, id=f"T{number}"))
    found = [
        Relation(label, f"T{head}", f"T{tail}", f"R{number}", score)
        for number, (label, head, tail, score) in enumerate(relations)
    ]
    attributes = [
        Attribute(f"A{number}", "Assertion", f"T{target}", value) for number, (target, value) in enumerate(assertions)
    ]
    meta = {} if year is None else {"title": f"题目{name}", "year": year}
    return Document(name, text, tuple(entities), tuple(found), attributes=tuple(attributes), meta=meta)


def library() -> list[Document]:
    """Return four documents: two agree, one negates, one defines an abbreviation."""
    return [
        document(
            "a",
            "二甲双胍治疗2型糖尿病。常见腹泻。",
            [("Drug", "二甲双胍"), ("Disease", "2型糖尿病"), ("SideEff", "腹泻")],
            [("Drug_Disease", 0, 1, 0.9), ("SideEff-Drug", 2, 0, 0.8)],
            2015,
        ),
        document(
            "b",
            "Ⅱ型糖尿病患者服用二甲双胍后出现腹泻，\r\n未见低血糖。",
            [("Disease", "Ⅱ型糖尿病"), ("Drug", "二甲双胍"), ("SideEff", "腹泻"), ("SideEff", "低血糖")],
            [("Drug_Disease", 1, 0, 0.7), ("SideEff-Drug", 2, 1, None), ("SideEff-Drug", 3, 1, None)],
            2020,
            [(3, "negated")],
        ),
        document(
            "c",
            "糖尿病肾病(DN)很常见。😀DN可用恩格列净。",
            [("Disease", "糖尿病肾病"), ("Disease", "DN"), ("Disease", "DN"), ("Drug", "恩格列净")],
            [("Drug_Disease", 3, 2, 0.6)],
            2022,
        ),
        document("d", "恩格列净可能有效。", [("Drug", "恩格列净")]),
    ]
