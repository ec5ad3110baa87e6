from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suwen.corpus.check import KINDS, check_corpus
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.schema import LCDD, Schema

TEXT = "口服二甲双胍治疗2型糖尿病。空腹血糖升高。\n"


def corpus(folder: Path, **files: str | bytes) -> Path:
    """A folder; `a_txt` is the file 'a.txt'."""
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def found(path: Path, **options: Any) -> list[tuple[str, str]]:
    """Code and place of each finding."""
    check = check_corpus(path, **{"schema": LCDD, **options})
    return [(finding.code, finding.place.removeprefix(f"{path}/")) for finding in check.findings]


def annotated(folder: Path, *lines: str, text: str = TEXT) -> list[tuple[str, str]]:
    return found(corpus(folder, a_txt=text, a_ann="".join(f"{line}\n" for line in lines)))


def test_check_is_content_with_a_sound_corpus(tmp_path: Path) -> None:
    assert (
        annotated(tmp_path, "T1\tDrug 2 6\t二甲双胍", "T2\tDisease 8 13\t2型糖尿病", "R1\tDrug_Disease Arg1:T1 Arg2:T2")
        == []
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("T2\tDrug 2 6\t二甲双瓜", "W201"),
        ("T2\tDrug 2 600\t二甲双胍", "S201"),
        ("T2\tDrug 6 2\t二甲双胍", "S211"),
        ("T2\tGene 2 6\t二甲双胍", "S202"),
        ("T2 Drug 2 6 二甲双胍", "S203"),
        ("T2\tMethod 0 2\t口服", "W202"),
        ("T2\tReason 0 2\t口服", "W203"),
        ("T2\tMethod 0 1\t口", "W204"),
        ("T2\tMethod 1 3\t服二", "W205"),
        ("T2\tDisease 10 16\t糖尿病。空腹", "W206"),
        ("R1\tDrug_Disease Arg1:T1 Arg2:T9", "W207"),
        ("A1\tNegation T9", "W207"),
        ("#1\tAnnotatorNotes T9\tx", "W207"),
        ("T1\tDrug 2 6\t二甲双胍", "W208"),
        ("R1\tGene_Disease Arg1:T1 Arg2:T1", "W209"),
        ("R1\tMethod_Drug Arg1:T1 Arg2:T1", "W214"),
        ("E1\tTherapy:T1\nA1\tNegation E1", None),
    ],
)
def test_check_finds_each_kind_of_annotation(tmp_path: Path, line: str, code: str | None) -> None:
    assert annotated(tmp_path, "T1\tMethod 0 2\t口服", line) == ([(code, "a.ann:2")] if code else [])


def test_check_finds_relations_between_types_that_do_not_fit(tmp_path: Path) -> None:
    lines = "T1\tDrug 2 6\t二甲双胍", "T2\tDisease 8 13\t2型糖尿病", "R1\tTest_Disease Arg1:T1 Arg2:T2"
    assert annotated(tmp_path, *lines) == [("W215", "a.ann:3")]
    (finding,) = check_corpus(tmp_path).findings
    assert finding.text == "Test_Disease joins Test and Disease, not Drug and Disease"


def test_check_reports_every_pair_that_shares_characters(tmp_path: Path) -> None:
    findings = annotated(
        tmp_path, "T1\tDrug 0 6\t口服二甲双胍", "T2\tDrug 2 4\t二甲", "T3\tDrug 5 8\t胍治疗", "T4\tDrug 2 3\t二"
    )
    assert findings == [("W204", "a.ann:2"), ("W205", "a.ann:3"), ("W204", "a.ann:4"), ("W204", "a.ann:4")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a_txt": TEXT}, [("S208", "a.txt")]),
        ({"a_ann": ""}, [("S209", "a.ann")]),
        ({"a_txt": "", "a_ann": ""}, [("W104", "a.ann"), ("S106", "a.txt")]),
        ({"a_txt": "糖 \n" * 3, "a_ann": "T1\tTest 0 1\t糖\n"}, [("W103", "a.txt")]),
        ({"a_txt": TEXT, "a_ann": ""}, [("W104", "a.ann")]),
        ({"a_txt": "药名".encode("gb18030"), "a_ann": ""}, [("S116", "a.txt:1")]),
        ({"a_txt": TEXT, "a_ann": b"\n\xff"}, [("S116", "a.ann:2")]),
        ({"a_txt": "\ufeff" + TEXT, "a_ann": "T1\tDrug 3 7\t二甲双胍\n"}, [("W101", "a.txt:1")]),
        ({"a_txt": TEXT + "口\r\n", "a_ann": "T1\tDrug 2 6\t二甲双胍\r\n"}, [("W102", "a.ann:1"), ("W102", "a.txt:2")]),
    ],
)
def test_check_finds_what_is_wrong_with_files(tmp_path: Path, files: Any, expected: Any) -> None:
    good = {"b_txt": TEXT, "b_ann": "T1\tDrug 2 6\t二甲双胍\n"}
    assert found(corpus(tmp_path, **good, **files)) == expected


def test_check_looks_at_everything_before_it_ends(tmp_path: Path) -> None:
    corpus(
        tmp_path, a_txt=b"\xff", a_ann="", b_txt=TEXT, b_ann="T1\nT2\tX 0 1\t口\nT3\tDrug 2 6\t二甲双胍\n", c_txt=TEXT
    )
    check = check_corpus(tmp_path, schema=LCDD)
    assert check.counts == {"S116": 1, "S202": 1, "S203": 1, "S208": 1}
    assert (check.documents, check.entities, check.total("error"), check.total("warning")) == (1, 2, 4, 0)


@pytest.mark.parametrize(
    ("ending", "content"), [(".txt", TEXT), (".conll", "糖 O\n"), (".jsonl", '{"text": "血糖"}'), (".ann", "")]
)
def test_check_continues_after_a_file_name_that_is_not_unicode(tmp_path: Path, ending: str, content: str) -> None:
    for name in ("a", "b\udcff", "c"):
        (tmp_path / f"{name}{ending}").write_text(content, "utf-8")
        if ending == ".ann":
            (tmp_path / f"{name}.txt").write_text(TEXT, "utf-8")
    check = check_corpus(tmp_path)
    assert check.documents == 2
    wrong = [finding.path for finding in check.findings if finding.code == "S114"]
    assert wrong == [tmp_path / f"b\udcff{'.txt' if ending == '.ann' else ending}"]


def test_check_takes_another_label_set(tmp_path: Path) -> None:
    corpus(tmp_path, a_txt=TEXT, a_ann="T1\tGene 2 6\t二甲双胍\nR1\tAnything Arg1:T1 Arg2:T1\n")
    assert found(tmp_path, schema=Schema.of_labels(["Gene"])) == []


def test_check_reads_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"text": "血糖", "entities": [[0, 2, "Test", "血唐"], [0, 3, "Test"]]}',
        "{",
        '{"text": "", "x": 1}',
        '{"id": "a/1", "text": "\\r"}',
    ]
    corpus(tmp_path, a_jsonl="\n".join(lines))
    assert found(tmp_path) == [
        ("S201", "a.jsonl:1"),
        ("W201", "a.jsonl:1"),
        ("S204", "a.jsonl:2"),
        ("S106", "a.jsonl:3"),
        ("S205", "a.jsonl:3"),
        ("S110", "a.jsonl:4"),
        ("W102", "a.jsonl:4"),
    ]


def test_check_reads_conll(tmp_path: Path) -> None:
    corpus(tmp_path, a_conll="糖 B-Test\n尿 I-Drug\n病\n病 B-Gene\n")
    assert found(tmp_path) == [("S207", "a.conll:2"), ("S206", "a.conll:3"), ("S202", "a.conll:4")]


def test_check_reads_plain_text(tmp_path: Path) -> None:
    assert found(corpus(tmp_path, a_txt=TEXT, b_txt="")) == [("S106", "b.txt")]


def test_check_refuses_what_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="S101"):
        check_corpus(tmp_path / "none")
    with pytest.raises(SuwenError, match="S108"):
        check_corpus(tmp_path)


def test_check_gives_json_values(tmp_path: Path) -> None:
    result = check_corpus(corpus(tmp_path, a_txt=TEXT, a_ann="T1\tGene 2 6\t二甲双胍\n"), schema=LCDD).to_dict()
    assert result["kinds"] == [{"code": "S202", "severity": "error", "meaning": KINDS["S202"].meaning, "count": 1}]
    assert result["findings"][0]["path"] == str(tmp_path / "a.ann")
    assert (result["errors"], result["warnings"], result["documents"], result["entities"]) == (1, 0, 1, 1)


def test_check_knows_every_code_that_a_reader_reports(tmp_path: Path) -> None:
    damaged = tmp_path / "a.jsonl.gz"
    damaged.write_bytes(b"no")
    assert found(damaged) == [("S112", str(damaged))]
    write_corpus([], tmp_path / "empty.conll", "conll")
    with pytest.raises(SuwenError, match="S108"):
        check_corpus(tmp_path / "empty.conll")


def test_check_looks_at_other_labels_too(tmp_path: Path) -> None:
    lines = ["T1\tdru 2 6\t二甲双胍", "T2\tdru 2 6\t二甲双胍", "T3\tdis 8 13\t糖尿", "T4\tdis 10 13\t糖尿病"]
    corpus(tmp_path, a_txt=TEXT, a_ann="".join(f"{line}\n" for line in lines))
    check = check_corpus(tmp_path)
    assert check.counts == {"W201": 1, "W202": 1, "W204": 1, "W210": 2}
    assert (check.entities, check.total("error")) == (4, 0)
    # With another label set, other labels are errors, and the rest is found as well.
    strict = check_corpus(tmp_path, schema=Schema.of_labels(["dru"]))
    assert strict.counts == {"S202": 2, "W201": 1, "W202": 1, "W204": 1}


def test_check_finds_a_corpus_without_entities(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": "血糖升高", "label": {}}')
    assert found(tmp_path) == [("W211", str(tmp_path))]


def test_check_finds_what_readers_leave_out(tmp_path: Path) -> None:
    region = {"type": "labels", "value": {"start": 0, "end": 2, "labels": ["Test"]}}
    bare = {"type": "labels", "value": {"start": 0, "end": 2}}
    tasks = [{"data": {"text": "血糖升高"}, "annotations": [{"result": [region, bare]}]}]
    (tmp_path / "a.json").write_text(json.dumps(tasks))
    assert found(tmp_path) == [("W212", "a.json:1")]


def test_check_knows_offsets_that_count_two_for_a_line_end(tmp_path: Path) -> None:
    corpus(tmp_path, a_txt="主诉\n病史\n" + TEXT, a_ann="T1\tDrug 10 14\t二甲双胍\n")
    check = check_corpus(tmp_path)
    assert [finding.code for finding in check.findings] == ["W201"]
    assert "--offsets crlf" in check.findings[0].text
    assert check_corpus(tmp_path, offsets="crlf").findings == ()
