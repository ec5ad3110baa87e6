from __future__ import annotations

import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from format_strategies import documents, untimed
from hypothesis import assume, example, given
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Relation
from suwen.errors import SuwenError
from suwen.formats import brat
from suwen.formats.breaks import pieces_between_breaks
from suwen.formats.writing import LINE_BREAK
from suwen.schema import LCDD

TEXT = "口服二甲\n双胍0.5g治疗2型糖尿病。\n"
LINES = """T1\tDrug 2 4;5 7\t二甲 双胍
T2\tAmount 7 11\t0.5g
R1\tAmount_Drug Arg1:T2 Arg2:T1
T3\tDisease 13 18\t2型糖尿病
T4\tTest 13 18\t2型糖尿病
E1\tTherapy:T1 Theme:T3
*\tEquiv T3 T4
A1\tNegation T3
A2\tCertainty T3 very low
#1\tAnnotatorNotes T1\t要再看一次
# a remark

N1\tReference T1 ICD10:E11\t糖尿病
R2\tDrug_Disease Arg1:T1 Arg2:T99
"""


def pair(folder: Path, text: str | bytes = TEXT, annotations: str | bytes = LINES, name: str = "a") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in ((".txt", text), (".ann", annotations)):
        (folder / (name + ending)).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read_one(folder: Path) -> Document:
    (document,) = brat.FORMAT.read(folder)
    return document


def written(document: Document, folder: Path) -> tuple[bytes, bytes, dict[str, int]]:
    lost = brat.FORMAT.write([document], folder / "out")
    return (folder / "out/a.txt").read_bytes(), (folder / "out/a.ann").read_bytes(), dict(lost)


def refusal(folder: Path) -> SuwenError:
    with pytest.raises(SuwenError) as caught:
        list(brat.FORMAT.read(folder))
    return caught.value


def test_brat_reads_every_kind_of_annotation(tmp_path: Path) -> None:
    document = read_one(pair(tmp_path))
    assert document.id == "a"
    assert document.text == TEXT
    assert document.entities[0] == Entity("Drug", 2, 7, ((2, 4), (5, 7)), "T1")
    assert document.mention(document.entities[0]) == "二甲双胍"
    assert [entity.key for entity in document.entities[2:]] == [("Disease", 13, 18), ("Test", 13, 18)]
    assert document.relations == (
        Relation("Amount_Drug", "T2", "T1", "R1"),
        Relation("Drug_Disease", "T1", "T99", "R2"),
    )
    assert document.attributes == (Attribute("A1", "Negation", "T3"), Attribute("A2", "Certainty", "T3", "very low"))
    assert document.notes == (Note("#1", "AnnotatorNotes", "T1", "要再看一次"),)


@pytest.mark.parametrize(
    "annotations",
    [
        LINES,
        LINES.replace("\n", "\r\n"),
        "\ufeff" + LINES,
        LINES + "\ufeff" + LINES,
        LINES.rstrip("\n"),
        LINES.replace("Arg2:T1\n", "Arg2:T1\t\n"),
        LINES.replace("Arg1:", "Subject:"),
        LINES.replace("T1", "T007"),
        "T1\tDrug 2 7\t二甲 双胍\n",
        "T1\tDrug 2 4\t二 甲\n",
        "T1\tDrug 2 4\t\n",
        "T1\tDrug 2 4\t二甲\rT2\tDrug 5 7\t双胍\r",
        "",
        "\n\n",
    ],
)
def test_brat_writes_the_same_bytes(tmp_path: Path, annotations: str) -> None:
    document = read_one(pair(tmp_path / "in", annotations=annotations))
    assert written(document, tmp_path) == (TEXT.encode(), annotations.encode(), {})


@pytest.mark.parametrize(
    "text", ["\ufeff口服\r\n二甲双胍", "口服\r二甲\r双胍\n", "口服\u2028\x85😀e\u0301\x00\u3000ＡＢ"]
)
def test_brat_reads_and_writes_the_text_byte_by_byte(tmp_path: Path, text: str) -> None:
    document = read_one(pair(tmp_path / "in", text=text, annotations="T1\tDrug 5 7\t" + text[5:7] + "\n"))
    assert document.text == text
    assert document.entities[0].annotated is None
    assert written(document, tmp_path)[0] == text.encode()


def test_brat_keeps_no_copy_of_plain_lines(tmp_path: Path) -> None:
    plain = "T1\tDrug 2 4;5 7\t二甲 双胍\nR1\tAmount_Drug Arg1:T1 Arg2:T9\n"
    assert read_one(pair(tmp_path, annotations=plain)).meta == {}


def test_brat_keeps_the_mention_that_differs_from_the_text(tmp_path: Path) -> None:
    document = read_one(pair(tmp_path / "in", annotations="T1\tDrug 2 4\t二申\n"))
    assert document.entities[0].annotated == "二申"
    assert written(document, tmp_path)[1] == "T1\tDrug 2 4\t二申\n".encode()


def test_brat_writes_changed_annotations_in_place(tmp_path: Path) -> None:
    document = read_one(pair(tmp_path / "in"))
    first, second, *others = document.entities
    changed = dataclasses.replace(
        document, entities=(first, dataclasses.replace(second, label="Test_Value"), others[0], Entity("Level", 0, 2))
    )
    expected = LINES.replace("T2\tAmount", "T2\tTest_Value").replace("T4\tTest 13 18\t2型糖尿病\n", "")
    # T4 is gone, but '*' still names it; T99 is named by a relation.
    assert written(changed, tmp_path)[1].decode() == expected + "T5\tLevel 0 2\t口服\n"


def test_brat_gives_fresh_ids_that_nothing_mentions(tmp_path: Path) -> None:
    document = Document(
        "a",
        "口服二甲双胍",
        (Entity("Drug", 2, 6), Entity("Method", 0, 2, id="m"), Entity("Drug", 2, 4, id="T2")),
        (Relation("Method_Drug", "m", "T1"), Relation("Method_Drug", "m", "T2", "R1")),
        attributes=(Attribute("x", "Negation", "m"),),
    )
    _, annotations, lost = written(document, tmp_path)
    assert annotations.decode().splitlines() == [
        "T3\tDrug 2 6\t二甲双胍",
        "T4\tMethod 0 2\t口服",
        "T2\tDrug 2 4\t二甲",
        "R2\tMethod_Drug Arg1:T4 Arg2:T1",
        "R1\tMethod_Drug Arg1:T4 Arg2:T2",
        "A1\tNegation T4",
    ]
    assert lost == {"entity id": 1, "attribute id": 1}


def test_brat_writes_line_breaks_as_fragments_and_counts_them(tmp_path: Path) -> None:
    document = Document("a", "二甲\r\n双胍\n", (Entity("Drug", 0, 6), Entity("Drug", 4, 7), Entity("Drug", 6, 7)))
    _, annotations, lost = written(document, tmp_path)
    assert annotations.decode().split("\n") == [
        "T1\tDrug 0 2;4 6\t二甲 双胍",
        "T2\tDrug 4 7\t双胍 ",
        "T3\tDrug 6 7\t ",
        "",
    ]
    assert lost == {LINE_BREAK: 1}
    assert [entity.key for entity in read_one(tmp_path / "out").entities] == [
        entity.key for entity in document.entities
    ]


def test_brat_counts_lost_content(tmp_path: Path) -> None:
    document = Document(
        "a",
        "二甲双胍",
        (Entity("Drug", 0, 4, id="T1", score=0.5, annotated="二甲\n双胍"),),
        (Relation("bad label", "T1", "T1", "R1"),),
        group="138",
        attributes=(Attribute("A1", "Note", "T1", "two\nlines"),),
        notes=(Note("#1", "Note", "T1", "two\nlines"),),
        meta={"source": "x"},
    )
    _, annotations, lost = written(document, tmp_path)
    assert annotations.decode() == "T1\tDrug 0 4\t二甲 双胍\n"
    assert lost == {
        "score": 1, "annotated mention": 1, "relation": 1, "group": 1, "attribute": 1, "note": 1, "meta": 1,
    }  # fmt: skip


def test_brat_uses_subfolders(tmp_path: Path) -> None:
    pair(tmp_path / "in/138", name="5")
    pair(tmp_path / "in", name="b.c")
    pair(tmp_path / "in/.hidden", name="x")
    (tmp_path / "in/annotation.conf").write_text("[entities]\n")
    found = list(brat.FORMAT.read(tmp_path / "in"))
    assert [document.id for document in found] == ["b.c", "138/5"]
    brat.FORMAT.write(found, tmp_path / "out")
    assert (tmp_path / "out/138/5.ann").read_bytes() == LINES.encode()


def test_brat_reads_one_pair_by_either_name(tmp_path: Path) -> None:
    pair(tmp_path, name="a")
    pair(tmp_path, name="b")
    assert [document.id for document in brat.FORMAT.read(tmp_path / "b.ann")] == ["b"]
    assert [document.id for document in brat.FORMAT.read(tmp_path / "b.txt")] == ["b"]


@pytest.mark.parametrize(
    ("annotations", "code", "line"),
    [
        ("T1\tDrug 2 4\t二甲\nT2\tDrug 5 700\t双胍\n", "S201", 2),
        ("T1\tDrug 4 2\t二甲\n", "S211", 1),
        ("T1\tDrug 5 7;2 4\t双胍 二甲\n", "S211", 1),
        ("\nT1 Drug 2 4 二甲\n", "S203", 2),
        ("T1\tDrug 2 4\n", "S203", 1),
        ("T1\tDrug 2 x\t二甲\n", "S203", 1),
        (f"T1\tDrug 2 {'9' * 5000}\t二甲\n", "S203", 1),
        ("R1\tDrug_Disease T1 T2\n", "S203", 1),
        ("A1\n", "S203", 1),
    ],
)
def test_brat_refuses_broken_lines_with_their_place(tmp_path: Path, annotations: str, code: str, line: int) -> None:
    error = refusal(pair(tmp_path, annotations=annotations))
    assert (error.code, error.path, error.line) == (code, tmp_path / "a.ann", line)


def test_brat_refuses_missing_halves_and_bad_encoding(tmp_path: Path) -> None:
    (pair(tmp_path / "1") / "a.ann").unlink()
    (pair(tmp_path / "2") / "a.txt").unlink()
    pair(tmp_path / "3", text="糖尿病".encode("gb18030"))
    codes = [refusal(tmp_path / name).code for name in "123"]
    assert codes == ["S208", "S209", "S116"]


def test_brat_refuses_a_label_outside_the_schema(tmp_path: Path) -> None:
    pair(tmp_path, annotations="T1\tDrug 2 4\t二甲\nT2\tGene 2 4\t二甲\n")
    with pytest.raises(SuwenError, match=r"S202 .*a\.ann:2: unknown label 'Gene'"):
        list(brat.FORMAT.read(tmp_path, LCDD))


@pytest.mark.parametrize("name", ["../a", "/a", "", "a/../b", "a//b", ".a", "a\0b", "C:a", "a\\b", "x" * 300])
def test_brat_refuses_ids_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(SuwenError, match="S111"):
        brat.FORMAT.write([Document(name, "糖")], tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_brat_refuses_what_would_make_an_unreadable_file(tmp_path: Path) -> None:
    for document, code in (
        (Document("a", "糖", (Entity("two words", 0, 1),)), "S212"),
        (Document("a", "糖", (Entity("", 0, 1),)), "S212"),
        (Document("a", "糖", notes=(Note("#1", "Note", "T1", "\ud800"),)), "S210"),
    ):
        with pytest.raises(SuwenError, match=code):
            brat.FORMAT.write([document], tmp_path / "out")
    with pytest.raises(SuwenError, match="S110"):
        brat.FORMAT.write([Document("a", "糖"), Document("a", "糖")], tmp_path / "out")
    assert not any(tmp_path.iterdir())


@untimed
@given(documents())
@example(Document("a", "\0" + "0"))
def test_brat_round_trip_keeps_text_and_mentions(document: Document) -> None:
    document = dataclasses.replace(document, id="a")
    with TemporaryDirectory() as folder:
        lost = brat.FORMAT.write([document], Path(folder, "out"))
        back = read_one(Path(folder, "out"))
    assert back.text == document.text
    assert [entity.key for entity in back.entities] == [entity.key for entity in document.entities]
    for entity, original in zip(back.entities, document.entities, strict=True):
        assert 0 <= entity.start < entity.end <= len(back.text)
        broken = tuple(piece for span in original.pieces for piece in pieces_between_breaks(back.text, *span))
        assert entity.pieces == broken
        assert back.mention(entity) == back.mention(dataclasses.replace(original, fragments=broken))
    changed = sum(new.fragments != old.fragments for new, old in zip(back.entities, document.entities, strict=True))
    assert lost[LINE_BREAK] == changed
    assert len(back.relations) == len(document.relations) - lost["relation"]
    assert len(back.notes) == len(document.notes) - lost["note"]


@untimed
@given(documents(odd=False))
def test_brat_written_twice_is_the_same(document: Document) -> None:
    with TemporaryDirectory() as folder:
        brat.FORMAT.write([document], Path(folder, "1"))
        brat.FORMAT.write([read_one(Path(folder, "1"))], Path(folder, "2"))
        assert Path(folder, "1/a.ann").read_bytes() == Path(folder, "2/a.ann").read_bytes()


almost_annotations = st.lists(
    st.one_of(
        st.sampled_from(["T1\tDrug 0 1\t", "T2\tX 0 1;1 2\t", "R1\tX A:T1 B:T2", "A1\tX T1", "#1\tX T1\t", "T", "R\t"]),
        st.sampled_from(["\n", "\r\n", "\r", "\ufeff", "糖", " ", "\t", "9", ";"]),
        st.text(max_size=3),
    )
).map(lambda parts: "".join(parts).encode("utf-8", "replace"))


@untimed
@given(st.binary() | st.just("糖尿病".encode()), st.binary() | almost_annotations)
def test_brat_reads_any_bytes_exactly_or_refuses_them(text: bytes, annotations: bytes) -> None:
    with TemporaryDirectory() as folder:
        try:
            document = read_one(pair(Path(folder, "in"), text, annotations))
            text.decode()
            annotations.decode()
        except (SuwenError, UnicodeDecodeError):
            # What is read in another encoding is written in UTF-8.
            return
        # Bytes with NUL may be UTF-16: "\0 " is a space of two bytes.
        assume(b"\0" not in text + annotations)
        assert written(document, Path(folder)) == (text, annotations, {})


def test_brat_reports_that_an_offset_is_too_long(tmp_path: Path) -> None:
    pair(tmp_path, annotations=f"T1\tDrug 0 {'9' * 5000}\tx\n")
    with pytest.raises(SuwenError, match=r"S203 .*a\.ann:1: invalid annotation line: a number of more than 18 digits"):
        list(brat.FORMAT.read(tmp_path))


def test_brat_refuses_a_file_name_that_is_not_unicode(tmp_path: Path) -> None:
    pair(tmp_path, name="\udcff")
    with pytest.raises(SuwenError, match=r"S114 .*file name"):
        list(brat.FORMAT.read(tmp_path))


def test_brat_keeps_the_order_of_attributes_and_notes(tmp_path: Path) -> None:
    lines = "T1\tDrug 0 2\t药物\n#1\tAnnotatorNotes T1\t疑问\nA1\tNegation T1\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("药物", "utf-8")
    (tmp_path / "in/a.ann").write_text(lines, "utf-8")
    brat.FORMAT.write(brat.FORMAT.read(tmp_path / "in"), tmp_path / "out")
    assert (tmp_path / "out/a.ann").read_text("utf-8") == lines
