"""Corpora of other programs in JSON: told by their keys, under any extension, in a list or in lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import format_of, read_corpus, scan_corpus
from suwen.formats.record_forms import record_form

TEXT = "口服二甲双胍治疗糖尿病"
DRUG, DISEASE = Entity("Drug", 2, 6), Entity("Disease", 8, 11)


def ls_task(regions: list[dict[str, Any]], text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text}, "annotations": [{"id": 1, "result": regions, **more}]}


def ls_region(start: int, end: int, label: str, text: str | None = None, **value: Any) -> dict[str, Any]:
    known = {"start": start, "end": end, "labels": [label]} | ({} if text is None else {"text": text}) | value
    return {"type": "labels", "id": f"r{start}", "from_name": "label", "to_name": "text", "value": known}


RECORDS: dict[str, list[dict[str, Any]]] = {
    "doccano label": [{"id": 3, "text": TEXT, "label": [[2, 6, "Drug"], [8, 11, "Disease"]], "Comments": []}],
    "doccano labels": [{"text": TEXT, "labels": [[2, 6, "Drug"], [8, 11, "Disease"]]}],
    "doccano entities": [
        {
            "text": TEXT,
            "entities": [
                {"id": 1, "label": "Drug", "start_offset": 2, "end_offset": 6},
                {"id": 2, "label": "Disease", "start_offset": 8, "end_offset": 11},
            ],
            "relations": [],
        }
    ],
    "doccano annotations": [
        {
            "text": TEXT,
            "annotation_approver": None,
            "annotations": [
                {"label": "Drug", "start_offset": 2, "end_offset": 6, "user": 1},
                {"label": "Disease", "start_offset": 8, "end_offset": 11, "user": 1},
            ],
        }
    ],
    "label_studio": [ls_task([ls_region(2, 6, "Drug"), ls_region(8, 11, "Disease")])],
    "label_studio minimal": [
        {
            "id": 9,
            "text": TEXT,
            "ner": [
                {"start": 2, "end": 6, "text": TEXT[2:6], "labels": ["Drug"]},
                {"start": 8, "end": 11, "text": TEXT[8:], "labels": ["Disease"]},
            ],
            "annotator": 1,
        }
    ],
    "cmeee": [
        {"text": "无", "entities": []},
        {
            "text": TEXT,
            "entities": [
                {"start_idx": 2, "end_idx": 5, "type": "Drug", "entity": TEXT[2:6]},
                {"start_idx": 8, "end_idx": 10, "type": "Disease", "entity": TEXT[8:]},
            ],
        },
    ],
    "cluener": [
        {"text": "无", "label": {}},
        {"text": TEXT, "label": {"Drug": {TEXT[2:6]: [[2, 5]]}, "Disease": {TEXT[8:]: [[8, 10]]}}},
    ],
    "ccks": [
        {
            "originalText": TEXT,
            "entities": [
                {"label_type": "Drug", "overlap": 0, "start_pos": 2, "end_pos": 6},
                {"label_type": "Disease", "overlap": 0, "start_pos": 8, "end_pos": 11},
            ],
        }
    ],
    "prodigy": [
        {
            "text": TEXT,
            "_input_hash": 1,
            "tokens": [{"text": TEXT, "start": 0, "end": 11, "id": 0}],
            "spans": [{"start": 2, "end": 6, "label": "Drug"}, {"start": 8, "end": 11, "label": "Disease"}],
            "answer": "accept",
        }
    ],
    "hf_tokens": [
        {
            "id": "0",
            "tokens": list(TEXT),
            "ner_tags": ["O"] * 2 + ["B-Drug"] + ["I-Drug"] * 3 + ["O"] * 2 + ["B-Disease"] + ["I-Disease"] * 2,
        }
    ],
    "jsonl": [
        {"id": 5, "text": TEXT, "entities": [[2, 6, "Drug"], {"start": 8, "end": 11, "label": "Disease"}]},
    ],
}


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def keys(document: Document) -> list[tuple[str, int, int]]:
    return [(entity.label, entity.start, entity.end) for entity in document.entities]


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("kind", RECORDS)
def test_records_are_known_by_their_keys(tmp_path: Path, kind: str, as_list: bool, ending: str) -> None:
    rows, path = RECORDS[kind], tmp_path / f"all{ending}"
    path.write_text(json.dumps(rows, ensure_ascii=False) if as_list else lines(rows), encoding="utf-8")
    name = kind.split(" ")[0]
    assert format_of(path) == name
    assert format_of(tmp_path) == name
    document = read_corpus(path)[-1]
    assert document.text == TEXT
    assert keys(document) == [DRUG.key, DISEASE.key]
    assert all(entity.annotated is None for entity in document.entities)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
@pytest.mark.parametrize("kind", RECORDS)
def test_records_are_read_in_other_encodings(tmp_path: Path, kind: str, encoding: str) -> None:
    path = tmp_path / "all.json"
    path.write_bytes(lines(RECORDS[kind]).encode(encoding))
    document = read_corpus(path, kind.split(" ")[0], encoding="GBK" if encoding == "gb18030" else "utf16")[-1]
    assert keys(document) == [DRUG.key, DISEASE.key]
    path.write_bytes(json.dumps(RECORDS[kind] * 20, ensure_ascii=False).encode(encoding))
    assert record_form(path) == kind.split(" ")[0]


def test_records_in_text_files_are_known(tmp_path: Path) -> None:
    path = tmp_path / "subtask1_training_part1.txt"
    path.write_text("\ufeff" + lines(RECORDS["ccks"]), encoding="utf-8")
    assert format_of(path) == format_of(tmp_path) == "ccks"
    assert keys(read_corpus(path)[0]) == [DRUG.key, DISEASE.key]


def test_records_that_are_broken_do_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{broken\n" + lines(RECORDS["doccano label"]), encoding="utf-8")
    faults: list[SuwenError] = []
    documents = list(scan_corpus(path, faults.append))
    assert format_of(path) == "doccano"
    assert len(documents) == 1
    assert [(fault.code, fault.line) for fault in faults] == [("S204", 1)]


@pytest.mark.parametrize("as_list", [True, False])
def test_records_with_numbers_that_are_no_json_are_left_out(tmp_path: Path, as_list: bool) -> None:
    path = tmp_path / "a.json"
    rows = [*RECORDS["jsonl"], {"text": "无", "meta": {"age": float("nan")}}]
    path.write_text(json.dumps(rows) if as_list else lines(rows), encoding="utf-8")
    faults: list[SuwenError] = []
    assert [located.document.id for located in scan_corpus(path, faults.append)] == ["5"]
    assert [(fault.code, fault.line) for fault in faults] == [("S204", 2)]
    assert "NaN" in str(faults[0])


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"text": TEXT, "spo_list": []}, "CMeIE"),
        ({"source": "PubTator", "documents": [{"id": "1", "passages": []}]}, "BioC JSON"),
        ({"cells": [], "nbformat": 4}, "Jupyter"),
    ],
)
def test_records_that_are_not_read_are_named(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(SuwenError, match=f"S130 .*{kind}"):
        read_corpus(path)


def test_records_of_a_list_with_lone_surrogates_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1, "text": "头\\ud83d"}, {"id": 2, "text": "\\ud83d\\ude00"}]', encoding="utf-8")
    problems: list[SuwenError] = []
    assert [item.document.text for item in scan_corpus(path, problems.append)] == ["😀"]
    assert [(error.code, error.line) for error in problems] == [("S210", 1)]


def test_doccano_refuses_labels_that_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text(lines([{"text": TEXT, "annotations": [{"label": 2, "start_offset": 2, "end_offset": 6}]}]))
    with pytest.raises(SuwenError, match=r"S215 .*all\.jsonl:1: .*Text label"):
        read_corpus(path)


def test_cluener_finds_exclusive_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(lines([{"text": TEXT, "label": {"Drug": {TEXT[2:6]: [[2, 6]]}}}]), encoding="utf-8")
    assert keys(read_corpus(path)[0]) == [DRUG.key]


def test_cluener_keeps_mentions_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [*RECORDS["cluener"], {"text": TEXT, "label": {"Drug": {"阿卡波糖": [[2, 5]]}}}]
    path.write_text(lines(rows), encoding="utf-8")
    assert read_corpus(path)[-1].entities == (Entity("Drug", 2, 6, annotated="阿卡波糖"),)


@pytest.mark.parametrize("extra", [0, 1])
def test_ccks_reads_pairs_of_files(tmp_path: Path, extra: int) -> None:
    rows = [(TEXT[2:6], 2, 5 + extra, "药物"), (TEXT[8:], 8, 10 + extra, "疾病")]
    (tmp_path / "病史-1.txtoriginal.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "病史-1.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    for path in (tmp_path, tmp_path / "病史-1.txt", tmp_path / "病史-1.txtoriginal.txt"):
        assert format_of(path) == "ccks"
        (document,) = read_corpus(path)
        assert document.id == "病史-1"
        assert keys(document) == [("药物", 2, 6), ("疾病", 8, 11)]


def test_ccks_reports_broken_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txtoriginal.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.txt").write_text("二甲双胍\t2\n糖尿病\t8\t90\t疾病\n", encoding="utf-8")
    faults: list[SuwenError] = []
    assert len(list(scan_corpus(tmp_path, faults.append))) == 1
    assert [(fault.code, fault.line) for fault in faults] == [("S203", 1), ("S201", 2)]


def test_prodigy_counts_spans_of_rejected_tasks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    task = RECORDS["prodigy"][0]
    path.write_text(lines([task | {"answer": "reject"}, task | {"answer": "ignore", "spans": []}, task]), "utf-8")
    rejected, ignored, accepted = read_corpus(path)
    assert rejected.entities == ignored.entities == ()
    assert rejected.meta["read_from"] == {"dropped": {"span of a task with the answer reject": 2}, "unannotated": True}
    assert [document.is_annotated for document in (rejected, ignored, accepted)] == [False, False, True]


def test_hf_tokens_refuse_numbers_without_names(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines([{"tokens": ["糖"], "ner_tags": [1]}]), encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S215 .*to_parquet"):
        read_corpus(path)


def test_hf_tokens_keep_latin_words_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines([{"tokens": ["oral", "metformin", "0.5", "g"], "tags": ["O", "B-Drug", "O", "O"]}]))
    (document,) = read_corpus(path)
    assert document.text == "oral metformin 0.5 g"
    assert document.mention(document.entities[0]) == "metformin"


def test_hf_tokens_are_read_from_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    feature = {"feature": {"names": ["O", "B-Drug", "I-Drug"], "_type": "ClassLabel"}, "_type": "Sequence"}
    metadata = {b"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}}).encode()}
    table = pyarrow.table({"tokens": [list(TEXT)], "ner_tags": [[0, 0, 1, 2, 2, 2, 0, 0, 0, 0, 0]]})
    parquet.write_table(table.replace_schema_metadata(metadata), tmp_path / "named.parquet")
    parquet.write_table(table, tmp_path / "numbers.parquet")
    (document,) = read_corpus(tmp_path / "named.parquet")
    assert (document.text, keys(document)) == (TEXT, [DRUG.key])
    with pytest.raises(SuwenError, match="S215"):
        read_corpus(tmp_path / "numbers.parquet")


def ls_read(tmp_path: Path, task: dict[str, Any]) -> Document:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task], ensure_ascii=False), encoding="utf-8")
    (document,) = read_corpus(path)
    return document


def test_label_studio_reads_hypertext(tmp_path: Path) -> None:
    value = {"globalOffsets": {"start": 2, "end": 6}, "hypertextlabels": ["Drug"], "text": TEXT[2:6]}
    region = {"type": "hypertextlabels", "id": "r", "value": value}
    assert keys(ls_read(tmp_path, ls_task([region]))) == [DRUG.key]
    document = ls_read(tmp_path, ls_task([region], f"<p>{TEXT[:4]}<b>{TEXT[4:]}</b></p>"))
    assert (document.text, keys(document)) == (TEXT, [DRUG.key])
    assert "tags" in document.meta["read_from"]["offsets"]
    value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 2, "endOffset": 6} | {
        "hypertextlabels": ["Drug"]
    }
    assert keys(ls_read(tmp_path, ls_task([region | {"value": value}]))) == [DRUG.key]
    for start, end in ("/p[1]/text()[1]", "/p[2]/text()[1]"), ("/p[2]/text()[1]", "/p[2]/text()[1]"):
        document = ls_read(tmp_path, ls_task([region | {"value": value | {"start": start, "end": end}}]))
        assert document.meta["read_from"]["dropped"] == {"region without offsets in the text": 1}


def test_label_studio_reads_hypertext_without_mentions(tmp_path: Path) -> None:
    value = {"globalOffsets": {"start": 2, "end": 6}, "start": "/p[1]", "end": "/p[1]", "hypertextlabels": ["Drug"]}
    page = f"<p>{TEXT[:4]}<b>{TEXT[4:]}</b></p>"
    task = ls_task([{"type": "hypertextlabels", "id": "r", "value": value}], page)
    minimal = {"id": 1, "html": page, "label": [value], "annotator": 1, "annotation_id": 1}
    for read in (task, minimal):
        document = ls_read(tmp_path, read)
        assert (document.text, keys(document)) == (TEXT, [DRUG.key])


def test_label_studio_counts_what_it_leaves_out(tmp_path: Path) -> None:
    rating = {"type": "rating", "id": "q", "value": {"rating": 3}}
    task = ls_task([ls_region(2, 6, "Drug"), ls_region(8, 11, "x", labels=[]), rating])
    task["annotations"].append({"result": [ls_region(8, 11, "Disease")]})
    document = ls_read(tmp_path, task)
    assert keys(document) == [DRUG.key]
    assert document.meta["read_from"]["dropped"] == {
        "annotation of another annotator": 1,
        "region without a label": 1,
        "region of the type rating": 1,
    }


def test_label_studio_counts_line_ends_as_its_mentions_say(tmp_path: Path) -> None:
    text = "主诉\r\n病史\r\n" + TEXT
    document = ls_read(tmp_path, ls_task([ls_region(8, 12, "Drug", TEXT[2:6])], text))
    assert keys(document) == [("Drug", 10, 14)]
    assert document.entities[0].annotated is None
    assert document.meta["read_from"]["offsets"] == "line ends count as one character"
    assert keys(ls_read(tmp_path, ls_task([ls_region(10, 14, "Drug", TEXT[2:6])], text))) == [("Drug", 10, 14)]


@pytest.mark.parametrize(
    ("text", "start", "remark"),
    [
        ("主诉\n病史\n" + TEXT, 10, "line ends count as two characters"),
        ("😀\n病史\n" + TEXT, 10, "line ends count as two characters"),
        ("\ufeff" + TEXT, 2, "the byte order mark does not count"),
    ],
)
def test_label_studio_counts_as_its_mentions_say(tmp_path: Path, text: str, start: int, remark: str) -> None:
    document = ls_read(tmp_path, ls_task([ls_region(start, start + 4, "Drug", TEXT[2:6])], text))
    assert document.mention(document.entities[0]) == TEXT[2:6]
    assert document.meta["read_from"]["offsets"] == remark


def test_label_studio_takes_the_only_text(tmp_path: Path) -> None:
    task = ls_task([ls_region(2, 6, "Drug")])
    task["data"] = {"note": TEXT, "document": "a"}
    document = ls_read(tmp_path, task)
    assert (document.id, document.text) == ("a", TEXT)
    task["data"]["title"] = "病历"
    with pytest.raises(SuwenError, match="S213"):
        ls_read(tmp_path, task)


def test_readers_warn_of_what_is_odd(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.json"
    path.write_text(lines([{"text": "无", "label": {}}]), encoding="utf-8")
    read_corpus(path)
    assert "no entity in 1 document" in caplog.text
    caplog.clear()
    ls_read(tmp_path, ls_task([ls_region(2, 6, "Drug"), ls_region(8, 11, "x", labels=[])]))
    assert "left out: 1 region without a label" in caplog.text
    caplog.clear()
    (tmp_path / "a.txt").write_text("主诉\n病史\n" + TEXT, encoding="utf-8")
    (tmp_path / "a.ann").write_text("T1\tDrug 10 14\t二甲双胍\n", encoding="utf-8")
    read_corpus(tmp_path / "a.ann")
    assert "1 of 1 mention differs" in caplog.text
    assert "--offsets crlf" in caplog.text
    caplog.clear()
    (document,) = read_corpus(tmp_path / "a.ann", offsets="crlf")
    assert document.entities == (Entity("Drug", 8, 12, id="T1"),)
    assert not caplog.records
    (tmp_path / "a.txt").write_bytes(("主诉\r\n病史\r\n" + TEXT).encode())
    (tmp_path / "a.ann").write_text("T1\tDrug 8 12\t二甲双胍\n", encoding="utf-8")
    read_corpus(tmp_path / "a.ann")
    assert "--offsets lf" in caplog.text
    (document,) = read_corpus(tmp_path / "a.ann", offsets="lf")
    assert document.entities == (Entity("Drug", 10, 14, id="T1"),)


def test_articles_say_what_was_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.html").write_text("<p>头晕</p><nav><a href='b'>首页</a></nav>", encoding="utf-8")
    read_corpus(tmp_path)
    assert "left out: 1 nav" in caplog.text


def test_brat_leaves_out_a_text_without_annotations(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "README.txt").write_text("语料说明", encoding="utf-8")
    with pytest.raises(SuwenError, match="S208"):
        read_corpus(tmp_path, "brat")
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.ann").write_text("T1\tDrug 2 6\t二甲双胍\n", encoding="utf-8")
    assert [document.id for document in read_corpus(tmp_path)] == ["a"]
    assert "left out: 1 text without '.ann'" in caplog.text


def test_cmeee_reads_its_first_edition(tmp_path: Path) -> None:
    path = tmp_path / "train_data.txt"
    path.write_text(f"{TEXT}|||2    5    dru|||8    10    dis|||\n无|||\n", encoding="utf-8")
    assert format_of(path) == "cmeee"
    first, second = read_corpus(path)
    assert (first.id, first.text, first.entities) == ("train_data/1", TEXT, (Entity("dru", 2, 6), Entity("dis", 8, 11)))
    assert (second.text, second.entities) == ("无", ())
    path.write_text(f"{TEXT}|||2    5    dru|||\n{TEXT}|||2 dru|||\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S213 .*:2: "):
        read_corpus(path)


def test_label_studio_finds_the_text_by_its_mentions(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "data": {"note": "血糖", "ward": "内科"}, "annotations": []},
        {
            "id": 2,
            "data": {"note": TEXT, "ward": "内科"},
            "annotations": [{"result": [ls_region(2, 6, "x", TEXT[2:6])]}],
        },
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert [document.text for document in read_corpus(path)] == ["血糖", TEXT]
    region = {"start": 2, "end": 6, "text": TEXT[2:6], "labels": ["Drug"]}
    path.write_text(json.dumps([{"id": 1, "note": TEXT, "ner": [region], "created_at": "2020"}]), encoding="utf-8")
    (document,) = read_corpus(path)
    assert (document.text, keys(document)) == (TEXT, [("Drug", 2, 6)])


def test_label_studio_reports_that_nobody_has_corrected_predictions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = {"id": 1, "data": {"text": TEXT}, "predictions": [{"result": [ls_region(2, 6, "Drug")]}]}
    document = ls_read(tmp_path, task)
    assert (keys(document), document.meta["read_from"]) == ([("Drug", 2, 6)], {"predicted": True})
    assert "annotations of 1 document are uncorrected predictions" in caplog.text
    caplog.clear()
    ls_read(tmp_path, {**task, "annotations": [{"result": [ls_region(2, 6, "Drug")]}]})
    assert "predictions" not in caplog.text


def test_records_of_a_folder_are_known_by_the_strongest_form(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(lines([{"id": 0, "text": TEXT}]), encoding="utf-8")
    (tmp_path / "b.json").write_text(lines(RECORDS["cluener"]), encoding="utf-8")
    documents = read_corpus(tmp_path)
    assert [(document.id, len(document.entities)) for document in documents] == [("a/1", 0), ("b/1", 0), ("b/2", 2)]


def test_records_of_two_forms_in_a_folder_are_refused(tmp_path: Path) -> None:
    entities = [{"label": "Drug", "start": 2, "end": 6}]
    (tmp_path / "a.jsonl").write_text(lines([{"text": TEXT, "entities": entities}]), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(lines(RECORDS["doccano label"]), encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S213 .*a\.jsonl:1"):
        read_corpus(tmp_path)


def test_records_of_joined_files_may_have_byte_order_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\ufeff" + lines(RECORDS["jsonl"]) + "\ufeff" + lines([{"id": 6, "text": TEXT}]), encoding="utf-8")
    assert [document.id for document in read_corpus(path)] == ["5", "6"]


@pytest.mark.parametrize("text", [TEXT, TEXT[2:6]])
def test_cluener_finds_exclusive_ends_at_the_end_of_the_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(lines([{"text": text, "label": {"Drug": {text: [[0, len(text)]]}}}]), encoding="utf-8")
    assert keys(read_corpus(path)[0]) == [("Drug", 0, len(text))]


@pytest.mark.parametrize(
    ("row", "message"),
    [([2, 6, 3], "S215 .*Text label"), (["2", "6", "Drug"], "S213 .*label"), ("good", "S213 .*label")],
)
def test_doccano_reports_what_is_no_label(tmp_path: Path, row: Any, message: str) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text(lines([{"text": TEXT, "label": [row]}]), encoding="utf-8")
    with pytest.raises(SuwenError, match=message):
        read_corpus(path)


def test_label_studio_reads_mentions_before_line_ends(tmp_path: Path) -> None:
    text = "😀" + "主诉\r\n病史\r\n" + TEXT[2:6] + "\r\n末"
    regions = [ls_region(2, 4, "Drug", "主诉"), ls_region(5, 7, "Drug", "病史"), ls_region(8, 12, "Drug", TEXT[2:6])]
    document = ls_read(tmp_path, ls_task(regions, text) | {"drafts": [{"id": 1}]})
    assert [document.mention(entity) for entity in document.entities] == ["主诉", "病史", TEXT[2:6]]
    assert document.meta["read_from"]["dropped"] == {"draft that was not submitted": 1}
