"""Asking graphs: search, cards, neighbors, evidence, paths, SQL."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from graph_documents import document, library
from hypothesis import given
from hypothesis import strategies as st

from suwen import Graph, SuwenError, read_corpus
from suwen.graph.search import fold, grams

SAMPLE = Path(__file__).parents[1] / "src/suwen/data/sample"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    graph = Graph(tmp_path_factory.mktemp("graphs") / "sample.db")
    graph.add(read_corpus(SAMPLE))
    return graph


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path / "graph.db")
    graph.add(library()[:2])
    graph.add(library()[2:])
    return graph


def test_graph_search_finds_what_a_plain_scan_finds(sample: Graph) -> None:
    names = sample.sql("SELECT name.text, concept.stable FROM name JOIN concept ON concept.id = name.concept").rows
    draw = random.Random(3)
    parts = {"病", "肾", "1", "a", "", "糖尿病肾病", "%", "_", '"', "*", "AND", "糖尿病 肾"}
    for text, _ in draw.sample(names, 200):
        start = draw.randrange(len(text))
        parts.add(text[start : start + draw.randint(1, 6)])
    for part in parts:
        expected = {concept for text, concept in names if fold(part) in text}
        found = [concept.id for concept in sample.search(part, limit=None)]
        assert set(found) == expected, part
        assert len(found) == len(expected)


def test_graph_sentences_finds_what_a_plain_scan_finds(sample: Graph, tmp_path: Path) -> None:
    indexed = Graph(tmp_path / "indexed.db")
    documents = read_corpus(SAMPLE)
    indexed.add(documents[:30], index_sentences=True)
    indexed.add([*documents[30:], document("odd", 'Ａ%_"*\x00-(肾)AND 糖 尿。', [("Test", "肾")])])
    indexed.remove("odd", documents[3].id)
    indexed.add(documents[3:4])
    texts = sample.sql("SELECT key, start, text FROM sentence JOIN document ON document.id = sentence.document").rows
    draw = random.Random(5)
    parts = {"病", "糖尿病 肾", "", "%", "2型", "HbA1c", "。", "(DN)", "AND", "\x00-("}
    parts.add(max((text for _, _, text in texts), key=len) + "病")
    parts.add(max((text for _, _, text in texts), key=len)[1:])
    parts |= {text[place : place + draw.randint(1, 6)] for _, _, text in draw.sample(texts, 60) for place in [2]}
    for part in parts:
        expected = {(key, start) for key, start, text in texts if fold(part) and fold(part) in fold(text)}
        for graph in (sample, indexed):
            found = graph.sentences(part, limit=None)
            assert {(one.document, one.start) for one in found} == expected, part
            assert len(found) == len(expected)
    assert sample.sentences("糖", limit=2, offset=1) == sample.sentences("糖", limit=3)[1:]


def test_graph_search_puts_equal_names_first_then_beginnings(sample: Graph) -> None:
    found = [fold(concept.name) for concept in sample.search("糖尿病", limit=None)]
    beginnings = [name.startswith("糖尿病") for name in found]
    assert found[0] == "糖尿病"
    assert beginnings == sorted(beginnings, reverse=True)
    first = sample.search("糖", limit=5)
    assert first + sample.search("糖", offset=5, limit=5) == sample.search("糖", limit=10)
    assert {concept.type for concept in sample.search("糖", type="Test", limit=None)} == {"Test"}


def test_graph_search_of_an_empty_text_starts_with_the_most_documents(sample: Graph) -> None:
    found = sample.search(" ", limit=None)
    documents = [concept.documents for concept in found]
    assert len(found) == sample.info().concepts
    assert documents == sorted(documents, reverse=True)


def test_graph_counts_the_types_of_all_neighbors(sample: Graph) -> None:
    for concept in sample.search("", limit=None):
        card = sample.concept(concept.id, limit=10_000)
        other = {"head": "tail", "tail": "head"}
        ends = [getattr(edge, other[group.role]).type for group in card.neighbors for edge in group.edges]
        assert sample.neighbor_types(concept.id) == Counter(ends)


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_graph_grams_of_a_part_are_grams_of_the_whole(part: str, rest: str) -> None:
    assert set(grams(part).split()) <= set(grams(rest + part).split())


def test_graph_concept_shows_names_with_reasons(graph: Graph) -> None:
    card = graph.concept("糖尿病肾病")
    assert [(alias.surface, alias.reason, alias.source) for alias in card.aliases] == [
        ("DN", "abbreviation", "document"),
        ("糖尿病肾病", "same", "normalization"),
    ]
    reasons = {alias.surface: alias.reason for alias in graph.concept("二型糖尿病").aliases}
    assert reasons == {"2型糖尿病": "same", "Ⅱ型糖尿病": "width"}
    assert graph.concept(card.concept.id).concept == card.concept
    with pytest.raises(SuwenError, match="S708"):
        graph.concept("胰岛素")


def test_graph_concept_of_several_types_names_the_others(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    kinds = ("Disease", "SideEff", "Disease")
    graph.add(document(f"{i}", "低血糖。", [(kind, "低血糖")]) for i, kind in enumerate(kinds))
    card = graph.concept("低血糖")
    assert (card.concept.type, [other.type for other in card.others]) == ("Disease", ["SideEff"])
    assert graph.concept("低血糖", type="SideEff").concept.documents == 1
    with pytest.raises(SuwenError, match=r"S714 .*'Drug'; it has: Disease, SideEff"):
        graph.concept("低血糖", type="Drug")


def test_graph_edges_are_found_whatever_the_type_of_the_name(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    symptoms = [document(f"{i}", "低血糖。", [("Symptom", "低血糖")]) for i in range(2)]
    effect = document(
        "e", "胰岛素致低血糖。", [("Drug", "胰岛素"), ("SideEff", "低血糖")], [("SideEff-Drug", 1, 0, None)]
    )
    graph.add([*symptoms, effect])
    assert graph.concept("低血糖").concept.type == "Symptom"
    assert [edge.head.type for edge in graph.edges("胰岛素", "低血糖")] == ["SideEff"]
    assert len(graph.evidence("低血糖", "胰岛素")) == 1
    assert graph.path("低血糖", "胰岛素") == graph.edges("低血糖", "胰岛素")


def test_graph_neighbors_are_ranked_and_paged(sample: Graph) -> None:
    whole = {(g.relation, g.role): g for g in sample.concept("二甲双胍", limit=1000).neighbors}
    for (relation, role), group in whole.items():
        assert group.total == len(group.edges)
        ranks = [edge.rank for edge in group.edges]
        assert ranks == sorted(ranks, reverse=True)
        paged = [
            edge
            for page in range(group.total)
            for part in sample.concept("二甲双胍", relation=relation, offset=page, limit=1).neighbors
            if part.role == role
            for edge in part.edges
        ]
        assert paged == list(group.edges)
    assert {relation for relation, _ in whole} > {"SideEff-Drug", "Drug_Disease"}


def test_graph_rank_is_documents_times_confidence_times_lift(graph: Graph) -> None:
    (edge,) = graph.edges("二甲双胍", "2型糖尿病")
    assert edge.rank == pytest.approx(2 * edge.confidence * (2 * 4 / (2 * 2)), abs=1e-6)


def test_graph_since_counts_newer_documents_alone(graph: Graph) -> None:
    def edges(since: int | None) -> dict[str, tuple[int, int]]:
        groups = graph.concept("二甲双胍", since=since).neighbors
        return {
            f"{edge.head.name}-{edge.tail.name}": (edge.documents, edge.affirmed) for g in groups for edge in g.edges
        }

    assert edges(None) == {"二甲双胍-2型糖尿病": (2, 2), "腹泻-二甲双胍": (2, 2), "低血糖-二甲双胍": (1, 0)}
    assert edges(2015) == edges(1) == edges(None)
    assert edges(2018) == {"二甲双胍-2型糖尿病": (1, 1), "腹泻-二甲双胍": (1, 1), "低血糖-二甲双胍": (1, 0)}
    assert edges(2021) == edges(2) == {}
    assert [group.total for group in graph.concept("恩格列净", since=2).neighbors] == [1]
    assert [item.document for item in graph.evidence("二甲双胍", "2型糖尿病", since=2018)] == ["b"]


def test_graph_evidence_is_the_newest_first_and_paged(graph: Graph) -> None:
    found = graph.evidence("2型糖尿病", "二甲双胍")
    assert [(item.document, item.year, item.title) for item in found] == [("b", 2020, "题目b"), ("a", 2015, "题目a")]
    assert graph.evidence("2型糖尿病", "二甲双胍", offset=1, limit=1) == found[1:]
    assert graph.evidence("2型糖尿病", "二甲双胍", relation="SideEff-Drug") == []
    (negated,) = graph.evidence("低血糖", "二甲双胍")
    assert (negated.polarity, negated.head.polarity, negated.tail.polarity) == ("negated", "negated", "affirmed")


def test_graph_path_is_a_shortest_one(graph: Graph, sample: Graph) -> None:
    import networkx

    assert graph.path("腹泻", "2型糖尿病") == [*graph.edges("腹泻", "二甲双胍"), *graph.edges("二甲双胍", "2型糖尿病")]
    assert graph.path("腹泻", "DN") is None
    assert graph.path("低血糖", "腹泻") is None, "what is negated is no way"
    assert graph.path("腹泻", "腹泻") == []
    undirected = networkx.Graph(
        (edge["head"], edge["tail"])
        for edge in map(json.loads, sample.dump())
        if edge["kind"] == "edge" and edge["rank"] > 0
    )
    lengths = networkx.single_source_shortest_path_length(undirected, sample.concept("二甲双胍").concept.id)
    for name, length in sorted(lengths.items())[::10]:
        path = sample.path("二甲双胍", name)
        assert length > 6 if path is None else len(path) == length


def test_graph_path_is_the_shortest_between_all_concepts_of_the_names(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    chain = [("Disease", "低血糖"), ("Drug", "胰岛素"), ("SideEff", "水肿")]
    graph.add(
        [
            document(
                "a", "低血糖，胰岛素，水肿。", chain, [("Drug_Disease", 1, 0, None), ("SideEff-Drug", 2, 1, None)]
            ),
            document("b", "低血糖。", chain[:1]),
            document("c", "低血糖，水肿。", [("Symptom", "低血糖"), chain[2]], [("SideEff-Drug", 1, 0, None)]),
        ]
    )
    assert [concept.type for concept in graph.search("低血糖")] == ["Disease", "Symptom"]
    assert len(graph.path("低血糖", "水肿") or ()) == 1
    assert len(graph.path(graph.concept("低血糖").concept.id, "水肿") or ()) == 2


def test_graph_sql_answers_and_changes_nothing(tmp_path: Path, graph: Graph) -> None:
    table = graph.sql("SELECT name, documents FROM concept WHERE name LIKE ?", ["%糖尿病"])
    assert (table.columns, table.rows) == (("name", "documents"), [("2型糖尿病", 2)])
    for query in (
        "DELETE FROM concept",
        "PRAGMA user_version = 3",
        f"ATTACH '{tmp_path / 'new.db'}' AS other",
        "SELECT load_extension('x')",
        "SELEC",
        "SELECT 1; SELECT 2",
        "",
        "VACUUM",
        "CREATE TEMP TABLE t (a)",
    ):
        with pytest.raises(SuwenError, match="S713"):
            graph.sql(query)
    assert [file.name for file in tmp_path.iterdir()] == ["graph.db"]
    assert graph.sql("SELECT sketch FROM document").to_dict()["rows"][0][0].isalnum()


def test_graph_info_counts(graph: Graph) -> None:
    info = graph.info()
    assert (info.documents, info.mentions, info.concepts, info.evidence, info.edges) == (4, 12, 6, 6, 4)
    assert (info.corroborated, info.builds, info.years) == (2, 2, (2015, 2022))
    assert info.merged == {"abbreviation": 1, "width": 1}
    assert info.polarities == {"affirmed": 5, "negated": 1, "hypothetical": 0, "rejected": 0}


def test_graph_to_networkx_has_all_edges(graph: Graph) -> None:
    found = graph.to_networkx()
    assert (found.number_of_nodes(), found.number_of_edges()) == (graph.info().concepts, graph.info().edges)
    (drug,) = graph.search("二甲双胍")
    assert found.nodes[drug.id]["name"] == "二甲双胍"
    (disease,) = graph.search("2型糖尿病")
    assert found.edges[drug.id, disease.id, "Drug_Disease"]["documents"] == 2
