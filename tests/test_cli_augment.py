"""`suwen augment` as a user runs it."""

import json
import os
import subprocess
import sys

import pytest
from test_augmentation_corpus import corpus
from tiny_masked_lm import write_tiny_masked_lm
from typer.testing import CliRunner

from suwen.augmentation import generation, replay
from suwen.cli import app
from suwen.corpus.splitting import make_split
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus

SETTINGS = ["--segmenter", "none", "--set", "sampling.least_probability=0", "--set", "report.perplexity=2"]


@pytest.fixture
def paths(tmp_path):
    write_tiny_masked_lm(tmp_path / "encoder")
    write_corpus(corpus(), tmp_path / "corpus", "brat")
    make_split(read_corpus(tmp_path / "corpus"), "group", (3.0, 1.0, 1.0)).write(tmp_path / "split.json")
    return tmp_path


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["augment", *map(str, arguments)])


def test_augment_writes_a_corpus_that_can_be_trained_on(paths) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    command = [sys.executable, "-m", "suwen", "augment", paths / "corpus", "-o", paths / "all"]
    command += ["--encoder", paths / "encoder", "--split", paths / "split.json", "--combine", *SETTINGS]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    for expected in (
        "2 generated of 2",
        "mlm: replaced",
        "pseudo-perplexity",
        "characters changed",
        "all.augmentation",
    ):
        assert expected in done.stdout
    assert len(read_corpus(paths / "all")) == 7
    options = ["--split", paths / "all.augmentation" / "split.json", "--encoder", "dictionary"]
    trained = CliRunner().invoke(app, ["train", str(paths / "all"), "-o", str(paths / "model"), *map(str, options)])
    assert trained.exit_code == 0, trained.exception


def test_augment_prints_its_manifest(paths) -> None:
    result = invoke(paths / "corpus", "-o", paths / "more.jsonl", "--method", "mention", "--rate", "1", "--json")
    assert result.exit_code == 0, result.exception
    manifest = json.loads(result.stdout)
    assert manifest["configuration"]["mention"]["rate"] == 1
    assert manifest["documents"]["generated"] == 5
    log = paths / "more.jsonl.augmentation" / "edits.jsonl"
    assert replay(log, read_corpus(paths / "corpus")) == read_corpus(paths / "more.jsonl")


def test_augment_names_what_failed_and_exits_with_1(paths, monkeypatch) -> None:
    def fails(text: str) -> list[str]:
        if "140" in text:
            raise SuwenError("S408", name="none", start=text[:4])
        return list(text)

    monkeypatch.setattr(generation, "segmenter_named", lambda name: fails)
    result = invoke(paths / "corpus", "-o", paths / "more", "--encoder", paths / "encoder", *SETTINGS)
    assert result.exit_code == 1
    assert "140_1.mlm-1: kept as it was: S408" in result.stderr
    assert "1 failed and kept as they were" in " ".join(result.stdout.split())
    kept = {one.id: one for one in read_corpus(paths / "more")}["140_1.mlm-1"]
    assert kept.text == {one.id: one for one in corpus()}["140_1"].text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--part", "test", "--split", "split.json", "--segmenter", "none"],
            "S311 only the part 'train' can be",
        ),
        (["--part", "dev", "--segmenter", "none"], "S311"),
        (["--encoder", "nowhere", "--segmenter", "none"], "S506"),
        (["--method", "synonym"], "S402.*--synonyms"),
        (["--method", "synonym", "--synonyms", "nowhere.txt", "--segmenter", "none"], "S101.*nowhere.txt"),
        (["--method", "mention", "--protect", "nowhere.txt"], "S101.*nowhere.txt"),
        (["--method", "mention", "--check", "nowhere"], "S101|S501"),
        (["--set", "sampling.topk=3"], "S401.*sampling.top_k"),
        (["--copies", "2", "--set", "target.documents=5"], "S402.*target"),
        (["--resume", "--method", "mention"], "S507"),
        (["--method", "mention", "--schema", "nowhere.toml"], "S101"),
    ],
)
def test_augment_refuses_impossible_values(paths, monkeypatch, arguments, expected) -> None:
    monkeypatch.chdir(paths)
    result = invoke("corpus", "-o", "new/more.jsonl", *arguments)
    assert isinstance(result.exception, SuwenError), result.output
    assert result.exception.code == expected[:4]
    result.exception.args[0].index(expected.partition(".*")[2].partition("|")[0] or expected[:4])
    assert not (paths / "new").exists()


@pytest.mark.parametrize("name", ["thulac", "jieba"])
def test_augment_reports_how_to_install_a_segmenter(paths, monkeypatch, name) -> None:
    from suwen.text import words

    words.segmenter_named.cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    result = invoke(paths / "corpus", "-o", paths / "more", "--encoder", paths / "encoder", "--segmenter", name)
    assert str(result.exception) == f"S405 not installed: {name}; pip install 'suwen[augment]'"
    assert not list(paths.glob("more*"))
    words.segmenter_named.cache_clear()


def test_augment_takes_the_format_of_the_ending_or_the_corpus(paths) -> None:
    for output in ("a.jsonl.gz", "a.conll", "a"):
        assert invoke(paths / "corpus", "-o", paths / output, "--method", "mention").exit_code == 0
    assert (paths / "a" / "138_5.mention-1.ann").is_file()
    assert len(read_corpus(paths / "a.conll")) == len(read_corpus(paths / "a.jsonl.gz")) == 5
