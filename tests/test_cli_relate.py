from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from relation_documents import DOCUMENT, ENTITIES, RELATIONS, TEXT, TRIPLES, triples
from typer.testing import CliRunner, Result

import suwen
from suwen.bundled import BUNDLED, SAMPLE
from suwen.cli import app
from suwen.document import Attribute, Document, Entity, Note, Relation
from suwen.errors import SuwenError
from suwen.extraction.planning import plan_relating
from suwen.formats import read_corpus, write_corpus
from suwen.graph.graph import Graph
from suwen.model_folder import write_stored_model

BASELINE = ("--relation-model", "cooccurrence")
FOUND = {("Drug_Disease", "T1", "T3"), ("Amount_Drug", "T2", "T1"), ("Frequency_Drug", "T5", "T4")}
WITHOUT = replace(DOCUMENT, relations=())


def run(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False, **options)


def relate(corpus: object, output: object, *arguments: object, **options: object) -> Result:
    return run("relate", corpus, "-o", output, *BASELINE, *arguments, **options)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_corpus([DOCUMENT, replace(DOCUMENT, id="b")], tmp_path / "corpus", "brat")
    return tmp_path / "corpus"


def test_cli_relate_finds_relations_between_the_entities_of_a_corpus(corpus: Path, tmp_path: Path) -> None:
    result = relate(corpus, tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert "2 documents, 58 characters, 12 entities, 6 relations in " in result.stderr
    first, second = read_corpus(tmp_path / "out.jsonl")
    assert (first.id, second.id) == ("a", "b")
    assert first.text == TEXT
    assert first.entities == ENTITIES
    assert triples(first) == FOUND
    assert first.meta["relation_model"] == "cooccurrence"


@pytest.mark.parametrize("form", ["jsonl", "brat", "label_studio", "doccano"])
def test_cli_relate_reads_every_format_with_entities(tmp_path: Path, form: str) -> None:
    source = tmp_path / "corpus"
    # Doccano and Label Studio have no fragments, and name entities again.
    pieces = tuple(replace(entity, fragments=()) for entity in ENTITIES)
    write_corpus([replace(DOCUMENT, entities=pieces)], source, form)
    assert relate(source, tmp_path / "out.jsonl", "--format", form).exit_code == 0
    (document,) = read_corpus(tmp_path / "out.jsonl")
    starts = {entity.id: entity.start for entity in document.entities}
    found = {(one.label, starts[one.head], starts[one.tail]) for one in document.relations}
    assert found == {("Drug_Disease", 0, 10), ("Amount_Drug", 4, 0), ("Frequency_Drug", 21, 18)}


def test_cli_relate_keeps_attributes_and_notes_of_entities_in_brat(tmp_path: Path) -> None:
    said = replace(
        DOCUMENT,
        relations=(Relation("Drug_Disease", "T1", "T6", "R7"),),
        attributes=(Attribute("A1", "Negation", "T3"), Attribute("A2", "Doubt", "R7")),
        notes=(Note("#1", "AnnotatorNotes", "T3", "mine"),),
    )
    write_corpus([said], tmp_path / "corpus", "brat")
    assert relate(tmp_path / "corpus", tmp_path / "out", "--to", "brat").exit_code == 0
    (document,) = read_corpus(tmp_path / "out")
    assert triples(document) == FOUND
    assert document.entities == ENTITIES
    assert document.attributes == said.attributes[:1]
    assert document.notes == said.notes


def test_cli_relate_writes_a_table_of_relations(corpus: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert relate(corpus, tmp_path / "out.parquet").exit_code == 0
    row = parquet.read_table(tmp_path / "out.relations.parquet").to_pylist()[0]
    assert row == {
        "document": "a",
        "type": "Drug_Disease",
        "head_id": "T1",
        "head_type": "Drug",
        "head_text": "二甲双胍",
        "head_start": 0,
        "head_end": 4,
        "tail_id": "T3",
        "tail_type": "Disease",
        "tail_text": "2型糖尿病",
        "tail_start": 10,
        "tail_end": 17,
        "confidence": None,
        "model": "cooccurrence",
        "id": "R1",
        "sentence": "二甲双胍0.5g治疗2型糖尿病。",
        "sentence_start": 0,
        "sentence_end": 18,
    }
    assert relate(corpus, tmp_path / "none.parquet").exit_code == 0


def test_cli_relate_writes_csv_and_excel(corpus: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    with (corpus / "a.txt").open("a", encoding="utf-8") as file:
        file.write("=药1g")
    with (corpus / "a.ann").open("a", encoding="utf-8") as file:
        file.write("T7\tDrug 29 31\t=药\nT8\tAmount 31 33\t1g\n")
    for name in ("out.csv", "more.csv.gz", "out.xlsx"):
        result = relate(corpus, tmp_path / name)
        assert result.exit_code == 0
        assert "relation" not in result.stderr.partition("not held")[2].partition("\n")[0]
    with (tmp_path / "out.relations.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert (rows[0]["type"], rows[0]["head_text"], rows[0]["tail_start"]) == ("Drug_Disease", "二甲双胍", "10")
    assert "'=药" in {row["tail_text"] for row in rows}
    assert relate(corpus, tmp_path / "raw.csv", "--raw").exit_code == 0
    assert "'=药" not in (tmp_path / "raw.relations.csv").read_text("utf-8")
    assert (tmp_path / "more.relations.csv.gz").exists()
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["relations"]
    assert [row[1] for row in sheet.values] == ["type", *(row["type"] for row in rows)]


def test_cli_relate_writes_no_table_of_no_relations(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_corpus([Document("a", "血糖", (Entity("Test", 0, 2),))], tmp_path / "a.jsonl", "jsonl")
    assert relate(tmp_path / "a.jsonl", tmp_path / "out.parquet").exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.parquet", "out.texts.parquet"]
    assert relate(tmp_path / "a.jsonl", tmp_path / "b.csv").exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("b*")) == ["b.csv"]


def test_cli_relate_lists_relations_on_a_page(tmp_path: Path) -> None:
    entities = (replace(ENTITIES[0], label="<b>"), *ENTITIES[1:])
    scored = Relation("<i>", "T1", "<T9>", score=0.5)
    write_corpus([replace(DOCUMENT, entities=entities, relations=(*RELATIONS, scored))], tmp_path / "p.html", "html")
    page = (tmp_path / "p.html").read_text("utf-8")
    assert page.count('<span class="relation">') == 5
    assert '<span class="relation">用药剂量-药品</span>' in page
    assert '<span class="relation">&lt;i&gt;</span>&lt;T9&gt; <small>0.50</small>' in page
    assert "<b>二" not in page
    assert 'id="relation-r0"' not in page
    assert 'id="relation-r3"' in page
    assert "5 <span" not in page.partition("</header>")[2].partition("<article")[0]


def test_cli_relate_goes_through_standard_input_and_output(tmp_path: Path) -> None:
    write_corpus([WITHOUT], tmp_path / "in.jsonl", "jsonl")
    command = [sys.executable, "-m", "suwen", "relate", "-", "-o", "-", *BASELINE]
    done = subprocess.run(command, input=(tmp_path / "in.jsonl").read_bytes(), capture_output=True, check=True)
    values = json.loads(done.stdout)
    assert len(values["relations"]) == 3
    assert values["text"] == TEXT


def test_cli_relate_prints_counts_as_json(corpus: Path, tmp_path: Path) -> None:
    values = json.loads(relate(corpus, tmp_path / "out.jsonl", "--json").stdout)
    assert (values["documents"], values["entities"], values["relations"]) == (2, 12, 6)


def test_cli_relate_lists_what_cannot_be_read_and_continues(corpus: Path, tmp_path: Path) -> None:
    (corpus / "c.ann").write_text("T1\tDrug 0 1\tx\n")
    with (corpus / "b.ann").open("a") as file:
        file.write("T9\tDrug 900 901\tx\nR9\tbroken\n")
    result = relate(corpus, tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert len(read_corpus(tmp_path / "out.jsonl")) == 2
    report = (tmp_path / "out.jsonl.problems.jsonl").read_text("utf-8")
    assert sorted(json.loads(line)["code"] for line in report.splitlines()) == ["S201", "S203", "S209"]


def test_cli_relate_continues_a_run_that_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.extraction.stream.CHUNK_BYTES", 10_000)
    write_corpus([replace(WITHOUT, id=f"d{number}") for number in range(20)], tmp_path / "in", "brat")
    relate(tmp_path / "in", tmp_path / "whole.jsonl")
    output = tmp_path / "out.jsonl"
    steps = 0

    def interrupt(_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_relating([tmp_path / "in"], output, model="cooccurrence").run(listener=interrupt)
    with pytest.raises(SuwenError, match="S511"):
        relate(tmp_path / "in", output)
    other = plan_relating([tmp_path / "in"], output, model="cooccurrence")
    other.identity["relation model"] = "other"
    with pytest.raises(SuwenError, match=r"S508 .*differs in relation model"):
        other.run(resume=True)
    assert relate(tmp_path / "in", output, "--resume").exit_code == 0
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    steps = 0
    with pytest.raises(KeyboardInterrupt):
        plan_relating([tmp_path / "in"], tmp_path / "more.jsonl", model="cooccurrence").run(listener=interrupt)
    (tmp_path / "in" / "d3.ann").write_text("T1\tDrug 0 4\t二甲双胍\n", "utf-8")
    with pytest.raises(SuwenError, match=r"S508 .*differs in input"):
        relate(tmp_path / "in", tmp_path / "more.jsonl", "--resume")


def test_cli_relate_refuses_documents_without_entities(tmp_path: Path) -> None:
    write_corpus([Document("a", "血糖")], tmp_path / "a.jsonl", "jsonl")
    for output in (tmp_path / "out.jsonl", "-"):
        with pytest.raises(SuwenError, match=r"S602 the documents have no entities; .*extract --relations"):
            relate(tmp_path / "a.jsonl", output)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_cli_relate_refuses_entities_of_another_label_set(tmp_path: Path) -> None:
    write_corpus([Document("a", "血糖", (Entity("body", 0, 2),))], tmp_path / "a", "brat")
    with pytest.raises(SuwenError, match=r"S603 the relation model knows none of the entity types body; its types: A"):
        relate(tmp_path / "a", tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_cli_relate_refuses_articles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("二甲双胍治疗糖尿病", "utf-8")
    with pytest.raises(SuwenError, match=r"S607 .*a\.txt: the format 'text' has no entities"):
        relate(tmp_path / "a.txt", tmp_path / "out.jsonl")


def test_cli_relate_refuses_an_output_in_its_input(corpus: Path) -> None:
    with pytest.raises(SuwenError, match="S127"):
        relate(corpus, corpus / "out.jsonl")


def test_cli_relate_refuses_a_tagger_as_relation_model(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"S606 .*: a model of the kind 'tagger' is not a relation model"):
        run("relate", corpus, "-o", tmp_path / "o", "--relation-model", suwen.bundled.model_path(BUNDLED))


def test_cli_relate_names_a_relation_model_that_does_not_exist(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="S101 nowhere"):
        run("relate", corpus, "-o", tmp_path / "o", "--relation-model", "nowhere")


def test_cli_extract_finds_relations_in_the_same_pass(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("口服二甲双胍0.5g，每日三次，治疗2型\r\n糖尿病。".encode())
    result = run("extract", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl", "--relations", *BASELINE)
    assert result.exit_code == 0
    (document,) = read_corpus(tmp_path / "out.jsonl")
    mentions = {entity.id: document.mention(entity) for entity in document.entities}
    assert ("Amount_Drug", "0.5g", "二甲双胍") in {
        (one.label, mentions[one.head], mentions[one.tail]) for one in document.relations
    }
    assert set(document.meta) >= {"model", "relation_model"}
    with_entities = suwen.load()(document.text)
    assert document.entities == with_entities.entities
    assert suwen.load(relations="cooccurrence")(document.text).relations == document.relations


def test_cli_extract_refuses_a_relation_model_without_relations(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("血糖")
    with pytest.raises(SuwenError, match="S410 a relation model needs --relations"):
        run("extract", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl", *BASELINE)


def test_cli_extract_refuses_a_relation_model_as_tagger(tmp_path: Path) -> None:
    write_stored_model(tmp_path / "model", "relations", {}, lambda folder: None, {}, "# Relations\n")
    (tmp_path / "a.txt").write_text("血糖")
    message = "S605 .*model: this is a relation model, but a tagger is expected; use it with --relation-model"
    with pytest.raises(SuwenError, match=message):
        run("extract", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl", "--model", tmp_path / "model")
    assert not (tmp_path / "out.jsonl").exists()


def test_relate_streams_documents_in_python(corpus: Path) -> None:
    first, second = suwen.relate(corpus, "cooccurrence")
    assert (triples(first), second.id) == (FOUND, "b")
    assert [triples(one) for one in suwen.relate(iter([WITHOUT]), "cooccurrence")] == [FOUND]
    assert [one.relations for one in suwen.relate([Document("a", "血糖")], "cooccurrence")] == [()]
    with pytest.raises(SuwenError, match="S603"):
        list(suwen.relate([Document("a", "血糖", (Entity("body", 0, 2),))], "cooccurrence"))


def test_relate_does_not_change_with_line_ends(tmp_path: Path) -> None:
    def spans(text: str) -> set[tuple[str, str, str]]:
        places = [text.index(character) for character in "药病"]
        entities = tuple(
            Entity(label, place, place + 1, id=label) for label, place in zip(("Drug", "Disease"), places, strict=True)
        )
        (document,) = suwen.relate([Document("a", text, entities)], "cooccurrence")
        assert document.text == text
        return triples(document)

    assert spans("药治\r\n病") == spans("药治\n病") == {("Drug_Disease", "Drug", "Disease")}


def test_cli_relate_reads_the_sample(tmp_path: Path) -> None:
    assert relate(SAMPLE, tmp_path / "out.jsonl").exit_code == 0
    assert sum(len(document.relations) for document in read_corpus(tmp_path / "out.jsonl")) > 100
    assert len(TRIPLES) == 4


@pytest.mark.slow
def test_cli_relate_gives_the_same_on_a_cluster(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "local")
    relate(corpus, tmp_path / "local.jsonl")
    assert relate(corpus, tmp_path / "ray.jsonl", "--engine", "ray").exit_code == 0
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()
    (tmp_path / "a.txt").write_text("口服二甲双胍0.5g")
    for engine in ("local", "ray"):
        output = tmp_path / f"{engine}-extracted.jsonl"
        options = "--relations", *BASELINE, "--engine", engine
        assert run("extract", tmp_path / "a.txt", "-o", output, *options).exit_code == 0
    first, second = (tmp_path / f"{engine}-extracted.jsonl" for engine in ("local", "ray"))
    assert first.read_bytes() == second.read_bytes()
    assert b'"relations"' in first.read_bytes()
    dumps = []
    for path in (first, second):
        graph = Graph(path.with_suffix(".db"))
        graph.add(read_corpus(path))
        dumps.append(list(graph.dump()))
    assert dumps[0] == dumps[1]
