"""Questions by identifier: filters and pages of neighbors against a plain count, evidence in context, documents."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from graph_documents import document, library
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen import Graph, SuwenError, read_corpus
from suwen.graph.evidence import Evidence
from suwen.graph.exports.rows import Rows
from suwen.graph.filters import Filters
from suwen.graph.keys import document_key, edge_key, edge_parts
from suwen.graph.queries import Edge

SAMPLE = Path(__file__).parents[1] / "src/suwen/data/sample"
KEYS: dict[str, Callable[[Edge], float]] = {
    "rank": lambda edge: edge.rank,
    "documents": lambda edge: edge.documents,
    "confidence": lambda edge: edge.confidence,
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A graph with years, relations, confidences and verdicts, drawn at random."""
    draw = random.Random(7)
    documents = []
    names = {"Drug": ["甲药", "乙药", "丙药"], "Disease": ["子病", "丑病", "寅病", "卯病"], "SideEff": ["吐", "泻"]}
    for number in range(60):
        mentions = [(kind, draw.choice(names[kind])) for kind in ("Drug", "Disease", "SideEff")]
        text = "".join(f"第{number}句有{name}。" for _, name in mentions)
        relations = [("Drug_Disease", 0, 1, draw.random()), ("SideEff-Drug", 2, 0, draw.choice([None, 0.5]))]
        said = [(draw.randrange(3), draw.choice(["negated", "hypothetical"]))] if draw.random() < 0.4 else []
        year = draw.choice([None, 2010, 2015, 2020])
        documents.append(document(f"d{number}", text, mentions, relations, year, said))
    graph = Graph(tmp_path_factory.mktemp("graphs") / "graph.db")
    graph.add(documents)
    for edge in all_edges(graph):
        for context in graph.contexts(edge.id, limit=None):
            value = draw.choice(["accept", "reject", None, None])
            graph.judge(context.evidence.id, value)
    first = all_edges(graph)[0]
    for context in graph.contexts(first.id, limit=None):
        graph.judge(context.evidence.id, "reject")
    return graph


def all_edges(graph: Graph) -> list[Edge]:
    with graph._open() as connection:
        return list(Rows(connection).edges())


def expected_edges(graph: Graph, concept: str, filters: Filters) -> dict[tuple[str, str], set[str]]:
    """Return the edges of a concept that the filters admit, by plain counting of their evidence."""
    found = defaultdict(set)
    for edge in all_edges(graph):
        evidence = [one.evidence for one in graph.contexts(edge.id, limit=None)]
        verdicts = {one.verdict for one in evidence}
        for role, own, other in (("head", edge.head, edge.tail), ("tail", edge.tail, edge.head)):
            if own.id != concept or not admits_kind(filters, edge.relation, other.type):
                continue
            if filters.reviewed == "all" and verdicts == {"reject"}:
                continue
            if filters.reviewed == "accepted" and "accept" not in verdicts:
                continue
            if filters.reviewed == "rejected" and "reject" not in verdicts:
                continue
            if filters.reviewed == "unreviewed" and verdicts != {None}:
                continue
            dated = [one for one in evidence if admits_year(filters, one)]
            counted = [one.polarity for one in dated if one.verdict != "reject"]
            if filters.is_dated and not (counted or (filters.reviewed == "rejected" and dated)):
                continue
            if filters.assertion == "without" and "affirmed" not in counted:
                continue
            if filters.assertion == "only" and not {"negated", "hypothetical"} & set(counted):
                continue
            if not filters.is_dated and edge.confidence < filters.confidence:
                continue
            found[edge.relation, role].add(edge.id)
    return dict(found)


def admits_kind(filters: Filters, relation: str, kind: str) -> bool:
    return relation in (filters.relations or (relation,)) and kind in (filters.types or (kind,))


def admits_year(filters: Filters, one: Evidence) -> bool:
    if not filters.is_dated:
        return True
    return one.year is not None and (filters.since or 0) <= one.year <= (filters.until or 9999)


FILTERS = st.builds(
    Filters,
    relations=st.sampled_from([(), ("Drug_Disease",), ("SideEff-Drug", "Drug_Disease"), ("nothing",)]),
    types=st.sampled_from([(), ("Disease",), ("SideEff", "Disease"), ("Drug",)]),
    since=st.sampled_from([None, 2012, 2015, 2030]),
    until=st.sampled_from([None, 2010, 2015, 2020]),
    assertion=st.sampled_from(["with", "without", "only"]),
    reviewed=st.sampled_from(["all", "accepted", "rejected", "unreviewed"]),
    order=st.sampled_from(["rank", "documents", "confidence"]),
)


@given(FILTERS, st.sampled_from(["甲药", "子病", "泻"]), st.sampled_from([0.0, 0.6, 0.95]), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_graph_neighbors_equal_a_plain_count(
    sample: Graph, filters: Filters, name: str, confidence: float, limit: int
) -> None:
    if not filters.is_dated:
        filters = replace(filters, confidence=confidence)
    concept = sample.concept(name, limit=0).concept.id
    groups = sample.neighbors(concept, filters, limit=1000)
    found = {(group.relation, group.role): {edge.id for edge in group.edges} for group in groups}
    assert found == expected_edges(sample, concept, filters)
    key = KEYS[filters.order]
    for group in groups:
        assert group.total == len(group.edges)
        figures = [(key(edge), edge.rank) for edge in group.edges]
        assert figures == sorted(figures, reverse=True)
        asked = replace(filters, relations=(group.relation,))
        paged: list[Edge] = []
        while True:
            after = (float(key(paged[-1])), paged[-1].rank, paged[-1].id) if paged else None
            pages = sample.neighbors(concept, asked, role=group.role, after=after, limit=limit)
            if not pages or not pages[0].edges:
                break
            assert pages[0].total == group.total
            paged += pages[0].edges
        assert paged == list(group.edges)


def test_graph_neighbors_of_all_years_have_the_figures_of_all(sample: Graph) -> None:
    concept = sample.concept("甲药", limit=0).concept.id
    for group in sample.neighbors(concept, Filters(since=1000, until=9999), limit=1000):
        for edge in group.edges:
            evidence = [one.evidence for one in sample.contexts(edge.id, Filters(since=1000), limit=None)]
            assert edge.affirmed + edge.negated + edge.hypothetical == sum(one.verdict != "reject" for one in evidence)
            assert edge.rejected == sum(one.verdict == "reject" for one in evidence)


def test_graph_edge_identifiers_survive_a_rebuild(tmp_path: Path) -> None:
    first, second = Graph(tmp_path / "first.db"), Graph(tmp_path / "second.db")
    first.add(library())
    for one in reversed(library()):
        second.add([one])
    assert sorted(edge.id for edge in all_edges(first)) == sorted(edge.id for edge in all_edges(second))
    for edge in all_edges(first):
        assert len(edge.id) == 48
        assert edge_parts(edge.id) is not None
        assert first.edge(edge.id) == edge
        assert second.edge(edge.id) == edge
        for context in first.contexts(edge.id, limit=None):
            assert first.edge_of_evidence(context.evidence.id) == edge


@pytest.mark.parametrize("edge", ["", "x" * 48, "0" * 48, "0" * 47, "é" * 48, edge_key("a", "0" * 16, "f" * 16)])
def test_graph_edge_that_is_not_there_is_refused(tmp_path: Path, edge: str) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library())
    for ask in (graph.edge, graph.contexts):
        with pytest.raises(SuwenError, match="S716"):
            ask(edge)
    with pytest.raises(SuwenError, match="S709"):
        graph.edge_of_evidence(edge)
    with pytest.raises(SuwenError, match="S717"):
        graph.passage(edge)


def test_graph_contexts_and_passages_are_exact(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    documents = {one.id: one for one in [*read_corpus(SAMPLE), *library()]}
    graph.add(documents.values())
    seen = 0
    for edge in all_edges(graph):
        contexts = graph.contexts(edge.id, limit=None)
        assert [one.position for one in contexts] == list(range(len(contexts)))
        for number, context in enumerate(contexts):
            one, text = context.evidence, documents[context.evidence.document].text
            assert text[one.start : one.end] == one.text
            assert text[one.start - len(context.before) : one.start] == context.before
            assert text[one.end : one.end + len(context.after)] == context.after
            assert bool(context.before) == (one.start > 0)
            assert bool(context.after) == (one.end < len(text))
            assert graph.contexts(edge.id, after=number - 1, limit=1) == [context]
            seen += 1
    assert seen > 50
    for one in documents.values():
        found = graph.passage(document_key(one.id))
        assert (found.key, found.text) == (one.id, one.text)
        assert {(m.type, m.start, m.end) for m in found.mentions} == {entity.key for entity in one.entities}
        assert [m.start for m in found.mentions] == sorted(m.start for m in found.mentions)


def test_graph_revision_changes_with_what_is_answered(tmp_path: Path) -> None:
    graph, other = Graph(tmp_path / "graph.db"), Graph(tmp_path / "other.db")
    graph.add(library()[:3])
    other.add(library()[:3])
    assert graph.revision != other.revision
    states = [(graph.structure, graph.revision)]
    evidence = graph.contexts(all_edges(graph)[0].id)[0].evidence.id
    graph.add(library()[:1])
    assert (graph.structure, graph.revision) == states[0]
    graph.judge(evidence, "accept")
    states.append((graph.structure, graph.revision))
    assert states[1][0] == states[0][0]
    graph.add(library()[3:])
    states.append((graph.structure, graph.revision))
    graph.merge("腹泻", "低血糖")
    states.append((graph.structure, graph.revision))
    assert len({revision for _, revision in states}) == len(states)
    assert len({structure for structure, _ in states}) == len(states) - 1


def test_graph_snapshot_does_not_change(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library()[:2])
    with graph.snapshot():
        before = graph.revision
        assert graph.search("病")
        assert graph.revision == before
    Graph(tmp_path / "graph.db").add(library()[2:])
    with graph.snapshot():
        assert graph.revision != before


def test_graph_answers_again_after_an_interruption(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library())
    with graph.snapshot():
        graph.interrupt()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            graph.search("病")
    assert graph.search("病")
    graph.interrupt()
    assert graph.search("病")


def test_graph_dump_is_of_one_state(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library())
    before = list(graph.dump())
    lines = graph.dump()
    found = [next(lines)]
    writer = Thread(target=Graph(tmp_path / "graph.db").remove, args=("a",))
    writer.start()
    # Until it waits for the end of reading.
    time.sleep(0.5)
    found += lines
    writer.join()
    assert found == before
    assert list(graph.dump()) != before


def test_graph_matching_name_is_one_that_the_search_found(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library())
    kidney = graph.search("DN")[0]
    assert graph.matching_name(kidney.id, "dn") == "DN"
    assert graph.matching_name(kidney.id, "肾病") is None
    assert graph.matching_name(kidney.id, "没有") is None


def test_graph_concept_by_identifier_names_others_of_its_name(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    graph.add([document("a", "肥胖与肥胖", [("Disease", "肥胖"), ("Symptom", "肥胖")])])
    by_name = graph.concept("肥胖")
    for concept in (by_name.concept, *by_name.others):
        card = graph.concept(concept.id)
        assert card.concept == concept
        assert {concept.id, *(other.id for other in card.others)} == {one.id for one in graph.search("肥胖")}
        assert len(card.others) == 1
