"""Records as annotation tools export them, with everything that has ever been lost on the way."""

from __future__ import annotations

from typing import Any

from format_strategies import labels, texts
from hypothesis import strategies as st

words = st.text("ab糖尿病 😀é", max_size=6)
scores = st.integers(0, 100).map(lambda percent: percent / 100)


@st.composite
def spans(draw: st.DrawFn, length: int) -> tuple[int, int]:
    start = draw(st.integers(0, length - 1))
    return start, draw(st.integers(start + 1, length))


@st.composite
def label_studio_results(draw: st.DrawFn, text: str) -> list[dict[str, Any]]:
    """Regions (crossing, equal, with several labels), relations of every direction, and regions of other kinds."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4)) if text else 0):
        start, end = draw(spans(len(text)))
        found = draw(st.lists(labels, max_size=2, unique=True))
        value: dict[str, Any] = {"start": start, "end": end, "labels": found}
        if draw(st.booleans()):
            # Exports of some versions have no mention, or one without double spaces.
            value["text"] = text[start:end] if draw(st.booleans()) else " ".join(text[start:end].split())
        row = {"id": f"r{number}", "from_name": "ner", "to_name": "t", "type": "labels", "value": value}
        row |= draw(st.fixed_dictionaries({}, optional={"score": scores, "origin": st.just("manual"), "meta": words}))
        rows.append(row)
    names = [row["id"] for row in rows]
    for _ in range(draw(st.integers(0, 2)) if names else 0):
        ends = {"from_id": draw(st.sampled_from(names)), "to_id": draw(st.sampled_from(names)), "type": "relation"}
        extra = {"direction": st.sampled_from(["right", "left", "bi"]), "labels": st.lists(words, max_size=2)}
        rows.append(ends | draw(st.fixed_dictionaries({}, optional=extra)))
    if draw(st.booleans()):
        rows.append(
            {"id": "c", "type": "choices", "value": {"choices": [draw(words)]}, "from_name": "q", "to_name": "t"}
        )
    return rows


@st.composite
def label_studio_tasks(draw: st.DrawFn) -> dict[str, Any]:
    text = draw(texts)
    annotation = st.fixed_dictionaries(
        {"result": label_studio_results(text)},
        optional={"id": st.integers(0, 99), "was_cancelled": st.booleans(), "completed_by": st.integers(1, 3)},
    )
    prediction = st.fixed_dictionaries(
        {"result": label_studio_results(text)}, optional={"model_version": words, "score": scores}
    )
    data = {"text": text} | draw(st.fixed_dictionaries({}, optional={"source": words, "n": st.integers()}))
    optional = {
        "id": st.integers(0, 99),
        "annotations": st.lists(annotation, max_size=2),
        "predictions": st.lists(prediction, max_size=2),
        "drafts": st.just([]),
        "created_at": st.just("2026-11-29T07:00:00Z"),
    }
    return {"data": data, **draw(st.fixed_dictionaries({}, optional=optional))}


@st.composite
def doccano_records(draw: st.DrawFn) -> dict[str, Any]:
    """Records of a sequence-labeling project, in either form, with metadata beside the fields."""
    text = draw(texts)
    found = [(*draw(spans(len(text))), draw(labels)) for _ in range(draw(st.integers(0, 4)) if text else 0)]
    record: dict[str, Any] = {"id": draw(st.integers(1, 999)), "text": text}
    if draw(st.booleans()):
        record[draw(st.sampled_from(["label", "labels"]))] = [list(span) for span in found]
    else:
        numbers = draw(st.lists(st.integers(1, 999), min_size=len(found), max_size=len(found), unique=True))
        record["entities"] = [
            {"id": number, "label": label, "start_offset": start, "end_offset": end}
            for number, (start, end, label) in zip(numbers, found, strict=True)
        ]
        record["relations"] = [
            {
                "id": place,
                "from_id": draw(st.sampled_from(numbers)),
                "to_id": draw(st.sampled_from(numbers)),
                "type": "R",
            }
            for place in range(draw(st.integers(0, 2)) if numbers else 0)
        ]
    return record | draw(
        st.fixed_dictionaries(
            {}, optional={"Comments": st.lists(words, max_size=1), "source": words, "note": st.none()}
        )
    )


@st.composite
def brat_files(draw: st.DrawFn) -> tuple[str, str]:
    """A text and its ``.ann`` lines: fragments, equal spans with two types, relations, events, attributes, notes."""
    text = draw(texts)
    lines = []
    count = draw(st.integers(0, 4)) if text else 0
    for number in range(1, count + 1):
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=4)))
        pieces = list(zip(cuts[::2], cuts[1::2], strict=False))
        mention = " ".join(text[start:end] for start, end in pieces)
        for ending in "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
            mention = mention.replace(ending, " ")
        offsets = ";".join(f"{start} {end}" for start, end in pieces)
        lines.append(f"T{number}\t{draw(labels)} {offsets}\t{mention}")
    if count:
        some = st.integers(1, count)
        others = st.sampled_from(
            [
                f"R{draw(some)}\tDrug_Disease Arg1:T{draw(some)} Arg2:T{draw(some)}\t",
                f"*\tEquiv T{draw(some)} T1",
                f"E1\tDrug:T{draw(some)} Theme:T1",
                f"A{draw(some)}\tNegation T{draw(some)}",
                f"M1\tCertainty T{draw(some)} low",
                f"N1\tReference T{draw(some)} ICD10:E11.9\t2型糖尿病",
                f"#1\tAnnotatorNotes T{draw(some)}\t{draw(words)}",
            ]
        )
        lines += draw(st.lists(others, max_size=4))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return text, "".join(line + end for line in lines)
