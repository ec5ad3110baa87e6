from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import suwen.loading
from suwen.cli import app
from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus
from suwen.inference.overrides import OverriddenExtractor, Overrides, read_overrides, read_terms
from suwen.inference.predictor import Extractor
from suwen.schema import Schema

TEXT = "口服盐酸二甲双胍片,停用二甲双\n胍;DM患者查ADMA。"


def overrides(always: dict[str, str] | None = None, never: dict[str, str] | None = None) -> Overrides:
    return Overrides(
        {term: frozenset({label}) for term, label in (always or {}).items()},
        {term: frozenset({label}) for term, label in (never or {}).items()},
    )


def mentions(document: Document) -> list[tuple[str, str]]:
    return [(entity.label, document.mention(entity)) for entity in document.entities]


class Fixed(Extractor):
    """Finds what it was told."""

    def __init__(self, *entities: Entity) -> None:
        self.entities = entities

    @property
    def schema(self) -> Schema:
        return Schema.of_labels(["Drug"])

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        for selection in list(chain.from_iterable(groups)):
            yield dataclasses.replace(selection.document, entities=self.entities)


def test_overrides_add_terms_across_wrapped_lines() -> None:
    document = overrides({"二甲双胍": "Drug", "dm": "Disease"}).apply(Document("a", TEXT))
    assert mentions(document) == [("Drug", "二甲双胍"), ("Drug", "二甲双胍"), ("Disease", "DM")]
    assert document.entities[1].fragments == ((12, 15), (16, 17))
    assert [(entity.id, entity.score) for entity in document.entities] == [("T1", 1.0), ("T2", 1.0), ("T3", 1.0)]
    assert document.meta["overrides"] == {"added": 3, "removed": 0}


def test_overrides_take_the_place_of_what_was_found() -> None:
    found = (
        Entity("Drug", 2, 9, score=0.5),
        Entity("Test", 12, 15, id="T9"),
        Entity("Drug", 12, 17, ((12, 15), (16, 17))),
    )
    terms = overrides({"二甲双胍": "Drug"})
    # A longer mention of the same type stays; the same one has the list's confidence.
    assert terms.apply(Document("a", TEXT, found[:1])).entities[0] == Entity("Drug", 2, 9, (), "T1", 0.5)
    same = terms.apply(Document("a", TEXT, (found[0], found[2])))
    assert [(entity.fragments, entity.score) for entity in same.entities] == [((), 0.5), (found[2].fragments, 1.0)]
    replaced = terms.apply(Document("a", TEXT, found[:2]))
    assert mentions(replaced) == [("Drug", "盐酸二甲双胍片"), ("Drug", "二甲双胍")]
    assert replaced.meta["overrides"] == {"added": 1, "removed": 1}


def test_overrides_drop_whole_mentions_alone() -> None:
    found = (Entity("Drug", 2, 9), Entity("Disease", 18, 20), Entity("Test", 23, 27))
    document = Document("a", TEXT, found)
    assert mentions(overrides(never={"dm": "*", "二甲双胍": "*"}).apply(document)) == [
        ("Drug", "盐酸二甲双胍片"),
        ("Test", "ADMA"),
    ]
    assert mentions(overrides(never={"adma": "Drug"}).apply(document)) == mentions(document)
    assert overrides(never={"adma": "Drug"}).apply(document) is document
    assert mentions(overrides(never={"adma": "Test"}).apply(document)) == mentions(document)[:2]


def test_overrides_look_only_where_they_are_asked() -> None:
    document = overrides({"二甲双胍": "Drug"}).apply(Document("a", TEXT), owned=[(10, 20)])
    assert [entity.start for entity in document.entities] == [12]


def test_overrides_wrap_a_model() -> None:
    ner = OverriddenExtractor(Fixed(Entity("Drug", 2, 9)), overrides({"患者": "Person"}, {"盐酸二甲双胍片": "*"}))
    assert mentions(ner(TEXT)) == [("Person", "患者")]
    assert [kind.name for kind in ner.schema.entities] == ["Drug", "Person"]
    assert [document.id for document in ner.pipe([Document(name, TEXT) for name in "abc"])] == ["a", "b", "c"]
    assert OverriddenExtractor(Fixed(), overrides({"胍": "Drug"})).schema == Fixed().schema


def test_overrides_read_lists_in_both_forms(tmp_path: Path) -> None:
    (tmp_path / "always.tsv").write_text("\ufeff# 药品\n二甲双胍\tDrug\r\n\n DM \tDisease\n", "utf-8")
    (tmp_path / "never.txt").write_text("患者\nADMA\tTest\nadma\tDrug\n", "utf-8")
    (tmp_path / "both.toml").write_text('Drug = ["二甲双胍"]\n"*" = ["患者"]\n', "utf-8")
    assert read_terms(tmp_path / "always.tsv") == {"二甲双胍": {"Drug"}, "dm": {"Disease"}}
    assert read_terms(tmp_path / "never.txt") == {"患者": {"*"}, "adma": {"Test", "Drug"}}
    assert read_terms(tmp_path / "both.toml") == {"二甲双胍": {"Drug"}, "患者": {"*"}}
    read = read_overrides(tmp_path / "always.tsv", tmp_path / "never.txt")
    assert read is not None
    assert read.labels == ("Disease", "Drug")
    assert read_overrides() is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "糖\tDrug\n糖\tTest\n", "'糖' has several types: Drug, Test"),
        ("a.tsv", "糖\n", "'糖' has no type, which --always needs"),
        ("a.tsv", "糖\tDrug\tx\n", "a.tsv:1: not a term list"),
        ("a.tsv", "\tDrug\n", "a.tsv:1: not a term list"),
        ("a.tsv", "# nothing\n", "it holds no term"),
        ("a.toml", "Drug = '糖'", "'Drug' is not a list of terms"),
        ("a.toml", "Drug = [", "S403"),
        ("a.tsv", "%PDF-1.7", "S117"),
    ],
)
def test_overrides_report_errors_in_a_list(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(SuwenError) as caught:
        read_overrides(tmp_path / name)
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "维生素B1;Drug\n患者;Anatomy\n"),
        ("a.csv", "sep=|\n维生素B1|Drug\n患者|Anatomy\n"),
        ("a.CSV", '"维生素B1","Drug",,\n,,,\n患者,Anatomy\n'),
        ("a.tsv", '"维生素B1"\tDrug\t\t\n\t\t\n患者\tAnatomy\n'),
    ],
)
def test_overrides_read_lists_of_spreadsheets(tmp_path: Path, name: str, content: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / name).write_bytes(content.replace("\n", "\r\n").encode(encoding))
        assert read_terms(tmp_path / name) == {"维生素b1": {"Drug"}, "患者": {"Anatomy"}}


def test_overrides_name_the_line_of_a_wrong_quote(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('患者,Anatomy\n"消渴\n丸",Drug\n', encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S411 .*a\.csv:2"):
        read_terms(tmp_path / "a.csv")
    (tmp_path / "a.tsv").write_text('5"管\tTest\n"消渴\tDrug\n', encoding="utf-8")
    assert read_terms(tmp_path / "a.tsv") == {'5"管': {"Test"}, '"消渴': {"Drug"}}


def test_overrides_give_no_advice_that_is_for_articles(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes("胍\tDrug\n".encode("gb18030"))
    with pytest.raises(SuwenError, match=r"S411 .*a.tsv: .*convert it to UTF-8") as caught:
        read_overrides(tmp_path / "a.tsv")
    assert "--encoding" not in str(caught.value)


def test_overrides_refuse_lists_that_contradict() -> None:
    for label in ("*", "Drug"):
        with pytest.raises(SuwenError, match=r"S411.*'糖' is always an entity, and never"):
            overrides({"糖": "Drug"}, {"糖": label})
    assert overrides({"糖": "Drug"}, {"糖": "Test"})


@given(
    st.text("甲乙丙A1\n,", max_size=30),
    st.dictionaries(st.text("甲乙A1", min_size=1, max_size=3), st.sampled_from(["X", "Y"]), max_size=4),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4), st.sampled_from("XYZ")), max_size=5),
)
def test_overrides_leave_no_overlap_of_their_own(
    text: str, always: dict[str, str], found: list[tuple[int, int, str]]
) -> None:
    end, entities = 0, []
    for start, length, label in sorted(found):
        if end <= start and start + length <= len(text):
            entities.append(Entity(label, start, start + length))
            end = start + length
    always = {term.lower(): label for term, label in always.items()}
    document = overrides(always).apply(Document("a", text, tuple(entities)))
    spans = [(entity.start, entity.end) for entity in document.entities]
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    counts = document.meta.get("overrides", {"added": 0, "removed": 0})
    assert len(spans) == len(entities) + counts["added"] - counts["removed"]
    assert overrides(always).apply(document).entities == document.entities


def test_overrides_are_options_of_extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suwen.loading, "load", lambda *_, **__: Fixed(Entity("Drug", 2, 9, (), "T1", 0.5)))
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "always.tsv").write_text("患者\tPerson\n")
    (tmp_path / "never.tsv").write_text("盐酸二甲双胍片\n")
    lists = ["--always", tmp_path / "always.tsv", "--never", tmp_path / "never.tsv"]
    arguments = ["extract", tmp_path / "a.txt", "-o", tmp_path / "out.jsonl", "--model", "m", "--json", *lists]
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert "overrides: 1 entity added, 1 removed" in result.stderr
    assert json.loads(result.stdout)["added"] == 1
    (document,) = read_corpus(tmp_path / "out.jsonl")
    assert mentions(document) == [("Person", "患者")]


def test_overrides_add_a_term_whose_longer_mention_another_term_removes() -> None:
    document = Document("a", "1A", (Entity("Y", 0, 2),))
    changed = overrides({"1": "Y", "a": "X"}).apply(document)
    assert [(entity.label, entity.start, entity.end) for entity in changed.entities] == [("Y", 0, 1), ("X", 1, 2)]
