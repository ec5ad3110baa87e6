"""Building graphs: whatever the order, the batches and the interruptions, the same documents give the same graph."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from graph_documents import document, library
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen import Document, Entity, Graph, Relation, SuwenError, read_corpus, write_corpus
from suwen.concepts.assertion import with_assertions
from suwen.concepts.linking import ConceptLinker
from suwen.concepts.terminologies import AliasList, Term, Terminology
from suwen.graph import aggregates, build, store
from suwen.graph.aggregates import edge_confidence
from suwen.graph.store import connect, writing

SAMPLE = Path(__file__).parents[1] / "src/suwen/data/sample"


def built(path: Path, *batches: list[Document], **options: object) -> Graph:
    graph = Graph(path)
    for batch in batches:
        graph.add(batch, **options)
    return graph


def dump(graph: Graph) -> list[str]:
    return list(graph.dump())


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return built(tmp_path / "graph.db", library())


def test_graph_build_gives_the_same_graph_in_any_order_and_batches(tmp_path: Path, graph: Graph) -> None:
    expected = dump(graph)
    documents = library()
    for number in range(4):
        random.Random(number).shuffle(documents)
        cut = number + 1
        other = built(tmp_path / f"{number}.db", documents[:cut], documents[cut:], documents[1:3])
        assert dump(other) == expected


def test_graph_build_twice_changes_nothing(graph: Graph) -> None:
    expected = dump(graph)
    changes = graph.add(library())
    assert changes.documents == {"unchanged": 4}
    assert dump(graph) == expected


def test_graph_remove_undoes_add(tmp_path: Path, graph: Graph) -> None:
    first = built(tmp_path / "first.db", library()[:2])
    assert graph.remove("c", "d").documents == {"removed": 2}
    assert dump(graph) == dump(first)
    graph.add(library()[2:])
    assert dump(graph) == dump(built(tmp_path / "all.db", library()))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 3), min_size=1)), max_size=5))
def test_graph_depends_on_the_documents_alone(tmp_path: Path, steps: list[tuple[bool, set[int]]]) -> None:
    path, fresh = tmp_path / "graph.db", tmp_path / "fresh.db"
    path.unlink(missing_ok=True)
    fresh.unlink(missing_ok=True)
    documents = library()
    there = {0}
    graph = built(path, documents[:1])
    for is_added, chosen in steps:
        if is_added:
            graph.add(documents[number] for number in chosen)
            there |= chosen
        elif removed := (chosen & there) - {0}:
            graph.remove(*(documents[number].id for number in removed))
            there -= removed
    graph.close()
    assert dump(graph) == dump(built(fresh, [documents[number] for number in there]))


def test_graph_remove_erases_the_text(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    secret = document("s", "绝密样本语句。二甲双胍", [("Drug", "二甲双胍")])
    graph = built(path, [*library(), secret], index_sentences=True)
    assert "绝密样本语句".encode() in path.read_bytes()
    graph.remove("s")
    assert not any(pair.encode() in path.read_bytes() for pair in ("绝密", "密样", "样本", "本语"))
    assert [file.name for file in tmp_path.iterdir()] == ["graph.db"]


def test_graph_file_is_private(graph: Graph, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "graph.db").stat().st_mode) == 0o600
    empty = tmp_path / "empty.db"
    empty.touch(mode=0o644)
    Graph(empty).add(library())
    assert stat.S_IMODE(empty.stat().st_mode) == 0o600


def test_graph_evidence_has_the_exact_place(graph: Graph) -> None:
    texts = {one.id: one.text for one in library()}
    pairs = [("二甲双胍", "2型糖尿病"), ("腹泻", "二甲双胍"), ("低血糖", "二甲双胍"), ("DN", "恩格列净")]
    found = [item for pair in pairs for item in graph.evidence(*pair)]
    assert len(found) == sum(len(one.relations) for one in library())
    for item in found:
        text = texts[item.document]
        assert text[item.start : item.end] == item.text
        for argument in (item.head, item.tail):
            assert text[argument.start : argument.end] == argument.text
            assert item.start <= argument.start < argument.end <= item.end


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_graph_evidence_has_the_exact_place_in_any_text(tmp_path: Path, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("糖尿病二甲双胍DN。！\r\n \x00\x0b😀(1)"), min_size=4, max_size=60))
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 6)), min_size=2, max_size=5, unique=True)
    )
    entities = tuple(
        Entity("Disease", start, min(start + length, len(text)), id=f"T{i}") for i, (start, length) in enumerate(spans)
    )
    relations = (Relation("Disease_Disease", "T0", "T1"),)
    path = tmp_path / "random.db"
    path.unlink(missing_ok=True)
    graph = built(path, [Document("a", text, entities, relations)])
    rows = graph.sql("SELECT text FROM sentence ORDER BY document, start").rows
    assert "".join(row[0] for row in rows) == text
    for kind in graph.sql(
        "SELECT head.stable, tail.stable FROM edge JOIN concept AS head ON head.id = edge.head"
        " JOIN concept AS tail ON tail.id = edge.tail"
    ).rows:
        for item in graph.evidence(*kind):
            assert text[item.start : item.end] == item.text
            assert item.head.start == entities[0].start


def test_graph_links_as_the_linker_does(tmp_path: Path) -> None:
    documents = read_corpus(SAMPLE)
    tables = {
        "terminologies": [Terminology("icd", (Term("E11.9", "2型糖尿病", ("T2DM",)),))],
        "aliases": [AliasList("mine", (("格华止", "二甲双胍", "Drug"), ("微量白蛋白尿", "白蛋白尿", "")))],
    }
    graph = built(tmp_path / "graph.db", documents[:20], **tables)
    graph.add(documents[20:])
    query = (
        "SELECT document.key, mention.start, mention.end, form.type, form.key, form.reason, form.source FROM mention"
        " JOIN document ON document.id = mention.document JOIN form ON form.id = mention.form"
    )
    found = {tuple(row[:4]): tuple(row[4:]) for row in graph.sql(query).rows}
    linking = ConceptLinker(tables["terminologies"], tables["aliases"]).link(documents)
    for name, links in linking.links.items():
        for link in links:
            key = (name, link.entity.start, link.entity.end, link.entity.label)
            assert found[key] == (link.key, link.reason, link.source)
    assert [code.code for code in graph.concept("T2DM").codes] == ["E11.9"]


def test_graph_takes_the_negation_off_a_mention(tmp_path: Path) -> None:
    text = "无胸闷、胸闷，无明显胸\n闷。无力，双肺未闻及啰音，无 "
    places = ((0, 3, ()), (4, 6, ()), (7, 13, ((7, 11), (12, 13))), (14, 16, ()), (17, 24, ()), (25, 27, ()))
    entities = tuple(Entity("Symptom", start, end, fragments, f"T{start}") for start, end, fragments in places)
    graph = built(tmp_path / "graph.db", [with_assertions(Document("a", text, entities))])
    query = "SELECT start, polarity, form.surface FROM mention JOIN form ON form.id = mention.form ORDER BY start"
    found = [(0, 1, "胸闷"), (4, 1, "胸闷"), (7, 1, "胸闷"), (14, 0, "无力"), (17, 1, "双肺啰音"), (25, 1, "无 ")]
    assert [tuple(row) for row in graph.sql(query).rows] == found


def test_graph_links_anew_when_the_library_agrees_on_an_abbreviation(tmp_path: Path) -> None:
    def defining(name: str) -> Document:
        return document(name, f"{name}某某综合征(ZZT)。", [("Disease", "某某综合征")])

    using = document("u", "ZZT患者。", [("Disease", "ZZT")])
    graph = built(tmp_path / "graph.db", [using, defining("1"), defining("2")])
    assert graph.concept("ZZT").concept.name == "ZZT"
    graph.add([defining("3")])
    assert graph.concept("ZZT").concept.name == "某某综合征"
    graph.remove("2")
    assert graph.concept("ZZT").concept.name == "ZZT"


def test_graph_counts_near_copies_once(tmp_path: Path) -> None:
    text = "".join(f"第{i}例患者服用药物后情况各不相同，随访{i * 7}天。" for i in range(40))
    first = document(
        "x", f"二甲双胍治疗糖尿病。{text}", [("Drug", "二甲双胍"), ("Disease", "糖尿病")], [("R", 0, 1, None)]
    )
    copy = replace(first, id="w", text=f"{first.text}完")
    graph = built(tmp_path / "graph.db", [first, copy, *library()])
    (edge,) = graph.edges("二甲双胍", "糖尿病")
    assert (edge.documents, edge.affirmed, edge.confidence) == (1, 2, 0.95)
    assert (graph.info().documents, graph.info().sources) == (6, 5)


def test_graph_edges_count_what_the_texts_say(graph: Graph) -> None:
    (edge,) = graph.edges("二甲双胍", "2型糖尿病")
    assert (edge.documents, edge.sentences, edge.affirmed, edge.first_year, edge.last_year) == (2, 2, 2, 2015, 2020)
    assert edge.confidence == edge_confidence([(1, 0, 0.9), (2, 0, 0.7)])
    (negated,) = graph.edges("低血糖", "二甲双胍")
    assert (negated.affirmed, negated.negated, negated.confidence) == (0, 1, 0.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0, 1)), max_size=8), st.randoms())
def test_graph_edge_confidence_is_a_noisy_or(evidence: list[tuple[int, int, float]], draw: random.Random) -> None:
    def side(kind: int) -> float:
        wrong = 1.0
        for source in range(4):
            ours = [1 - p for one, sign, p in evidence if one == source and sign == kind]
            if ours:
                product = 1.0
                for value in ours:
                    product *= value
                wrong *= min(1.0, 0.05 + product)
        return 1 - wrong

    expected = side(0) * (1 - side(1))
    shuffled = draw.sample(evidence, len(evidence))
    assert edge_confidence(evidence) == edge_confidence(shuffled) == pytest.approx(expected, abs=1e-6)


def test_graph_leaves_out_and_counts_what_cannot_be_evidence(tmp_path: Path) -> None:
    one = library()[0]
    relations = (*one.relations, Relation("R", "T0", "T9"), Relation("R", "T1", "T1"), one.relations[0])
    entities = (*one.entities, replace(one.entities[0], id="T7"))
    changes = Graph(tmp_path / "graph.db").add([replace(one, relations=relations, entities=entities)])
    assert changes.left_out == {
        "entities that stand there twice": 1,
        "relations without their entities": 1,
        "relations of an entity with itself": 1,
        "relations that stand there twice": 1,
    }
    assert (changes.mentions, changes.evidence) == (3, 2)


def test_graph_refuses_a_changed_document_or_replaces_it(tmp_path: Path, graph: Graph) -> None:
    changed = replace(library()[0], text=f"{library()[0].text}新")
    with pytest.raises(SuwenError, match="S706"):
        graph.add([changed])
    problems: list[SuwenError] = []
    fresh = document("e", "胰岛素。", [("Drug", "胰岛素")])
    changes = graph.add([changed, fresh], problem=problems.append)
    assert (changes.documents, [error.code for error in problems]) == ({"refused": 1, "added": 1}, ["S706"])
    assert graph.add([changed], replace=True).documents == {"replaced": 1}
    assert dump(graph) == dump(built(tmp_path / "new.db", [changed, fresh, *library()[1:]]))


def test_graph_tells_a_confidence_of_0_from_one_of_1(tmp_path: Path) -> None:
    graph = Graph(tmp_path / "graph.db")
    mentions = [("Drug", "二甲双胍"), ("Disease", "糖尿病")]
    sure, unsure = (document("a", "二甲双胍治糖尿病。", mentions, [("Drug_Disease", 0, 1, p)]) for p in (1.0, 0.0))
    graph.add([sure])
    with pytest.raises(SuwenError, match="S706"):
        graph.add([unsure])


def test_graph_refuses_documents_without_any_entity(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    with pytest.raises(SuwenError, match="S712"):
        Graph(path).add([Document("a", "二甲双胍")])
    assert list(tmp_path.iterdir()) == []


def test_graph_takes_odd_documents(tmp_path: Path) -> None:
    many = document("many", "二甲双胍治疗糖尿病。" * 300, [("Drug", "二甲双胍"), ("Disease", "糖尿病")] * 300)
    many = replace(many, relations=tuple(Relation("R", f"T{2 * i}", f"T{2 * i + 1}") for i in range(300)))
    long = document(
        "long", f"二甲双胍{'与' * 5000}糖尿病", [("Drug", "二甲双胍"), ("Disease", "糖尿病")], [("R", 0, 1, 0.5)]
    )
    graph = built(tmp_path / "graph.db", [many, long, Document("empty", ""), Document("blank", " \r\n")])
    (edge,) = graph.edges("二甲双胍", "糖尿病")
    assert (edge.documents, edge.sentences, edge.affirmed) == (2, 301, 301)
    assert edge.confidence == edge_confidence([(1, 0, 1.0), (2, 0, 0.5)])
    assert [len(item.text) for item in graph.evidence("二甲双胍", "糖尿病", limit=None)] == [10] * 300 + [5007]
    assert graph.remove("empty", "blank").documents == {"removed": 2}


def test_graph_refuses_what_is_no_unicode(tmp_path: Path) -> None:
    first = library()[0]
    bad = [
        Document("a", "二甲双胍", (Entity("\ud800", 0, 4),)),
        replace(first, relations=(replace(first.relations[0], label="\ud800"),)),
        replace(first, meta={"title": "\ud800"}),
        replace(first, meta={"model": "\ud800"}),
    ]
    problems: list[SuwenError] = []
    changes = Graph(tmp_path / "graph.db").add([*bad, *library()], problem=problems.append)
    assert ([error.code for error in problems], changes.documents["added"]) == (["S210"] * 4, 4)


def test_graph_keeps_verdicts(tmp_path: Path, graph: Graph) -> None:
    (item,) = graph.evidence("低血糖", "二甲双胍")
    (wrong, _) = graph.evidence("二甲双胍", "2型糖尿病")
    graph.judge(item.id, "accept", author="me")
    graph.judge(wrong.id, "reject", kind="relation", note="no")
    (edge,) = graph.edges("二甲双胍", "2型糖尿病")
    assert (edge.documents, edge.affirmed, edge.rejected) == (1, 1, 1)
    judged = dump(graph)
    graph.remove(wrong.document)
    graph.add(library())
    assert dump(graph) == judged
    assert [one.verdict for one in graph.evidence("二甲双胍", "2型糖尿病")] == ["reject", None]
    graph.judge(wrong.id, None)
    graph.judge(item.id, None)
    assert dump(graph) == dump(built(tmp_path / "new.db", library()))


def test_graph_refuses_unknown_verdicts(graph: Graph) -> None:
    (item,) = graph.evidence("低血糖", "二甲双胍")
    for arguments, code in ((("0" * 16, "accept"), "S709"), ((item.id, "maybe"), "S710"), (("x", "reject"), "S709")):
        with pytest.raises(SuwenError) as raised:
            graph.judge(*arguments)
        assert raised.value.code == code


def test_graph_undo_is_as_if_never_merged(graph: Graph) -> None:
    expected = dump(graph)
    number = graph.merge("恩格列净", "二甲双胍")
    merged = graph.concept("恩格列净")
    assert (merged.concept.name, merged.concept.documents) == ("二甲双胍", 4)
    assert [(alias.surface, alias.reason) for alias in merged.aliases] == [
        ("二甲双胍", "same"),
        ("恩格列净", "decision"),
    ]
    assert graph.undo(number).kind == "merge"
    assert dump(graph) == expected
    with pytest.raises(SuwenError, match="S711"):
        graph.undo()


def test_graph_split_takes_a_name_out(graph: Graph) -> None:
    expected = dump(graph)
    graph.split("2型糖尿病", "Ⅱ型糖尿病")
    assert {concept.name for concept in graph.search("型糖尿病")} == {"2型糖尿病", "Ⅱ型糖尿病"}
    graph.split("糖尿病肾病", "DN")
    assert graph.concept("DN").concept.name == "DN"
    assert graph.edges("DN", "恩格列净")
    assert not graph.edges("糖尿病肾病", "恩格列净")
    graph.undo(1)
    graph.undo()
    assert dump(graph) == expected
    for arguments in (("二甲双胍", "二甲双胍"), ("二甲双胍", "格华止")):
        with pytest.raises(SuwenError, match="S710"):
            graph.split(*arguments)


def test_graph_decisions_hold_for_documents_that_come_later(tmp_path: Path) -> None:
    early = built(tmp_path / "early.db", library()[:3])
    early.merge("恩格列净", "二甲双胍")
    early.split("糖尿病肾病", "DN")
    early.add(library()[3:])
    late = built(tmp_path / "late.db", library())
    late.merge("恩格列净", "二甲双胍")
    late.split("糖尿病肾病", "DN")
    assert dump(early) == dump(late)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_graph_build_survives_being_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = dump(built(tmp_path / "whole.db", library()))
    path = tmp_path / "killed.db"
    # A small cache: what is half-written reaches the file before the process ends.
    monkeypatch.setattr(store, "CACHE_KIB", 4)

    def dying(name: str, module: ModuleType, calls: int) -> None:
        """Add documents in another process, which kills itself at the given call of a function."""
        if (process := os.fork()) == 0:
            function, left = getattr(module, name), iter(range(calls))
            killing = lambda *given: function(*given) if next(left, None) is not None else os.kill(os.getpid(), 9)  # noqa: E731
            setattr(module, name, killing)
            Graph(path).add(library())
            os._exit(0)
        assert os.waitpid(process, 0)[1] == signal.SIGKILL

    for calls in range(3):
        dying("sketch", build, calls)
    for name in ("assign_sources", "assign_concepts", "_name_concepts", "_write_edges", "_index_names"):
        dying(name, aggregates, 0)
    built(path, library()[:2])
    dying("sketch", build, 1)
    dying("_index_names", aggregates, 0)
    assert dump(built(path, library())) == expected
    assert {file.name for file in tmp_path.iterdir()} == {"whole.db", "killed.db"}


def test_graph_second_writer_waits_or_is_refused(tmp_path: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.db"
    monkeypatch.setattr("suwen.graph.store.WAIT_SECONDS", 0.1)
    with writing(path):
        with pytest.raises(SuwenError, match="S704"):
            graph.remove("a")
        assert graph.concept("二甲双胍").concept.documents == 2
    assert graph.remove("a").documents == {"removed": 1}


def test_graph_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    write_corpus(library()[:2], tmp_path / "1.jsonl", "jsonl")
    write_corpus(library()[2:], tmp_path / "2.jsonl", "jsonl")
    program = "import sys, suwen; suwen.Graph(sys.argv[1]).add(suwen.read_corpus(sys.argv[2]))"
    path = tmp_path / "both.db"
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(path), str(tmp_path / f"{i}.jsonl")]) for i in (1, 2)
    ]
    assert [process.wait() for process in started] == [0, 0]
    assert dump(Graph(path)) == dump(built(tmp_path / "whole.db", library()))


def test_graph_refuses_files_that_are_no_graph(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("这不是图谱" * 300, encoding="utf-8")
    empty = tmp_path / "empty.db"
    empty.touch()
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE t (a)").connection.close()
    for path, code in (
        (text, "S701"),
        (empty, "S701"),
        (other, "S701"),
        (tmp_path / "none", "S101"),
        (tmp_path, "S109"),
    ):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(SuwenError) as raised:
            Graph(path).info()
        assert raised.value.code == code
        with pytest.raises(SuwenError) as raised:
            Graph(path).add(library(), create=path == other)
        assert raised.value.code == code
        assert (path.read_bytes() if path.is_file() else None) == before


def test_graph_refuses_other_versions_and_damaged_files(tmp_path: Path, graph: Graph) -> None:
    path = tmp_path / "graph.db"
    graph.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SuwenError, match="S703"):
        graph.concept("二甲双胍")
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(SuwenError, match="S703"):
        graph.info()
    graph.close()
    path.write_bytes(whole)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SuwenError, match="S702"):
        graph.info()
    path.write_bytes(whole)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE mention")
    connection.close()
    for question in (graph.info, lambda: graph.concept("二甲双胍"), lambda: graph.remove("a")):
        with pytest.raises(SuwenError, match=r"S703 .*it has no table mention"):
            question()


def test_graph_on_a_full_disk_is_as_it_was(tmp_path: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = dump(graph)
    opened = store._connected

    def small(path: Path) -> sqlite3.Connection:
        connection = opened(path)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        return connection

    monkeypatch.setattr(store, "_connected", small)
    big = document("big", "二甲双胍" + "糖尿病各不相同的长文" * 5000, [("Drug", "二甲双胍")])
    with pytest.raises(SuwenError, match="S705"):
        graph.add([big])
    monkeypatch.undo()
    assert dump(graph) == expected


def test_graph_beyond_a_quota_is_as_it_was(tmp_path: Path, graph: Graph) -> None:
    resource = pytest.importorskip("resource")
    before = list(graph.dump())
    graph.close()
    size = (tmp_path / "graph.db").stat().st_size
    more = [replace(one, id=f"{one.id}{number}") for number in range(200) for one in library()]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, limits[1]))
    try:
        with pytest.raises(SuwenError, match="S105"):
            graph.add(more)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(graph.dump()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_graph_is_read_without_the_right_to_write(tmp_path: Path, graph: Graph) -> None:
    graph.close()
    path = tmp_path / "graph.db"
    path.chmod(0o400)
    assert graph.concept("二甲双胍").concept.documents == 2
    with pytest.raises(SuwenError, match="S102"):
        graph.remove("a")


def test_graph_reading_changes_nothing(tmp_path: Path, graph: Graph) -> None:
    graph.close()
    before = (tmp_path / "graph.db").read_bytes()
    graph.info()
    graph.concept("二甲双胍")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connect(tmp_path / "graph.db").execute("DELETE FROM concept")
    graph.close()
    assert (tmp_path / "graph.db").read_bytes() == before
