"""Exports: what other programs read is what the graph holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from graph_documents import document, library

from suwen import Graph, SuwenError, read_corpus
from suwen.graph.exports import EXPORTS

SAMPLE = Path(__file__).parents[1] / "src/suwen/data/sample"
ODD = document(
    'o/"<&>\\ 😀',
    '=SUM(A1)治疗"糖尿病\x0b；\x00"<b>。\r\n@链脲\n佐菌素;甲;乙\\',
    [("Drug", "=SUM(A1)"), ("Disease", '"糖尿病\x0b；\x00"<b>'), ("Drug", "@链脲\n佐菌素;甲;乙\\")],
    [("Drug_Disease", 0, 1, 0.5), ("药物 疾病", 2, 1, 0.25)],
    1999,
    [(2, "negated")],
)


@pytest.fixture(scope="module", params=["sample", "odd"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    graph = Graph(tmp_path_factory.mktemp("graphs") / "graph.db")
    graph.add(read_corpus(SAMPLE) if request.param == "sample" else [*library(), ODD])
    return graph


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def count(graph: Graph, what: str) -> int:
    return int(graph.sql(f"SELECT count(*) FROM {what}").rows[0][0])


def test_graph_export_nquads_are_read_back(graph: Graph, tmp_path: Path) -> None:
    oxigraph = pytest.importorskip("pyoxigraph")
    assert graph.export(tmp_path / "graph.nq", "nquads") == {}
    store = oxigraph.Store()
    store.load(path=str(tmp_path / "graph.nq"), format=oxigraph.RdfFormat.N_QUADS)

    def ask(query: str) -> list[Any]:
        return list(store.query(f"PREFIX s: <urn:suwen:> PREFIX skos: <http://www.w3.org/2004/02/skos/core#> {query}"))

    info = graph.info()
    assert len(ask("SELECT ?x { ?x a skos:Concept }")) == info.concepts
    assert len(ask("SELECT ?x { ?x a s:Document }")) == info.documents
    assert len(ask("SELECT ?x { ?x a s:Evidence }")) == info.evidence
    stated = ask("SELECT ?h ?r ?t ?g { GRAPH ?g { ?h ?r ?t } }")
    assert len(stated) == count(graph, "evidence WHERE polarity = 0")
    names = {row["name"].value for row in ask("SELECT ?name { ?x skos:prefLabel ?name }")}
    assert names == {row[0] for row in graph.sql("SELECT DISTINCT name FROM concept").rows}
    texts = {row["text"].value for row in ask("SELECT ?text { ?x s:text ?text }")}
    known = "".join(text for (text,) in graph.sql("SELECT text FROM sentence ORDER BY id").rows)
    assert all(text in known for text in texts)


def test_graph_export_graphml_is_read_back(graph: Graph, tmp_path: Path) -> None:
    import networkx

    lost = graph.export(tmp_path / "graph.graphml", "graphml")
    found = networkx.read_graphml(tmp_path / "graph.graphml", force_multigraph=True)
    expected = graph.to_networkx()
    assert (found.number_of_nodes(), found.number_of_edges()) == (
        expected.number_of_nodes(),
        expected.number_of_edges(),
    )
    for name, values in expected.nodes(data=True):
        ours = found.nodes[name]
        assert (ours["documents"], ours["type"]) == (values["documents"], values["type"])
        assert ours["label"] == values["name"] or lost
    weights = sorted((head, tail, data["relation"], data["confidence"]) for head, tail, data in found.edges(data=True))
    assert weights == sorted(
        (head, tail, key, data["confidence"]) for head, tail, key, data in expected.edges(keys=True, data=True)
    )
    assert lost.keys() <= {"control characters"}


def test_graph_export_neo4j_is_read_back(graph: Graph, tmp_path: Path) -> None:
    lost = graph.export(tmp_path / "neo4j", "neo4j")
    files = {path.stem: rows(path) for path in (tmp_path / "neo4j").iterdir()}
    info = graph.info()
    assert {name: len(found) for name, found in files.items()} == {
        "concepts": info.concepts,
        "documents": info.documents,
        "evidence": info.evidence,
        "edges": info.edges,
        "heads": info.evidence,
        "tails": info.evidence,
        "sources": info.evidence,
    }
    concepts = {row["id:ID(Concept)"] for row in files["concepts"]}
    documents = {row["id:ID(Document)"] for row in files["documents"]}
    assert {row[":START_ID(Concept)"] for row in files["edges"]} <= concepts
    assert {row[":END_ID(Concept)"] for row in files["heads"] + files["tails"]} <= concepts
    assert {row[":END_ID(Document)"] for row in files["sources"]} <= documents
    for row in files["concepts"]:
        (names,) = graph.sql(
            "SELECT count(DISTINCT surface) FROM form JOIN concept ON concept.id = form.concept WHERE stable = ?",
            [row["id:ID(Concept)"]],
        ).rows[0]
        assert len(row["names:string[]"].split(";")) == names
    for found in files.values():
        assert not any("\n" in cell or "\r" in cell or "\0" in cell for row in found for cell in row.values())
    assert lost.keys() <= {"line breaks", "semicolons in names", "control characters"}


def test_graph_export_csv_has_no_formula(graph: Graph, tmp_path: Path) -> None:
    graph.export(tmp_path / "safe", "csv")
    graph.export(tmp_path / "raw", "csv-raw")
    info = graph.info()
    for name, total in (("concepts", info.concepts), ("edges", info.edges), ("evidence", info.evidence)):
        safe = rows(tmp_path / "safe" / f"{name}.csv", "utf-8-sig")
        raw = rows(tmp_path / "raw" / f"{name}.csv")
        assert len(safe) == len(raw) == total
        for ours, theirs in zip(safe, raw, strict=True):
            for cell, exact in zip(ours.values(), theirs.values(), strict=True):
                assert cell in (exact, f"'{exact}")
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))
    assert not (tmp_path / "raw/edges.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_graph_export_dump_is_canonical(graph: Graph, tmp_path: Path) -> None:
    graph.export(tmp_path / "dump.jsonl", "dump")
    assert (tmp_path / "dump.jsonl").read_text(encoding="utf-8") == "".join(graph.dump())


def test_graph_export_writes_whole_or_not_at_all(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    for form in EXPORTS:
        with pytest.raises(SuwenError, match="S104"):
            graph.export(tmp_path / "there", form)
    with pytest.raises(SuwenError, match="S404"):
        graph.export(tmp_path / "new", "xls")
    assert [file.name for file in tmp_path.iterdir()] == ["there"]
