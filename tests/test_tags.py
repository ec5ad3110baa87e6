from __future__ import annotations

from pathlib import Path

import pytest

from suwen.errors import SuwenError
from suwen.formats import format_of, read_corpus
from suwen.formats.tags import form_of_tags

SPELLINGS = {
    "BILOU": ["U-身体", "O", "B-药物", "I-药物", "L-药物"],
    "BMEWO": ["W-身体", "O", "B-药物", "M-药物", "E-药物"],
    "BIOES": ["S-身体", "O", "B-药物", "I-药物", "E-药物"],
    "BIO": ["B-身体", "O", "B-药物", "I-药物", "I-药物"],
    "suffix": ["身体-B", "O", "药物-B", "药物-I", "药物-I"],
    "suffix with an underscore": ["身体_S", "O", "药物_B", "药物_M", "药物_E"],
    "small letters": ["s-身体", "o", "b-药物", "i-药物", "e-药物"],
    "suffix in small letters": ["身体-b", "o", "药物-b", "药物-i", "药物-i"],
    "underscore": ["B_身体", "O", "B_药物", "I_药物", "I_药物"],
}


@pytest.mark.parametrize("ending", [".conll", ".txt", ".train", ".dev", ".test", ".iob", ".tsv", ".data", ""])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_conll_reads_tags_in_every_spelling(tmp_path: Path, spelling: str, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    rows = [f"{character}\t{tag}\n" for character, tag in zip("肝服阿卡波", SPELLINGS[spelling], strict=True)]
    path.write_text("".join(rows), encoding="utf-8")
    assert format_of(path) == "conll"
    (document,) = read_corpus(path)
    assert [(one.label, one.start, one.end) for one in document.entities] == [("身体", 0, 1), ("药物", 2, 5)]


def test_tags_without_a_common_spelling_have_no_form() -> None:
    assert form_of_tags(["B-Drug", "Drug-B", "I_x"]) is None
    assert form_of_tags(["B"]) is None
    assert form_of_tags(["O"]) is not None


def test_conll_prefers_prefixes(tmp_path: Path) -> None:
    form = form_of_tags(["B-I", "I-I", "O"])
    assert form is not None
    assert [form(tag) for tag in ("B-I", "I-I", "O")] == ["B-I", "I-I", "O"]


def test_conll_reads_the_parts_of_a_folder(tmp_path: Path) -> None:
    for part in ("train", "dev"):
        (tmp_path / f"notes.{part}").write_text("糖 B-Drug\n", encoding="utf-8")
    assert [document.id for document in read_corpus(tmp_path)] == ["notes.dev", "notes.train"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_conll_is_read_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("口 O\n服 O\n药 B-Drug\n\n" * 30).encode(encoding))
    assert format_of(path) == "conll"
    assert len(read_corpus(path)[0].entities) == 30
    path.write_bytes("药 B-Drug\n".encode(encoding))
    assert read_corpus(path, "conll", encoding="cp936" if encoding == "gb18030" else "utf-16")[0].text[-1:] in "药"


def test_conll_keeps_the_tasks_of_label_studio_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART- -X- O\n糖 -X- _ B-Drug\n\n药 -X- _ O\n\n", encoding="utf-8")
    (document,) = read_corpus(path)
    assert (document.id, document.text) == ("a", "糖\n\n药")


@pytest.mark.parametrize(
    "table",
    [
        "Sentence #,Word,POS,Tag\n1,服,v,O\n,药,n,B-Drug\n2,好,a,O\n",
        "字,标签\n服,O\n药,B-Drug\n,\n好,O\n",
        "服,O\n药,B-Drug\n\n好,O\n",
    ],
)
def test_conll_reads_csv_tables_of_tokens(tmp_path: Path, table: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table, encoding="utf-8-sig")
    assert format_of(path) == "conll"
    (document,) = read_corpus(path)
    assert document.text == "服药\n\n好"
    assert [(one.label, one.start, one.end) for one in document.entities] == [("Drug", 1, 2)]


@pytest.mark.parametrize("names", ["token\ttag", "Word\tTAG", "words\tlabels", "char\tpos\tlabel"])
def test_conll_reads_tsv_tables_of_tokens(tmp_path: Path, names: str) -> None:
    path, middle = tmp_path / "a.tsv", "\tv" * (names.count("\t") - 1)
    rows = ("服\tO", '"\tO', "药\tB-Drug", "", "好\tO")
    path.write_text("\r\n".join([names, *(row.replace("\t", f"{middle}\t") for row in rows)]), encoding="utf-8")
    assert format_of(path) == "conll"
    (document,) = read_corpus(path)
    assert document.text == '服"药\n\n好'
    assert [(one.label, one.start, one.end) for one in document.entities] == [("Drug", 2, 3)]


def test_conll_is_no_table_of_notes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,口服二甲双胍\n", encoding="utf-8")
    assert format_of(path) == "csv"


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ("口 O\n二 B\n甲 I\n", "tags without types"),
        ("O 口\nB-Drug 二\nI-Drug 甲\n", "the tag first"),
        ("口 O\n二 B/Drug\n甲 I/Drug\n", "tags such as 'B/Drug'"),
        ("-DOCSTART- O\n\n口 n O\n二 n Drug\n甲 n Drug\n", "tags such as 'Drug'"),
        ("口\t0\n二\tB-Drug\n甲\tI-Drug\n", "tags such as '0'"),
        ("口\tO\n二\tB-Side effect\n甲\tI-Side effect\n", "tags such as 'effect'"),
    ],
)
def test_conll_names_what_is_wrong_with_columns(tmp_path: Path, rows: str, kind: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(SuwenError, match=f"S130 .*{kind}"):
        format_of(path)
