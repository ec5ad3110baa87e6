"""Learning from trained taggers: the loss, the teachers' targets, and runs as a user makes them."""

import json
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_crf import random_batch, random_crf
from test_training import (
    DISEASES,
    DRUGS,
    TINY,
    InterruptError,
    assert_same_weights,
    config,
    corpus,
    few_are_enough,  # noqa: F401 (a fixture)
    interrupting,
)
from tiny_tagger import write_tiny_tagger

from suwen.cli import main
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.loading import load
from suwen.models.tagger import Tagger
from suwen.runs import Progress, silent
from suwen.schema import Schema
from suwen.schemes import BIO, BIOES
from suwen.training.build import build, encode
from suwen.training.data import select_data
from suwen.training.distillation import Distillation, Teacher, Teachers, teach
from suwen.training.taggers import train_tagger

TAGS = BIO.tags(("Disease", "Drug"))
LENGTHS = [7, 1, 4]


def counts_of(gold, lengths, size):
    """Unary and moves of one tag sequence each."""
    unary = torch.zeros(*gold.shape, size)
    moves = torch.zeros(len(gold), size, size)
    for i, length in enumerate(lengths):
        tags = gold[i, :length]
        unary[i, torch.arange(length), tags] = 1
        for before, after in pairwise(tags):
            moves[i, before, after] += 1
    return unary, moves


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 9), st.sampled_from([BIO, BIOES]))
def test_distillation_of_one_tag_sequence_is_the_negative_log_likelihood(lengths, seed, scheme) -> None:
    tags = scheme.tags(("Disease", "Drug"))
    crf = random_crf(tags, scheme, seed)
    emissions, gold, sizes = random_batch(crf, tags, scheme, lengths, seed)
    gradients = []
    for loss in (
        lambda scores: crf(scores, gold, sizes),
        lambda scores: crf.cross_entropy(scores, *counts_of(gold, lengths, len(tags)), sizes),
    ):
        scores = emissions.clone().requires_grad_()
        crf.zero_grad()
        losses = loss(scores)
        losses.sum().backward()
        gradients.append((losses.detach(), scores.grad, *(p.grad.clone() for p in crf.parameters())))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_distillation_is_least_where_the_student_is_the_teacher() -> None:
    teacher, student = random_crf(TAGS, BIO, 1), random_crf(TAGS, BIO, 1)
    emissions, _, sizes = random_batch(teacher, TAGS, BIO, LENGTHS)
    counts = teacher.expected_counts(emissions, sizes)
    scores = emissions.clone().requires_grad_()
    at_teacher = student.cross_entropy(scores, *counts, sizes)
    at_teacher.sum().backward()
    for gradient in (scores.grad, *(parameter.grad for parameter in student.parameters())):
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-5, rtol=0)
    elsewhere = student.cross_entropy(emissions + torch.randn(emissions.shape), *counts, sizes)
    assert (elsewhere > at_teacher).all()


def test_distillation_counts_are_those_of_all_paths() -> None:
    crf = random_crf(TAGS, BIO, 2)
    emissions, _, sizes = random_batch(crf, TAGS, BIO, LENGTHS)
    unary, moves = crf.expected_counts(emissions, sizes)
    torch.testing.assert_close(unary.sum(dim=2), (torch.arange(7) < sizes[:, None]).double())
    torch.testing.assert_close(moves.sum(dim=(1, 2)), (sizes - 1).double())
    scores = emissions.clone().requires_grad_()
    # The gradient of log Z is the expectation: log Z is the loss plus the score of whatever tags are called gold.
    gold = torch.zeros_like(unary[..., 0], dtype=torch.int64)
    (crf(scores, gold, sizes).sum() + scores[..., 0].mul(torch.arange(7) < sizes[:, None]).sum()).backward()
    torch.testing.assert_close(scores.grad, unary.float())


def test_distillation_without_a_crf_is_the_cross_entropy_of_each_position() -> None:
    torch.manual_seed(0)
    encoder = build(config(), select_data(corpus(4), None, "train", 0).train, Schema.of_labels(["Drug"])).tagger.encoder
    tagger = Tagger(encoder, "fc", TAGS, BIO, dropout=0.0).eval()
    ids = torch.randint(5, 20, (2, 6))
    batch = {
        "input_ids": ids,
        "bigram_ids": torch.zeros_like(ids),
        "attention_mask": torch.ones_like(ids),
        "core_start": torch.tensor([0, 0]),
        "core_length": torch.tensor([6, 6]),
    }
    gold = torch.randint(0, len(TAGS), (2, 6))
    unary, moves = counts_of(gold, [6, 6], len(TAGS))
    expected = tagger(**batch, tags=gold)["loss"]
    torch.testing.assert_close(tagger(**batch, unary=unary, moves=moves)["loss"], expected)


def student(documents):
    data = select_data(documents, None, "train", 0)
    start = build(config(), data.train, Schema.of_labels(data.labels))
    return data, start, encode(data.train, start)[0]


def teachers_of(tmp_path: Path, *labels: str, count: int = 2) -> list[Teacher]:
    made = []
    for i in range(count):
        path = tmp_path / f"teacher{i}"
        if not path.exists():
            write_tiny_tagger(path, labels=labels or ("Disease", "Drug"))
        made.append(Teacher(path.name, str(i), load(path), {}))
    return made


def test_distillation_targets_are_a_mixture_where_there_is_gold(tmp_path: Path) -> None:
    data, start, gold = student(corpus())
    teachers = teachers_of(tmp_path)
    found = {}
    for weight in (0.0, 0.25, 1.0):
        work = tmp_path / str(weight)
        work.mkdir()
        distillation = Distillation(teachers, corpus(30)[24:], weight)
        told: list[Progress] = []
        found[weight] = teach(
            Teachers(teachers, start),
            start,
            data.train,
            gold,
            distillation,
            work,
            told.append,
        )
        assert told[-1].done == told[-1].total == sum(one.core[1] - one.core[0] for one in found[weight])
    assert len(found[0.0]) > len(gold)
    for example, none, some, all_ in zip(gold, *found.values(), strict=False):
        assert example.core == none.core
        assert np.array_equal(example.inputs["input_ids"], none.inputs["input_ids"])
        assert np.array_equal(none.unary.argmax(1), example.tags)
        assert none.unary.max(1).min() == 1
        np.testing.assert_allclose(some.unary, 0.25 * all_.unary + 0.75 * none.unary, atol=2e-3)
        np.testing.assert_allclose(some.moves, 0.25 * all_.moves + 0.75 * none.moves, atol=2e-3)
    for none, all_ in list(zip(found[0.0], found[1.0], strict=True))[len(gold) :]:
        assert np.array_equal(none.unary, all_.unary)


def test_distillation_of_equal_teachers_is_that_of_one(tmp_path: Path) -> None:
    data, start, gold = student(corpus(12))
    teachers = teachers_of(tmp_path)
    found = []
    for chosen in (teachers[:1], teachers):
        work = tmp_path / str(len(chosen))
        work.mkdir()
        distillation = Distillation(chosen, [], 1.0)
        found.append(teach(Teachers(chosen, start), start, data.train, gold, distillation, work, lambda *_: None))
    for one, both in zip(*found, strict=True):
        np.testing.assert_allclose(one.unary, both.unary, atol=1e-3)


def test_distillation_from_folds_asks_those_that_have_not_seen_a_document(tmp_path: Path) -> None:
    data, start, gold = student(corpus(12))
    unlike = teachers_of(tmp_path, count=1)
    write_tiny_tagger(tmp_path / "other", text="糖尿病患者口服二甲双胍,每日三次。阿卡波糖,停用")
    unlike.append(Teacher("other", "1", load(tmp_path / "other"), {}))
    ids = [selection.document.id for selection in data.train]
    halves = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    folds = [
        replace(teacher, data={"fold": {"number": i, "count": 2, "documents": half}})
        for i, (teacher, half) in enumerate(zip(unlike, reversed(halves), strict=True), 1)
    ]
    assert all(teacher.may_score("annotated, but in no fold") for teacher in folds)
    texts = corpus(30)[24:]

    def scored(name: str, chosen: list[Teacher]):
        (tmp_path / name).mkdir()
        distillation = Distillation(chosen, texts, 1.0)
        teachers = Teachers(chosen, start, ids)
        return teach(teachers, start, data.train, gold, distillation, tmp_path / name, lambda *_: None)

    first, second, both, fold = (
        scored(name, chosen) for name, chosen in (("a", unlike[:1]), ("b", unlike[1:]), ("c", unlike), ("d", folds))
    )
    windows = [len(encode([selection], start)[0]) for selection in data.train]
    seen = sum(windows[: len(halves[0])])
    for i, found in enumerate(fold):
        expected = first if i < seen else second if i < sum(windows) else both
        np.testing.assert_allclose(found.unary, expected[i].unary, atol=2e-3)
    assert any(not np.allclose(one.unary, other.unary, atol=1e-2) for one, other in zip(first, second, strict=True))
    with pytest.raises(SuwenError, match=r"S406.*all teachers have seen"):
        Teachers(folds[:1], start, ids)


def test_distillation_refuses_teachers_of_other_types(tmp_path: Path) -> None:
    _, start, _ = student(corpus(12))
    with pytest.raises(SuwenError, match="Symptom") as error:
        Teachers(teachers_of(tmp_path, "Disease", "Symptom"), start)
    assert error.value.code == "S406"


def test_distillation_interrupted_and_resumed_equals_an_uninterrupted_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suwen.training.schedule.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr("suwen.training.distillation.CHUNK", 4)
    documents = corpus()
    data = select_data(documents, None, "train", 0)
    distillation = Distillation(teachers_of(tmp_path), corpus(30)[24:], 0.5)

    def run(output: Path, **options):
        settings = config("optimization.epochs=1", "distillation.weight=0.5")
        schema = Schema.of_labels(data.labels)
        return train_tagger(data, output, settings, schema, distillation=distillation, **options)

    run(tmp_path / "whole")
    scored: list[int] = []

    def stop(progress: Progress) -> None:
        scored.append(progress.done)
        if len(scored) == 3:
            raise InterruptError

    with pytest.raises(InterruptError):
        run(tmp_path / "cut", listener=stop)
    with pytest.raises(InterruptError):
        run(tmp_path / "cut", resume=True, callbacks=[interrupting(2)])
    work = tmp_path / "cut.training"
    assert json.loads((work / "targets.json").read_text())["windows"] > 4
    monkeypatch.setattr(Teachers, "score", None)
    run(tmp_path / "cut", resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "cut")


def taught(tmp_path: Path, work: Path, texts, listener=silent):
    data, start, gold = student(corpus(12))
    teachers = teachers_of(tmp_path, count=1)
    distillation = Distillation(teachers, texts, 0.5)
    return teach(Teachers(teachers, start), start, data.train, gold, distillation, work, listener)


def test_distillation_resumed_with_texts_in_another_order_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    texts = corpus(30)[24:]
    before = taught(tmp_path, tmp_path / "work", texts)
    for one, other in zip(before, taught(tmp_path, tmp_path / "work", texts), strict=True):
        assert np.array_equal(one.unary, other.unary)
        assert np.array_equal(one.moves, other.moves)
    with pytest.raises(SuwenError, match="order of the texts") as error:
        taught(tmp_path, tmp_path / "work", texts[::-1])
    assert error.value.code == "S508"


def test_distillation_resumed_with_damaged_targets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    taught(tmp_path, tmp_path / "work", [])
    with (tmp_path / "work" / "moves.float32").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(SuwenError, match=r"moves\.float32 is damaged") as error:
        taught(tmp_path, tmp_path / "work", [])
    assert error.value.code == "S507"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_distillation_says_that_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "unary.float16").symlink_to("/dev/full")
    with pytest.raises(SuwenError, match="No space left") as error:
        taught(tmp_path, tmp_path / "work", [])
    assert error.value.code == "S124"
    assert not (tmp_path / "work" / "targets.json").exists()


def test_distillation_does_not_depend_on_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for chunk in (512, 3):
        monkeypatch.setattr("suwen.training.distillation.CHUNK", chunk)
        work = tmp_path / str(chunk)
        work.mkdir()
        found.append(taught(tmp_path, work, corpus(30)[24:]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one.unary, other.unary, atol=1e-3)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    write_corpus(corpus(), tmp_path / "articles.jsonl", "jsonl")
    return tmp_path / "articles.jsonl"


@pytest.fixture
def suwen(monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["suwen", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0

    return run


def test_cli_train_learns_from_teachers_and_texts(tmp_path: Path, articles: Path, suwen) -> None:
    settings = [word for change in (*TINY, "optimization.epochs=1") for word in ("--set", change)]
    assert suwen("train", articles, "-o", tmp_path / "first", *settings) == 0
    (tmp_path / "texts").mkdir()
    for number, drug in enumerate(DRUGS[:4]):
        text = f"门诊随访{number}次，停用{drug}后{DISEASES[number]}复发，复查各项指标未见异常，嘱其按时服药。"
        (tmp_path / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
    options = ["--teacher", tmp_path / "first", "--texts", tmp_path / "texts"]
    assert suwen("train", articles, "-o", tmp_path / "second", *settings, *options) == 0
    manifest = json.loads((tmp_path / "second" / "manifest.json").read_text(encoding="utf-8"))
    assert [teacher["name"] for teacher in manifest["distillation"]["teachers"]] == ["first"]
    assert manifest["distillation"]["texts"]["documents"] == 4
    assert manifest["configuration"]["distillation"] == {"weight": 0.5}
    assert load(tmp_path / "second")("老年糖尿病患者口服二甲双胍治疗。").text


def test_cli_train_refuses_texts_that_are_held_out(tmp_path: Path, articles: Path, suwen, capsys) -> None:
    settings = [word for change in (*TINY, "optimization.epochs=1") for word in ("--set", change)]
    assert suwen("corpus", "split", articles, "-o", tmp_path / "split.json", "--unit", "document") == 0
    split = ["--split", tmp_path / "split.json"]
    assert suwen("train", articles, "-o", tmp_path / "first", *settings, *split) == 0
    held_out = json.loads((tmp_path / "split.json").read_text(encoding="utf-8"))["parts"]["test"][0][0]
    (copy,) = (document for document in corpus() if document.id == held_out)
    # The held-out text inside a longer one.
    (tmp_path / "texts.txt").write_text(f"{'别的文章' * 50}。{copy.text}另有说明。", encoding="utf-8")
    capsys.readouterr()
    options = ["--teacher", tmp_path / "first", "--texts", tmp_path / "texts.txt"]
    assert suwen("train", articles, "-o", tmp_path / "second", *settings, *split, *options) == 2
    printed = capsys.readouterr().err
    assert "S314" in printed
    assert "'texts'" in printed
    # Without a split, what is set aside for evaluation is held out.
    (tmp_path / "texts.txt").write_text("".join(document.text for document in corpus()), encoding="utf-8")
    assert suwen("train", articles, "-o", tmp_path / "second", *settings, *options) == 2
    assert "S314" in capsys.readouterr().err
    assert not (tmp_path / "second.training").exists()


def test_cli_train_refuses_a_teacher_that_knows_what_is_held_out(tmp_path: Path, articles: Path, suwen, capsys) -> None:
    settings = [word for change in (*TINY, "optimization.epochs=1") for word in ("--set", change)]
    for seed in (0, 1):
        path = tmp_path / f"{seed}.json"
        assert suwen("corpus", "split", articles, "-o", path, "--unit", "document", "--seed", seed) == 0
    assert suwen("train", articles, "-o", tmp_path / "first", *settings, "--split", tmp_path / "0.json") == 0
    options = ["--split", tmp_path / "1.json", "--teacher", tmp_path / "first"]
    assert suwen("train", articles, "-o", tmp_path / "second", *settings, *options) == 2
    assert "S315" in capsys.readouterr().err


def test_cli_train_refuses_teachers_and_texts_that_come_twice_or_are_empty(
    tmp_path: Path, articles: Path, suwen, capsys
) -> None:
    settings = [word for change in (*TINY, "optimization.epochs=1") for word in ("--set", change)]
    assert suwen("train", articles, "-o", tmp_path / "first", *settings) == 0
    (tmp_path / "a.txt").write_text("患者口服阿卡波糖。", encoding="utf-8")
    (tmp_path / "b.txt").write_text("患者口服阿卡波糖。", encoding="utf-8")
    (tmp_path / "c.txt").write_text("\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "d.txt").write_text("\n", encoding="utf-8")
    teacher = ["--teacher", tmp_path / "first"]
    for message, options in (
        ("S406", teacher),
        ("S406", ["--texts", tmp_path / "a.txt", "--texts", tmp_path / "b.txt"]),
        ("c.txt: the file is empty", ["--texts", tmp_path / "c.txt"]),
        ("d.txt: the file is empty", ["--texts", tmp_path / "folder"]),
    ):
        capsys.readouterr()
        assert suwen("train", articles, "-o", tmp_path / "m", *settings, *teacher, *options) == 2
        assert message in capsys.readouterr().err


def test_cli_train_refuses_what_only_teachers_use(tmp_path: Path, articles: Path, suwen, capsys) -> None:
    assert suwen("train", articles, "-o", tmp_path / "m", "--texts", articles) == 2
    assert suwen("train", articles, "-o", tmp_path / "m", "--encoder", "dictionary", "--texts", articles) == 2
    assert "--encoder dictionary" in capsys.readouterr().err
    assert suwen("train", articles, "-o", tmp_path / "m", "--set", "distillation.weight=0.3") == 2
    assert "S406" in capsys.readouterr().err


def test_cli_train_refuses_a_teacher_that_is_no_tagger(tmp_path: Path, articles: Path, suwen, capsys) -> None:
    assert suwen("train", articles, "-o", tmp_path / "words", "--encoder", "dictionary") == 0
    assert suwen("train", articles, "-o", tmp_path / "m", "--teacher", tmp_path / "words") == 2
    assert "S406" in capsys.readouterr().err
    assert not (tmp_path / "m.training").exists()
