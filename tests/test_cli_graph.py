"""The commands ``suwen graph …`` as a user runs them."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from graph_documents import document, library

import suwen.cli
from suwen import Graph, write_corpus
from suwen.cli.graph import decisions
from suwen.graph.actions import ERROR_KINDS, VERDICTS

LIBRARY = Path(__file__).parents[1] / "src/suwen/data/library"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    write_corpus(library(), tmp_path / "library.jsonl", "jsonl")

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["suwen", "graph", *arguments])
        with pytest.raises(SystemExit) as ended:
            suwen.cli.main()
        return ended.value.code or 0

    return call


@pytest.fixture
def built(run, capsys) -> None:
    assert run("build", "library.jsonl", "-o", "graph.db") == 0
    capsys.readouterr()


def test_cli_graph_build_says_what_it_did(run, capsys):
    assert run("build", "library.jsonl", "-o", "graph.db") == 0
    assert capsys.readouterr().out == "graph.db: 4 added (12 mentions, 6 relations written)\n"
    assert run("build", "library.jsonl", "-o", "graph.db") == 0
    assert capsys.readouterr().out == "graph.db: 4 unchanged (0 mentions, 0 relations written)\n"
    assert run("build", "library.jsonl", "-o", "graph.db", "--json") == 0
    assert json.loads(capsys.readouterr().out)["documents"]["unchanged"] == 4


def test_cli_graph_build_reads_brat_and_marks_assertions(run, capsys):
    text = "患者服用二甲双胍，无腹泻。"
    one = document("n", text, [("Drug", "二甲双胍"), ("SideEff", "腹泻")], [("SideEff-Drug", 1, 0, None)])
    write_corpus([one], "brat", "brat")
    assert run("build", "brat", "-o", "graph.db") == 0
    assert run("query", "graph.db", "--edge", "腹泻", "二甲双胍", "--json") == 0
    printed = capsys.readouterr().out.partition("\n")[2]
    (evidence,) = json.loads(printed)["evidence"]
    assert (evidence["polarity"], evidence["head"]["cue"]) == ("negated", [9, 10])
    assert run("build", "brat", "-o", "plain.db", "--no-assertion") == 0
    assert Graph("plain.db").edges("腹泻", "二甲双胍")[0].affirmed == 1


def test_cli_graph_build_with_codes_and_aliases(run, capsys):
    Path("icd.tsv").write_text("E11.9\t2型糖尿病\n", encoding="utf-8")
    Path("mine.tsv").write_text("恩格列净\tSGLT2抑制剂\tDrug\n", encoding="utf-8")
    assert run("build", "library.jsonl", "-o", "graph.db", "--codes", "icd.tsv", "--aliases", "mine.tsv") == 0
    capsys.readouterr()
    assert run("query", "graph.db", "E11.9") == 0
    assert "2型糖尿病" in capsys.readouterr().out
    assert run("query", "graph.db", "恩格列净") == 0
    assert "alias list (mine)" in capsys.readouterr().out
    assert run("build", "library.jsonl", "-o", "graph.db", "--codes", "library.jsonl") == 2
    assert capsys.readouterr().err.startswith("S420 library.jsonl:1: ")


def test_cli_graph_says_what_is_wrong_with_documents(run, capsys, built):
    changed = replace(library()[0], text=f"{library()[0].text}新")
    empty = replace(changed, id="empty", entities=(), relations=())
    write_corpus([changed, empty], "more.jsonl", "jsonl")
    with Path("more.jsonl").open("a", encoding="utf-8") as file:
        file.write("broken\n")
    assert run("add", "graph.db", "more.jsonl") == 1
    printed = capsys.readouterr()
    assert printed.out == "graph.db: 1 added, 1 refused (0 mentions, 0 relations written)\n"
    assert printed.err.splitlines() == [
        "S706 the document 'a' differs from the one in the graph; replace it with --replace, or rename it",
        "S204 more.jsonl:3: invalid JSON: Expecting value at character 0; correct it; "
        "in JSON Lines, every line is one JSON object",
        "1 document without entities: empty",
    ]
    assert run("add", "graph.db", "more.jsonl", "--replace") == 1
    assert "1 replaced, 1 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "none", "-o", "new.db"], "S101 none: no such file"),
        (["build", "library.jsonl", "-o", "library.jsonl"], "S701 library.jsonl: this is not a graph"),
        (["add", "none.db", "library.jsonl"], "S101 none.db: no such file"),
        (["remove", "graph.db", "z"], "S707 no document 'z'"),
        (["query", "library.jsonl", "x"], "S701 library.jsonl: this is not a graph"),
        (["query", "graph.db", "胰岛素"], "S708 no concept '胰岛素'"),
        (["query", "graph.db", "\udcff"], "S715 '\\udcff' is not valid Unicode"),
        (["query", "graph.db", "--text", "\udcff"], "S715 '\\udcff' is not valid Unicode"),
        (["merge", "graph.db", "腹泻", "\udcff"], "S715 '\\udcff' is not valid Unicode"),
        (["remove", "graph.db", "\udcff"], "S715 '\\udcff' is not valid Unicode"),
        (["query", "graph.db"], "S409 give one of TERM"),
        (["query", "graph.db", "a", "--path", "b", "c"], "S409 give one of TERM"),
        (
            ["query", "graph.db", "--path", "腹泻", "低血糖", "--since", "2018"],
            "S410 --since needs TERM or --edge",
        ),
        (
            ["query", "graph.db", "--text", "腹泻", "--relation", "SideEff-Drug"],
            "S410 --relation needs TERM or --edge",
        ),
        (["query", "graph.db", "--edge", "腹泻", "低血糖", "--type", "Drug"], "S410 --type needs TERM; add TERM"),
        (["query", "graph.db", "腹泻", "--type", "Drug"], "S708 no concept '腹泻' of type 'Drug'"),
        (
            ["query", "graph.db", "腹泻", "--type", "x"],
            "S714 the graph has no entity type 'x'; it has: Disease, Drug",
        ),
        (
            ["query", "graph.db", "腹泻", "--relation", "x"],
            "S714 the graph has no relation type 'x'; it has: Drug_",
        ),
        (
            ["query", "graph.db", "--edge", "腹泻", "二甲双胍", "--relation", "x"],
            "S714 the graph has no relation type 'x'",
        ),
        (["merge", "graph.db", "腹泻", "腹泻"], "S710 this cannot be done: both names"),
        (["split", "graph.db", "腹泻", "x"], "S710 this cannot be done: the concept has no name 'x'"),
        (["undo", "graph.db"], "S711 nothing to undo"),
        (["sql", "graph.db", "DROP TABLE concept"], "S713 graph.db: the query failed: not authorized"),
        (["export", "graph.db", "-o", "x"], "S409 invalid value for --to: x has no known extension"),
        (
            ["export", "graph.db", "-o", "t.csv"],
            "S406 the output t.csv cannot be combined with",
        ),
        (["export", "graph.db", "-o", "t.CSV", "--to", "neo4j"], "S406 the output t.CSV cannot be combined"),
        (["export", "graph.db", "-o", "x.nq", "--raw"], "S410 --raw needs --to csv; add --to csv"),
        (["export", "graph.db", "-o", "library.jsonl"], "S104 library.jsonl: the output already exists"),
    ],
)
def test_cli_graph_says_in_one_line_what_is_wrong(run, capsys, built, arguments, message):
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_cli_graph_query_shows_a_card(run, capsys, built):
    assert run("query", "graph.db", "二型糖尿病") == 0
    printed = capsys.readouterr().out
    assert "2型糖尿病  Disease" in printed
    assert "width (normalization)" in printed
    assert "← Drug_Disease ← (1 of 1)" in printed
    assert run("query", "graph.db", "尿病", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["concept"], len(printed["found"])) == (None, 2)
    assert run("query", "graph.db", "二甲双胍", "--since", "2018", "--json") == 0
    groups = json.loads(capsys.readouterr().out)["neighbors"]
    assert {group["relation"]: group["total"] for group in groups} == {"SideEff-Drug": 2, "Drug_Disease": 1}


def test_cli_graph_query_lists_longer_names_beside_an_equal_one(run, capsys):
    names = ["肾", "肾病", "左肾", "肾炎", "心"]
    mentions = [("Disease", name) for name in names]
    write_corpus([document("n", "，".join(names), mentions, [])], "short.jsonl", "jsonl")
    assert run("build", "short.jsonl", "-o", "short.db") == 0
    capsys.readouterr()
    assert run("query", "short.db", "肾", "--limit", "2") == 0
    printed = capsys.readouterr().out
    assert "No neighbors." in printed
    assert "(more with --page 2)" in " ".join(printed.split())
    found = []
    for page in ("1", "2", "3"):
        assert run("query", "short.db", "肾", "--limit", "2", "--page", page, "--json") == 0
        card = json.loads(capsys.readouterr().out)
        assert card["concept"]["name"] == "肾"
        found.append([concept["name"] for concept in card["found"]])
    assert list(map(len, found)) == [2, 1, 0]
    assert {*found[0], *found[1]} == {"肾病", "左肾", "肾炎"}


def test_cli_graph_query_shows_sentences(run, capsys, built):
    assert run("query", "graph.db", "--edge", "二甲双胍", "2型糖尿病", "--limit", "1") == 0
    printed = capsys.readouterr().out
    assert "题目b, 2020  (b [0, 27), Drug_Disease, affirmed, 0.70, " in printed
    assert "⟨Ⅱ型糖尿病⟩患者服用⟦二甲双胍⟧后出现腹泻，" in printed
    assert "题目a" not in printed
    assert run("query", "graph.db", "--edge", "二甲双胍", "DN") == 0
    assert capsys.readouterr().out == "There is no edge between 二甲双胍 and DN.\n"


def test_cli_graph_query_shows_sentences_with_a_text(run, capsys, built):
    assert run("query", "graph.db", "--text", "常见") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["题目a, 2015  (a [12, 17))", "    常见腹泻。"]
    assert run("build", "library.jsonl", "-o", "indexed.db", "--index-sentences") == 0
    capsys.readouterr()
    assert run("query", "indexed.db", "--text", "常见", "--json") == 0
    assert [one["document"] for one in json.loads(capsys.readouterr().out)["sentences"]] == ["a", "c"]
    assert run("query", "indexed.db", "--text", "不在") == 0
    assert capsys.readouterr().out == "No sentence holds 不在.\n"


def test_cli_graph_query_shows_a_path(run, capsys, built):
    assert run("query", "graph.db", "--path", "腹泻", "2型糖尿病") == 0
    assert "2 steps from 腹泻 to 2型糖尿病" in capsys.readouterr().out
    assert run("query", "graph.db", "--path", "腹泻", "DN", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"path": None}


def test_cli_graph_decisions(run, capsys, built):
    assert run("merge", "graph.db", "恩格列净", "二甲双胍") == 0
    assert run("split", "graph.db", "2型糖尿病", "Ⅱ型糖尿病") == 0
    assert run("undo", "graph.db", "1") == 0
    assert run("undo", "graph.db", "--list", "--json") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[:2] == [
        "decision 1: merge: 恩格列净 (Drug) into 二甲双胍 (Drug)",
        "decision 2: split: 2型糖尿病 (Disease) gives up Ⅱ型糖尿病 (Disease)",
    ]
    listed = json.loads(printed[printed.index("[") :])
    assert [(action["kind"], action["undone"]) for action in listed] == [("merge", 1), ("split", 0)]
    assert run("undo", "graph.db", "--list") == 0
    assert "taken back" in capsys.readouterr().out


def test_cli_graph_judge(run, capsys, built):
    (item, _) = Graph("graph.db").evidence("二甲双胍", "2型糖尿病")

    def counts() -> tuple[int, int]:
        (edge,) = Graph("graph.db").edges("二甲双胍", "2型糖尿病")
        return edge.affirmed, edge.rejected

    assert run("judge", "graph.db", item.id, "reject", "--kind", "relation", "--note", "no") == 0
    assert (capsys.readouterr().out, counts()) == (f"evidence {item.id}: rejected\n", (1, 1))
    assert Graph("graph.db").sql("SELECT value, kind, note FROM verdict").rows == [("reject", "relation", "no")]
    assert run("judge", "graph.db", item.id, "accept") == 0
    assert (capsys.readouterr().out, counts()) == (f"evidence {item.id}: accepted\n", (2, 0))
    assert run("judge", "graph.db", item.id, "none") == 0
    assert (capsys.readouterr().out, counts()) == (f"evidence {item.id}: no verdict\n", (2, 0))
    assert Graph("graph.db").sql("SELECT * FROM verdict").rows == []
    for arguments, said in (
        (("0" * 16, "reject"), "S709"),
        ((item.id, "maybe"), "maybe"),
        ((item.id, "accept", "--kind", "relation"), "--kind"),
        ((item.id, "none", "--note", "x"), "--note"),
    ):
        assert run("judge", "graph.db", *arguments) == 2
        assert said in capsys.readouterr().err


def test_cli_graph_offers_all_verdicts_and_kinds_of_error():
    assert {*decisions.Verdict} == {*VERDICTS, "none"}
    assert tuple(decisions.ErrorKind) == ERROR_KINDS


def test_cli_graph_remove_sql_and_info(run, capsys, built):
    assert run("remove", "graph.db", "a", "d") == 0
    assert run("sql", "graph.db", "SELECT key FROM document", "--json") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("graph.db: 2 removed")
    assert json.loads(printed.partition("\n")[2]) == {"columns": ["key"], "rows": [["b"], ["c"]]}
    assert run("sql", "graph.db", "SELECT count(*) FROM document") == 0
    assert run("info", "graph.db") == 0
    assert "graph.db is not damaged." in capsys.readouterr().out
    assert run("info", "graph.db", "--json") == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 2


def test_cli_graph_export_by_ending(run, capsys, built):
    for name in ("graph.nq", "graph.graphml", "graph.jsonl"):
        assert run("export", "graph.db", "-o", name) == 0
        assert Path(name).stat().st_size
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    assert run("export", "graph.db", "-o", "tables", "--to", "csv", "--raw") == 0
    assert run("export", "graph.db", "-o", "neo4j", "--to", "neo4j") == 0
    assert {stat.S_IMODE(Path(name).stat().st_mode) for name in ("tables", "neo4j")} == {0o700}
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("Written to neo4j: ")
    assert "Written to tables: concepts.csv, edges.csv, evidence.csv.\n" in printed.out
    assert "not held by neo4j, and replaced: " in printed.err


def test_cli_graph_sample_library_tells_its_story(run, capsys):
    assert run("build", str(LIBRARY), "-o", "sample.db") == 0
    graph = Graph("sample.db")
    (edge,) = graph.edges("二甲双胍", "乳酸酸中毒")
    assert (edge.documents, edge.affirmed, edge.negated, edge.hypothetical) == (3, 1, 2, 1)
    (edge,) = graph.edges("达格列净", "DN")
    assert (edge.documents, edge.affirmed) == (2, 5), "an abstract is a near-copy of its article"
    assert len({concept.name for concept in graph.search("MS")}) == 2
    info = graph.info()
    assert (info.documents, info.sources, info.years) == (15, 14, (2012, 2024))


@pytest.fixture
def articles() -> None:
    Path("articles").mkdir()
    Path("articles/n1.txt").write_text("2型糖尿病患者口服二甲双胍治疗。", encoding="utf-8")
    Path("articles/n2.html").write_text("<html><body><p>二甲双胍治疗2型糖尿病。</p></body></html>", encoding="utf-8")
    Path("articles/n3.pdf").write_bytes(b"%PDF-1.4 broken")
    Path("table.csv").write_text("id,title,year\nn1,初诊,2015\n", encoding="utf-8")


def test_cli_graph_build_extracts_from_articles_first(run, capsys, articles):
    arguments = ("articles", "library.jsonl", "-o", "graph.db", "--metadata", "table.csv")
    assert run("build", *arguments, "--relation-model", "cooccurrence") == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("graph.db: 6 added (")
    assert printed.err.startswith("S120 articles/n3.pdf: damaged PDF")
    assert printed.err.splitlines()[1] == "listed in graph.db.problems.jsonl"
    assert {path.name for path in Path().iterdir()} == {
        "articles",
        "graph.db",
        "graph.db.problems.jsonl",
        "library.jsonl",
        "table.csv",
    }
    graph = Graph("graph.db")
    found = graph.evidence("二甲双胍", "2型糖尿病", limit=None)
    assert {item.document for item in found} >= {"n1", "n2"}
    assert ("初诊", 2015) in {(item.title, item.year) for item in found}
    models = [model for (model,) in graph.sql("SELECT DISTINCT model FROM document WHERE model NOT NULL").rows]
    assert len(models) == 1
    assert models[0].endswith("; cooccurrence")


def test_cli_graph_build_goes_on_with_the_articles_of_an_interrupted_run(run, capsys, articles, monkeypatch):
    arguments = ("build", "articles/n1.txt", "-o", "graph.db", "--relation-model", "cooccurrence")
    with monkeypatch.context() as patch:

        def broken(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(Graph, "add", broken)
        assert run(*arguments) == 130
    work = Path("graph.db.articles")
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    assert run("build", "articles/n2.html", "-o", "graph.db", "--relation-model", "cooccurrence") == 2
    assert "S508 graph.db.articles: the earlier run differs in inputs" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("suwen.extraction.planning.extract_files", broken)
        assert run(*arguments) == 0
    assert not work.exists()
    assert capsys.readouterr().out.startswith("graph.db: 1 added")


def test_cli_graph_build_tells_why_there_is_no_entity(run, capsys, articles):
    Path("articles/notes.csv").write_text("id,text\n1,头晕\n", encoding="utf-8")
    Path("articles/n1.txt").unlink()
    Path("articles/n2.html").unlink()
    assert run("build", "articles", "-o", "graph.db") == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "not read: 1 .csv"
    assert told[1].startswith("extract from tables first: suwen extract TABLE")
    assert told[2].startswith("S120 articles/n3.pdf: damaged PDF")
    assert told[3].startswith("S712 graph.db: no document has an entity")
    assert not Path("graph.db.articles").exists()
    Path("n1.txt").write_text("2型糖尿病患者口服二甲双胍治疗。", encoding="utf-8")
    assert run("build", "n1.txt", "-o", "graph.db", "--relation-model", "cooccurrence") == 0, "other inputs may follow"
