"""Documents for the tests of augmentation: wrapped lines, fragments, nested entities, what else brat knows."""

from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Page, Relation

TEXT = (
    "\ufeff老年糖尿病患者采用研究方法观察口服二甲\n双胍治疗,观察空腹血糖下降情况,每日三次,\r\n"
    "  共治疗明显下降的患者例数采用研究方法观察。结果 HbA1c\nlevel 不升高,男女患者口服阿卡波糖5mg治疗2周。\n"
    "\n本组研究结果明显升高。"
)
"""The first three breaks are those of a narrow column, the last one ends a paragraph."""


def document(name: str = "138_5") -> Document:
    def at(mention: str, label: str, identifier: str, start: int = 0) -> Entity:
        begin = TEXT.index(mention, start)
        pieces, place = [], begin
        for part in mention.split("\n"):
            pieces.append((place, place + len(part)))
            place += len(part) + 1
        fragments = tuple(pieces) if len(pieces) > 1 else ()
        return Entity(label, begin, begin + len(mention), fragments, identifier)

    entities = (
        at("糖尿病", "Disease", "T1"),
        at("二甲\n双胍", "Drug", "T2"),
        at("空腹血糖", "Test", "T3"),
        at("血糖", "Test", "T4"),
        at("HbA1c\nlevel", "Test", "T5"),
        at("阿卡波糖", "Drug", "T6"),
        at("5mg", "Amount", "T7"),
    )
    return Document(
        name,
        TEXT,
        entities,
        (Relation("Drug_Disease", "T2", "T1", "R1"),),
        "138",
        (Page(1, 0, 40), Page(2, 40, len(TEXT))),
        (Attribute("A1", "Certain", "T6"),),
        (Note("#1", "AnnotatorNotes", "T7", "每日"),),
        {"journal": "x"},
    )


PIECES = ["患者", "糖尿病", "口服", "二甲双胍", "治疗", "血糖", "升高", "三次", "不", "无效", "5", "mg", "HbA1c", "的"]
BREAKS = [",", "。", "\n", "\n\n", " ", "\r\n", ";", "\ufeff", "(", ")"]


@st.composite
def documents(draw, name: str | None = None) -> Document:
    """A short text, with entities of any kind anywhere."""
    parts = draw(st.lists(st.sampled_from(PIECES) | st.sampled_from(BREAKS), min_size=1, max_size=30))
    text = "".join(parts)
    entities = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, min(len(text), start + 8)))
        middle = draw(st.integers(start, end))
        fragments = ((start, middle), (middle + 1, end)) if start < middle and middle + 1 < end else ()
        label = draw(st.sampled_from(["Drug", "Disease", "Test"]))
        entities.append(Entity(label, start, end, fragments, f"T{number + 1}"))
    relations = (Relation("Drug_Disease", "T1", "T2", "R1"),) if len(entities) > 1 else ()
    identifier = name or draw(st.text("abc_1", min_size=1, max_size=4))
    return Document(identifier, text, tuple(entities), relations)
