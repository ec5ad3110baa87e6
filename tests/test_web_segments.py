"""The modules of the page that cut and write texts, run in the browser, against brute force and suwen's own writers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Relation
from suwen.extraction.outputs import with_notes
from suwen.formats import read_corpus
from suwen.formats.brat import FORMAT

CALL = """async ([module, name, cases]) => {
  const called = (await import(`/static/${module}.js`))[name];
  return cases.map((given) => called(...given));
}"""
Call = Callable[..., Any]
CHARACTERS = st.sampled_from("糖尿病a，\n\r\u2028😀𠮷\u0301\u200d<&")


@pytest.fixture
def call(page_of: Callable[..., Any]) -> Iterator[Call]:
    """Call a function of one of the page's modules for many cases at once: asking the browser takes long."""
    page = page_of()
    return lambda module, name, cases: page.evaluate(CALL, [module, name, [list(case) for case in cases]])


def entity(label: str, *spans: tuple[int, int]) -> dict[str, Any]:
    return {
        "label": label,
        "start": spans[0][0],
        "end": spans[-1][1],
        "fragments": [list(span) for span in spans] if len(spans) > 1 else [],
    }


@st.composite
def annotated(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A text with entities anywhere in it: nested, crossing, equal, in fragments."""
    text = draw(st.text(CHARACTERS, min_size=1, max_size=30))
    entities = []
    for number in range(draw(st.integers(0, 8))):
        places = st.lists(st.integers(0, len(text)), min_size=2, max_size=6, unique=True)
        cuts = sorted(draw(places.filter(lambda found: len(found) % 2 == 0)))
        entities.append(entity(f"L{number}", *zip(cuts[::2], cuts[1::2], strict=True)))
    return text, entities


def several(cases: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(cases, min_size=1, max_size=8)


def pieces(entity: dict[str, Any]) -> list[tuple[int, int]]:
    return [tuple(piece) for piece in entity["fragments"]] or [(entity["start"], entity["end"])]


def cut(text: str, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The segments by brute force, a character at a time."""
    edges = {0, len(text), *(edge for item in entities for piece in pieces(item) for edge in piece)}
    size = [(item["start"] - item["end"], item["start"], index) for index, item in enumerate(entities)]
    found = []
    for start in sorted(edges)[:-1]:
        end = min(edge for edge in edges if edge > start)
        over = [index for index, item in enumerate(entities) if any(a <= start and end <= b for a, b in pieces(item))]
        over.sort(key=lambda index: size[index])
        begins = [index for index in over if entities[index]["start"] == start]
        found.append({"start": start, "end": end, "text": text[start:end], "covering": over, "begins": begins})
    return found


in_one_page = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@in_one_page
@given(several(annotated()))
def test_web_segments_are_those_of_brute_force(call: Call, cases: list[tuple[str, list[dict[str, Any]]]]) -> None:
    assert call("segments", "segments", cases) == [cut(text, entities) for text, entities in cases]


@in_one_page
@given(several(annotated()))
def test_web_segments_have_lanes_that_tell_overlapping_mentions_apart(
    call: Call, cases: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    found = call("segments", "lanes", [(entities,) for _, entities in cases])
    for (_, entities), lanes in zip(cases, found, strict=True):
        assert len(lanes) == len(entities)
        for one, (first, lane) in enumerate(zip(entities, lanes, strict=True)):
            others = {
                lanes[two]
                for two, other in enumerate(entities)
                if two != one and first["start"] < other["end"] and other["start"] < first["end"]
            }
            assert lane not in others
            # No lane is left empty below a mention.
            assert set(range(lane)) <= others


def test_web_segments_of_an_empty_text_are_none(call: Call) -> None:
    assert call("segments", "segments", [("", [])]) == [[]]


SCORES = st.none() | st.floats(0.0001, 1).map(lambda score: round(score, 6))
ASSERTIONS = st.sampled_from([None, ("affirmed", None), ("negated", (0, 1)), ("hypothetical", None)])


@st.composite
def extractions(draw: st.DrawFn) -> tuple[Document, dict[str, Any]]:
    """A document as suwen extracts it, and the server's answer that says the same."""
    text, found = draw(annotated())
    attributes, entities = [], []
    for number, item in enumerate(found, 1):
        score, assertion = draw(SCORES), draw(ASSERTIONS)
        item |= {"id": f"T{number}", "score": score, "text": text[item["start"] : item["end"]]}
        fragments = tuple(pieces(item)) if item["fragments"] else ()
        entities.append(Entity(item["label"], item["start"], item["end"], fragments, item["id"], score))
        if assertion:
            polarity, cue = assertion
            item["assertion"] = {"polarity": polarity, "cue": cue}
            added = [("Assertion", polarity), *([("Cue", f"{cue[0]}-{cue[1]}")] if cue else [])]
            for label, value in added if polarity != "affirmed" else []:
                attributes.append(Attribute(f"A{len(attributes) + 1}", label, item["id"], value))
    names = st.sampled_from([item["id"] for item in found] or ["T1"])
    joined = draw(st.lists(st.tuples(names, names, SCORES), max_size=3)) if found else []
    relations = [
        {"id": f"R{number}", "type": "Drug_Disease", "head": head, "tail": tail, "score": score}
        for number, (head, tail, score) in enumerate(joined, 1)
    ]
    document = Document(
        "note",
        text,
        tuple(entities),
        tuple(Relation(item["type"], item["head"], item["tail"], item["id"], item["score"]) for item in relations),
        attributes=tuple(attributes),
        meta={"model": "m", "relation_model": "r"},
    )
    return document, {"model": "m", "relations_model": "r", "entities": found, "relations": relations}


@in_one_page
@given(several(extractions()))
def test_web_standoff_is_what_extract_writes(call: Call, cases: list[tuple[Document, dict[str, Any]]]) -> None:
    written = []
    for document, _ in cases:
        with TemporaryDirectory() as folder:
            FORMAT.write([with_notes(document)], Path(folder) / "brat")
            written.append((Path(folder) / "brat" / "note.ann").read_bytes().decode("utf-8"))
    assert call("standoff", "brat", [(document.text, extraction) for document, extraction in cases]) == written


@in_one_page
@given(several(extractions()))
def test_web_standoff_as_json_lines_is_read_back(call: Call, cases: list[tuple[Document, dict[str, Any]]]) -> None:
    lines = call("standoff", "jsonLine", [(document.id, document.text, extraction) for document, extraction in cases])
    assert all(line.endswith("\n") for line in lines)
    for line, (document, _) in zip(lines, cases, strict=True):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "note.jsonl"
            path.write_bytes(line.encode("utf-8"))
            assert list(read_corpus(path)) == [document]
