"""Runs: from corpus to corpus, killed and resumed, with log, report, manifest and split."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from augmented_documents import document
from tiny_masked_lm import write_tiny_masked_lm

from suwen.augmentation import corpus as run
from suwen.augmentation import replay, workers
from suwen.augmentation.config import load_augmentation_config
from suwen.augmentation.corpus import augment_corpus, record_folder, select_train
from suwen.augmentation.edits import META
from suwen.corpus.split import Split, corpus_hash
from suwen.corpus.splitting import make_split
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus

SETTINGS = ["words.segmenter=none", "sampling.least_probability=0", "near_copies=0", "report.perplexity=3"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_tiny_masked_lm(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture
def config(encoder):
    return load_augmentation_config(options={"encoder": str(encoder)}, settings=SETTINGS)


def corpus() -> list[Document]:
    drugs = ["二甲双胍", "阿卡波糖", "格列美脲", "利拉鲁肽"]
    texts = [f"{139 + number}例老年患者口服{drug}治疗,观察血糖下降情况。" for number, drug in enumerate(drugs)]
    return [document(), *(Document(f"{text[:3]}_1", text, (Entity("Drug", 10, 14),)) for text in texts)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_run_writes_documents_log_report_and_manifest(tmp_path, config) -> None:
    steps = []
    result = augment_corpus(
        corpus(), tmp_path / "more.jsonl", config, listener=lambda step: steps.append((step.done, step.total))
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more.jsonl", "more.jsonl.augmentation"]
    record = record_folder(tmp_path / "more.jsonl")
    assert sorted(contents(record)) == ["edits.jsonl", "manifest.json", "report.html"]
    written = read_corpus(tmp_path / "more.jsonl")
    assert written == result.augmentation.documents == replay(record / "edits.jsonl", corpus())
    assert [one.id for one in written] == [f"{source.id}.mlm-1" for source in corpus()]
    assert written[0].meta[META] == {"source": "138_5", "copy": 1, "method": "mlm"}
    assert steps == [(done, 5) for done in range(6)]
    manifest = json.loads((record / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["documents"] == {"originals": 5, "generated": 5, "failed": 0, "near_copies_removed": 0}
    assert manifest["perplexity"]["sentences"] == 3
    assert 0 < manifest["rates"]["characters"] < manifest["rates"]["sentences"] <= 1
    assert sum(row[2] for row in manifest["substitutions"]) == manifest["counts"]["mlm: replaced"]
    assert manifest["data"] == {"hash": corpus_hash(corpus()), "split": None}


def killed(output: Path, config, late: bool) -> None:
    """Run in another process that dies after two documents, or when all are done and the report is written."""
    child = os.fork()
    if not child:
        # What was forked must not wait for the threads of its parent.
        torch.set_num_threads(1)

        def die(*_) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if late:
            run.write_report = die
        augment_corpus(corpus(), output, config, listener=lambda step: die() if step.done == 2 and not late else None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("late", [False, True])
def test_run_that_was_killed_gives_the_same_when_it_is_resumed(tmp_path, config, late) -> None:
    whole_run = augment_corpus(corpus(), tmp_path / "whole" / "more.jsonl", config)
    output = tmp_path / "killed" / "more.jsonl"
    killed(output, config, late)
    work = output.with_name("more.jsonl.unfinished")
    lines = (work / "done.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == (5 if late else 2)
    # What a kill in the middle of a line leaves.
    (work / "done.jsonl").write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    with pytest.raises(SuwenError, match="S511"):
        augment_corpus(corpus(), output, config)
    with pytest.raises(SuwenError, match=r"S508 .*configuration \(seed\)"):
        augment_corpus(corpus(), output, config.model_copy(update={"seed": 1}), resume=True)
    with pytest.raises(SuwenError, match=r"S508 .*data"):
        augment_corpus(corpus()[1:], output, config, resume=True)
    resumed = augment_corpus(corpus(), output, config, resume=True)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert resumed.manifest == whole_run.manifest
    with pytest.raises(SuwenError, match="S507"):
        augment_corpus(corpus(), output, config, resume=True)


def test_run_continues_after_a_worker_was_killed(tmp_path, config, monkeypatch) -> None:
    output = tmp_path / "killed" / "more.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(run.Generator, "__call__", lambda *_: os._exit(9))
        with pytest.raises(SuwenError, match=r"S518 .*--resume"):
            augment_corpus(corpus(), output, config, workers=2)
    augment_corpus(corpus(), output, config, resume=True)
    augment_corpus(corpus(), tmp_path / "whole" / "more.jsonl", config)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_run_gives_the_same_in_several_processes(tmp_path, config, monkeypatch) -> None:
    monkeypatch.setattr(workers, "CHARACTERS", 40)
    for number in (1, 2):
        augment_corpus(corpus(), tmp_path / str(number) / "more.jsonl", config, workers=number)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    with pytest.raises(SuwenError, match="S406 --workers 2"):
        augment_corpus(corpus(), tmp_path / "more.jsonl", config, workers=2, device="cuda")


def test_run_killed_between_its_last_two_steps_can_be_resumed(tmp_path, config, monkeypatch) -> None:
    output = tmp_path / "more"
    with monkeypatch.context() as patch:
        patch.setattr(run.shutil, "rmtree", interrupt_at(output.with_name("more.unfinished"), run.shutil.rmtree))
        with pytest.raises(KeyboardInterrupt):
            augment_corpus(corpus(), output, config, format="brat")
    before = contents(output)
    augment_corpus(corpus(), output, config, format="brat", resume=True)
    assert contents(output) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more", "more.augmentation"]


def interrupt_at(folder, remove):
    def interrupted(path, **options):
        if Path(path) == folder:
            raise KeyboardInterrupt
        remove(path, **options)

    return interrupted


def test_run_with_a_split_augments_its_train_part_alone(tmp_path, config) -> None:
    split = make_split(corpus(), "group", (3.0, 1.0, 1.0))
    result = augment_corpus(corpus(), tmp_path / "all", config, split, "brat", combine=True)
    record = record_folder(tmp_path / "all")
    documents = read_corpus(tmp_path / "all")
    train = {name for name, _, _ in split.parts["train"]}
    made = {f"{name}.mlm-1" for name in train}
    assert {one.id for one in documents} == {one.id for one in corpus()} | made
    assert {recipe.source for recipe in result.augmentation.recipes} == train
    combined = Split.read(record / "split.json")
    for part in ("dev", "test"):
        assert [one.document.id for one in combined.select(documents, part)] == [
            one.document.id for one in split.select(corpus(), part)
        ]
    assert {one.document.id for one in combined.select(documents, "train")} == train | made
    assert result.not_held == {"group": 2, "page": 4, "meta": 2}
    assert replay(record / "edits.jsonl", read_corpus(tmp_path / "all"))


def test_run_by_sentences_takes_nothing_of_the_other_parts(tmp_path, config) -> None:
    split = make_split([document()], "sentence", (1.0, 0.5, 0.5))
    result = augment_corpus([document()], tmp_path / "more.jsonl", config, split)
    (generated,) = result.augmentation.documents
    owned = sum(end - start for _, start, end in split.parts["train"])
    assert len(generated.text.replace("\n\n", "")) <= owned
    assert len(generated.text) < len(document().text)
    assert replay(record_folder(tmp_path / "more.jsonl") / "edits.jsonl", [document()]) == [generated]


@pytest.mark.parametrize("part", ["dev", "test", "Train"])
def test_run_refuses_other_parts(part) -> None:
    with pytest.raises(SuwenError, match=f"S311 only the part 'train' can be augmented, not '{part}'"):
        select_train(corpus(), None, part)


def test_run_that_cannot_end_leaves_nothing(tmp_path, config) -> None:
    with pytest.raises(SuwenError, match="S309"):
        augment_corpus([Document("a", "。")], tmp_path / "more.jsonl", config)
    with pytest.raises(SuwenError, match=r"S110 .*138_5.mlm-1"):
        augment_corpus([*corpus(), replace(document(), id="138_5.mlm-1")], tmp_path / "more.jsonl", config)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "more.jsonl").touch()
    with pytest.raises(SuwenError, match="S104"):
        augment_corpus(corpus(), tmp_path / "more.jsonl", config)


def test_run_without_a_model_counts_and_reports(tmp_path) -> None:
    config = load_augmentation_config(options={"method": "mention"}, settings=["near_copies=0"])
    result = augment_corpus(corpus(), tmp_path / "more.conll", config, format="conll")
    assert result.figures.perplexity is None
    assert result.not_held["relation"] == 1
    assert read_corpus(tmp_path / "more.conll")[1].mention(read_corpus(tmp_path / "more.conll")[1].entities[0])


def test_report_shows_sentences_side_by_side(tmp_path, config) -> None:
    odd = Document("<b>", "老年<script>alert(1)</script>患者口服二甲双胍治疗。", (Entity("Drug", 31, 35),))
    augment_corpus([odd, *corpus()], tmp_path / "more.jsonl", config)
    page = (record_folder(tmp_path / "more.jsonl") / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<del title=") == page.count("<ins title=") > 3
    assert "p = 0." in page
    for expected in ("伪困惑度", "字改动率", "最常见的替换", "138_5.mlm-1", "<mark class="):
        assert expected in page


def test_run_keeps_all_that_a_brat_file_says(tmp_path, config) -> None:
    folder = tmp_path / "corpus"
    write_corpus([document()], folder, "brat")
    with (folder / "138_5.ann").open("a", encoding="utf-8") as file:
        file.write("E1\tGiven:T2\n*\tEquiv T3 T4\nT9\tDrug 62 66\t口服阿卡\n")
    (source,) = read_corpus(folder)
    longer = config.model_copy(update={"method": "mention"})
    for settings in (config, longer):
        output = tmp_path / settings.method
        (made,) = augment_corpus([source], output, settings, format="brat").augmentation.documents
        (back,) = read_corpus(output)
        assert (back.text, back.entities, back.relations) == (made.text, made.entities, made.relations)
        assert (back.attributes, back.notes) == (source.attributes, source.notes)
        lines = (output / f"{made.id}.ann").read_text(encoding="utf-8").splitlines()
        assert {"E1\tGiven:T2", "*\tEquiv T3 T4"} <= set(lines)
