from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from format_strategies import documents, untimed
from hypothesis import given
from hypothesis import strategies as st

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import conll
from suwen.formats.breaks import pieces_between_breaks
from suwen.formats.writing import LINE_BREAK
from suwen.schema import LCDD
from suwen.schemes import BIO, BIOES, BMES, SCHEMES, Scheme


def written(document: Document, folder: Path, **options: Any) -> str:
    conll.FORMAT.write([document], folder / "a.conll", **options)
    return (folder / "a.conll").read_bytes().decode()


def lost_of(document: Document, folder: Path) -> dict[str, int]:
    return dict(conll.FORMAT.write([document], folder / "a.conll"))


def read_text(folder: Path, content: str, name: str = "a.conll", **options: Any) -> list[Document]:
    (folder / name).write_bytes(content.encode())
    return list(conll.FORMAT.read(folder / name, **options))


SMALL = Document("138/5", "用 药。\\糖", (Entity("Drug", 0, 3), Entity("Test", 5, 6)))


def test_conll_writes_two_columns(tmp_path: Path) -> None:
    expected = "-DOCSTART- O 138/5\n\n用 B-Drug\n\\u0020 I-Drug\n药 I-Drug\n。 O\n\n\\u005c O\n糖 B-Test\n\n"
    assert written(SMALL, tmp_path) == expected


def test_conll_writes_four_columns(tmp_path: Path) -> None:
    lines = written(SMALL, tmp_path, columns=4, scheme=BIOES).splitlines()
    assert lines[0] == "-DOCSTART- -X- -X- O 138/5"
    assert lines[2:5] == ["用 _ _ B-Drug", "\\u0020 _ _ I-Drug", "药 _ _ E-Drug"]
    assert lines[-2] == "糖 _ _ S-Test"


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("columns", [2, 4])
def test_conll_reads_back_what_it_wrote(tmp_path: Path, scheme: Scheme, columns: int) -> None:
    text = "\ufeff口服二甲,\r\n双胍。\n\n  用 \u3000药😀e\u0301\u2028！糖"
    entities = (Entity("Drug", 3, 10, ((3, 6), (8, 10))), Entity("Test", len(text) - 1, len(text)))
    corpus = [Document("a b", text, entities), Document("empty", ""), Document("c", "无")]
    assert not conll.FORMAT.write(corpus, tmp_path / "a.conll", scheme=scheme, columns=columns)
    assert list(conll.FORMAT.read(tmp_path / "a.conll")) == corpus


def test_conll_puts_no_blank_line_inside_a_mention(tmp_path: Path) -> None:
    document = Document("a", "甲。乙。丙。", (Entity("Drug", 0, 3),))
    assert [len(part.splitlines()) for part in written(document, tmp_path).split("\n\n")[1:-1]] == [4, 2]
    assert lost_of(document, tmp_path) == {"sentence end inside a mention (no blank line there)": 1}


def test_conll_counts_lost_content(tmp_path: Path) -> None:
    entities = (
        Entity("Drug", 0, 5, id="T1", score=0.5),
        Entity("Drug", 0, 5, annotated="x"),
        Entity("Test", 0, 5),
        Entity("Level", 1, 3),
        Entity("Level", 4, 7),
        Entity("Amount", 8, 10, ((8, 9), (9, 10))),
        Entity("Amount", 18, 21),
    )
    document = Document(
        "a", "一二三四五六七八九十甲乙丙丁戊己庚辛百\n千", entities, (Relation("x", "T1", "T1"),), meta={"x": 1}
    )
    assert lost_of(document, tmp_path) == {
        "entity id": 1,
        "score": 1,
        "annotated mention": 1,
        "relation": 1,
        "meta": 1,
        "duplicate entity": 1,
        "entity of another type with the same span": 1,
        "nested entity": 1,
        "overlapping entity": 1,
        "fragments": 1,
        LINE_BREAK: 1,
    }
    (back,) = conll.FORMAT.read(tmp_path / "a.conll")
    assert [entity.key for entity in back.entities] == [("Drug", 0, 5), ("Amount", 8, 10), ("Amount", 18, 21)]


def test_conll_reads_what_others_wrote(tmp_path: Path) -> None:
    content = "#\tO\n二甲\tB-Drug\n双胍\tI-Drug\n \tO\n\tO\n\n\n糖\tB-Test\r\n"
    (document,) = read_text(tmp_path, content)
    assert document.id == "a"
    assert document.text == "#二甲双胍  \n\n糖"
    assert document.entities == (Entity("Drug", 1, 5), Entity("Test", 9, 10))


def test_conll_keeps_latin_words_apart(tmp_path: Path) -> None:
    (document,) = read_text(tmp_path, "Aspirin B-Drug\n100 O\nmg O\n口服 O\n\n二甲 B-Drug\n双胍 I-Drug\n")
    assert document.text == "Aspirin 100 mg口服\n\n二甲双胍"
    assert [entity.key for entity in document.entities] == [("Drug", 0, 7), ("Drug", 18, 22)]


def test_conll_knows_its_extensions_in_capital_letters(tmp_path: Path) -> None:
    (tmp_path / "A.BIO").write_text("口 O\n服 O\n", encoding="utf-8")
    (tmp_path / "b.bio").write_text("口 O\n服 O\n", encoding="utf-8")
    assert [document.id for document in conll.FORMAT.read(tmp_path)] == ["A", "b"]


def test_conll_numbers_documents_without_an_id(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- -X- O\n\n糖 NN B-NP B-Test\n\n-DOCSTART- -X- -X- O\n\n药 NN B-NP O\n"
    found = read_text(tmp_path, content)
    assert [(document.id, document.text) for document in found] == [("a/1", "糖"), ("a/2", "药")]
    assert found[0].meta == {"conll": {"columns": [["NN"], ["B-NP"]]}}


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [("B I O", BIO), ("B I E S", BIOES), ("B M E S", BMES), ("B E", BIOES), ("S", BIOES), ("O", BIO)],
)
def test_conll_finds_the_scheme(tmp_path: Path, tags: str, scheme: Scheme) -> None:
    content = "".join(f"糖 {tag if tag == 'O' else tag + '-Drug'}\n" for tag in tags.split())
    found = [read_text(tmp_path, content, **options)[0].entities for options in ({}, {"scheme": scheme})]
    assert found[0] == found[1]
    assert bool(found[0]) == (tags != "O")


@pytest.mark.parametrize(
    ("illegal", "expected"), [("conlleval", [(0, 2), (2, 3), (3, 4)]), ("strict", [(2, 3)]), ("error", None)]
)
def test_conll_applies_the_policy_for_illegal_tags(tmp_path: Path, illegal: Any, expected: Any) -> None:
    content = "糖 I-Drug\n糖 I-Drug\n糖 B-Drug\n糖 I-Test\n"
    if expected is None:
        with pytest.raises(SuwenError, match=r"S207 .*a\.conll:1: .*'I-Drug' after 'the beginning'"):
            read_text(tmp_path, content)
        return
    (document,) = read_text(tmp_path, content, illegal=illegal)
    assert [(entity.start, entity.end) for entity in document.entities] == expected
    assert document.meta == {"conll": {"illegal": 2}}


def test_conll_reports_a_mention_left_open(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"S207 .*a\.conll:2: .*'the end' after 'I-Drug'"):
        read_text(tmp_path, "糖 B-Drug\n尿 I-Drug\n\n病 E-Drug\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("糖 O\n尿\n", 2),
        ("糖 O\n尿 NN O\n", 2),
        ("糖 O\n\n尿 Drug\n", 3),
        ("糖 B-\n", 1),
        ("糖\n", 1),
        ("糖 B-Drug\n尿 I-Drug\n病 M-Drug\n", 3),
        ("糖 X-Drug\n", 1),
    ],
)
def test_conll_refuses_broken_rows_with_their_place(tmp_path: Path, content: str, line: int) -> None:
    with pytest.raises(SuwenError, match=rf"S206 .*a\.conll:{line}: "):
        read_text(tmp_path, content)


def test_conll_holds_to_the_number_of_columns(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"S206 .*a\.conll:1: .*2 columns, not 4"):
        read_text(tmp_path, "糖 O\n", columns=4)


def test_conll_refuses_a_label_outside_the_schema(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"S202 .*a\.conll:2"):
        read_text(tmp_path, "糖 O\n糖 B-Gene\n", schema=LCDD)


@pytest.mark.parametrize("document", [Document("a", "糖", (Entity("two words", 0, 1),)), Document("", "糖")])
def test_conll_refuses_what_would_make_an_unreadable_file(tmp_path: Path, document: Document) -> None:
    with pytest.raises(SuwenError, match="S212"):
        conll.FORMAT.write([document], tmp_path / "a.conll")
    assert not any(tmp_path.iterdir())


def test_conll_knows_columns_in_text_files(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("糖 B-Test\n。 O\n" * 2000, "utf-8")
    (tmp_path / "z.txt").write_text("糖尿病 B-Test\n这是一篇文章。\n", "utf-8")
    assert conll.FORMAT.sniff(tmp_path / "train.txt")
    assert conll.FORMAT.sniff(tmp_path)
    assert not conll.FORMAT.sniff(tmp_path / "z.txt")
    assert [document.id for document in conll.FORMAT.read(tmp_path)] == ["train"]


@untimed
@given(documents(), st.sampled_from(list(SCHEMES.values())), st.sampled_from([2, 4]))
def test_conll_keeps_the_text_and_counts_every_lost_entity(document: Document, scheme: Scheme, columns: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.conll")
        lost = conll.FORMAT.write([document], path, scheme=scheme, columns=columns)
        (back,) = conll.FORMAT.read(path, scheme=scheme)
    assert (back.id, back.text) == (document.id, document.text)
    missing = Counter(entity.key for entity in document.entities) - Counter(entity.key for entity in back.entities)
    kinds = ("duplicate entity", "nested entity", "overlapping entity", "entity of another type with the same span")
    assert missing.total() == sum(lost[kind] for kind in kinds)
    assert {entity.key for entity in back.entities} <= {entity.key for entity in document.entities}
    for entity in back.entities:
        assert list(entity.pieces) == pieces_between_breaks(back.text, entity.start, entity.end)


almost_rows = st.lists(
    st.sampled_from(["糖 B-X\n", "糖 I-X\n", "-DOCSTART- O a\n", "\n", "糖\t_ O\n", "\\u000a O\n", " O\n", "E-"])
)


@untimed
@given(
    st.binary() | almost_rows.map(lambda rows: "".join(rows).encode()),
    st.sampled_from(["conlleval", "strict", "error"]),
)
def test_conll_reads_or_refuses_any_bytes(content: bytes, illegal: Any) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.conll")
        path.write_bytes(content)
        try:
            list(conll.FORMAT.read(path, illegal=illegal))
        except SuwenError as error:
            assert str(error).startswith(f"{error.code} {path}")  # noqa: PT017


def test_conll_reads_lines_that_end_with_carriage_returns(tmp_path: Path) -> None:
    (document,) = read_text(tmp_path, "口\tO\r胍\tB-Drug\r片\tI-Drug\r")
    assert [document.mention(entity) for entity in document.entities] == ["胍片"]
