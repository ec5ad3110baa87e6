"""Which documents to annotate next."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from sklearn.feature_extraction.text import TfidfVectorizer

from suwen import sample
from suwen.annotation.sampling import Budget, candidates_in, choose_documents, draw_documents
from suwen.annotation.similarity import BigramVectors
from suwen.bundled import SAMPLE
from suwen.cli import main
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus
from suwen.runs import Progress


def predicted(name: str, text: str, *found: tuple[str, float]) -> Document:
    return Document(name, text, tuple(Entity(label, i, i + 1, score=score) for i, (label, score) in enumerate(found)))


def chosen(pool: list[Document], annotated: Sequence[Document] = (), **budget: int) -> list[str]:
    found = choose_documents(pool, pool, annotated, Budget(**budget))
    return [choice.document.id for choice in found.choices]


def test_sampling_prefers_uncertain_entities_for_each_character() -> None:
    sure = predicted("sure", "甲乙丙丁", ("Drug", 1.0))
    unsure = predicted("unsure", "子丑寅卯", ("Drug", 0.5))
    long = predicted("long", "春夏秋冬东南西北上下", ("Drug", 0.5))
    assert chosen([sure, long, unsure], documents=3)[0] == "unsure"
    found = choose_documents([unsure], [unsure], [], Budget(documents=1))
    assert found.choices[0].uncertain == pytest.approx(0.5 / 4 * 100)


def test_sampling_prefers_rare_types_and_new_words() -> None:
    known = Document("k", "口服二甲双胍", (Entity("Drug", 2, 6),) * 9)
    common, rare = predicted("common", "甲乙丙丁", ("Drug", 0.5)), predicted("rare", "子丑寅卯", ("SideEff", 0.5))
    assert chosen([common, rare], [known], documents=1) == ["rare"]
    alike, new = predicted("alike", "口服二甲双胍。", ("Drug", 0.5)), predicted("new", "胰岛素注射治疗", ("Drug", 0.5))
    assert chosen([alike, new], [known], documents=2) == ["new", "alike"]


def test_sampling_keeps_to_its_budget() -> None:
    names = [(issue, i) for issue in (1, 2) for i in (1, 2, 3)]
    documents = [predicted(f"{issue}_{i}", f"第{issue}期{i}文" * 3, ("Drug", 0.5)) for issue, i in names]
    assert len(chosen(documents, documents=4)) == 4
    assert len(chosen(documents, characters=31)) == 2
    issues = [name[0] for name in chosen(documents, documents=6, per_group=1)]
    assert sorted(issues) == ["1", "2"]
    found = choose_documents(documents, documents, [], Budget(documents=6, per_group=1))
    assert found.left_out == {"documents of a group that has enough": 4}
    drawn = [draw_documents(documents, Budget(documents=3), seed).choices for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(draw_documents(documents, Budget(characters=31)).choices) == 2


@given(st.permutations(range(6)))
def test_sampling_does_not_depend_on_the_order_of_the_pool(order: list[int]) -> None:
    documents = [predicted(f"d{i}", f"文{i}本{i % 3}" * 4, ("Drug", i / 6)) for i in range(6)]
    assert chosen([documents[i] for i in order], documents=4) == chosen(documents, documents=4)


def test_sampling_leaves_out_what_is_annotated_empty_or_a_copy() -> None:
    pool = [Document("a", "甲"), Document("b", "乙"), Document("c", "乙"), Document("d", " \n")]
    kept, left_out = candidates_in(pool, [Document("x", "甲")])
    assert [document.id for document in kept] == ["b"]
    assert left_out == {"documents that are annotated already": 1, "copies of another document": 1, "empty texts": 1}
    with pytest.raises(SuwenError, match="S922"):
        candidates_in(pool[:1], [Document("x", "甲")])
    with pytest.raises(SuwenError, match="S923"):
        choose_documents(kept, [Document("b", "乙", (Entity("Drug", 0, 1),))], [], Budget(documents=1))
    with pytest.raises(SuwenError, match="S921"):
        Budget(per_group=1)


@given(st.lists(st.text("糖尿病口服药 ", max_size=12), min_size=1, max_size=5), st.text("糖尿病口服药", max_size=8))
def test_sampling_similarities_equal_those_of_scikit_learn(texts: list[str], other: str) -> None:
    plain = ["".join(text.split()) for text in texts]
    vectors = BigramVectors(texts)
    if all(len(text) < 2 for text in plain):
        assert not vectors.similarities(0).any()
        return
    bigrams = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), sublinear_tf=True, lowercase=False)
    matrix = bigrams.fit_transform(plain).toarray()
    for index in range(len(texts)):
        assert vectors.similarities(index) == pytest.approx(matrix @ matrix[index])
    assert vectors.similarities_to(other) == pytest.approx(matrix @ bigrams.transform([other]).toarray()[0])
    assert np.all(vectors.similarities(0) <= 1 + 1e-9)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["suwen", "corpus", "sample", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_sampling_as_a_user_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    for document in read_corpus(SAMPLE)[:6]:
        (pool / f"{document.id}.txt").write_bytes(document.text.encode())
    out = tmp_path / "next.jsonl"
    assert run(monkeypatch, pool, "-o", out, "--documents", 2, "--json") == 0
    values = json.loads(capsys.readouterr().out)
    documents = read_corpus(out)
    assert [one["document"] for one in values["choices"]] == [document.id for document in documents]
    assert values["characters"] == sum(len(document.text) for document in documents)
    assert documents[0].meta["sample"]["rank"] == 1
    told: list[Progress] = []
    found = sample(pool, documents=2, listener=told.append)
    assert [choice.document.id for choice in found.choices] == [document.id for document in documents]
    assert [(one.done, one.total) for one in told] == [(done, 6) for done in range(1, 7)]
    again = tmp_path / "again.jsonl"
    assert run(monkeypatch, pool, "-o", again, "--documents", 9, "--annotated", out, "--method", "random") == 0
    assert "left out: 2 documents that are annotated already" in capsys.readouterr().out
    drawn = read_corpus(again)
    assert len(drawn) == 4
    assert all(document.meta["sample"].keys() == {"rank", "document", "characters"} for document in drawn)
    none = ("-o", tmp_path / "none.jsonl", "--documents", 2, "--group-field", "issue")
    for options, code in (((), "S410"), (("--per-group", 1), "S305")):
        assert run(monkeypatch, pool, *none, *options) == 2
        assert capsys.readouterr().err.startswith(code)
    assert run(monkeypatch, pool, "-o", tmp_path / "none.jsonl") == 2
    assert capsys.readouterr().err.startswith("S921")
    assert run(monkeypatch, pool, "-o", tmp_path / "none.jsonl", "--characters", 1) == 1


def test_sampling_reports_why_a_pool_has_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = Workbook()
    for name in ("一", "二"):
        sheet = book.create_sheet(name)
        sheet.append(["主诉"])
        sheet.append([f"头晕{name}天"])
    book.save(tmp_path / "notes.xlsx")
    options = ("--text-column", "主诉", "--documents", 2, "--method", "random", "-o", tmp_path / "next.jsonl")
    assert run(monkeypatch, tmp_path / "notes.xlsx", *options) == 2
    assert capsys.readouterr().err.startswith("S223")
    assert run(monkeypatch, tmp_path / "notes.xlsx", *options, "--sheet", "二") == 0
    assert [document.text for document in read_corpus(tmp_path / "next.jsonl")] == ["头晕二天"]


def test_sampling_names_files_that_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "a.txt").write_text("口服二甲双胍", encoding="utf-8")
    (pool / "b.csv").write_text("id,text\n1,头晕\n", encoding="utf-8")
    found = sample(pool, documents=1, method="random")
    assert found.unread == {".csv": 1}
    out = tmp_path / "next.jsonl"
    assert run(monkeypatch, pool, "-o", out, "--documents", 1, "--method", "random", "--json") == 0
    told = capsys.readouterr()
    assert told.err.startswith("not read: 1 .csv\nname the column of the texts with --text-column")
    assert json.loads(told.out)["not_read"] == {".csv": 1}
