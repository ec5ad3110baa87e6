"""Augmentation by mentions or synonyms runs where torch is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suwen.document import Document, Entity
from suwen.formats import read_corpus, write_corpus

WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "accelerate", "safetensors"):
    sys.modules[name] = None
"""
COMMAND = f"{WITHOUT_TORCH}\nfrom suwen.cli import main\nmain()"
CALL = f"""{WITHOUT_TORCH}
from suwen.augmentation import augment
from suwen.formats import read_corpus
settings = {{"synonym.lexicon": ["synonyms.txt"], "words.segmenter": "none"}} if sys.argv[1] == "synonym" else None
print(*[one.text for one in augment(read_corpus("corpus.jsonl"), sys.argv[1], rate=1.0, settings=settings).documents])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = [
        Document("1", "口服二甲双胍治疗。", (Entity("Drug", 2, 6),)),
        Document("2", "口服阿卡波糖治疗。", (Entity("Drug", 2, 6),)),
    ]
    write_corpus(documents, tmp_path / "corpus.jsonl", "jsonl")
    (tmp_path / "synonyms.txt").write_text("服 用\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("method", "options", "text"),
    [
        ("mention", ["--workers", "2"], "口服阿卡波糖治疗。"),
        ("synonym", ["--synonyms", "synonyms.txt", "--segmenter", "none"], "口用二甲双胍治疗。"),
    ],
)
def test_augmentation_of_these_methods_needs_no_torch(folder: Path, method: str, options: list[str], text: str) -> None:
    arguments = ["augment", "corpus.jsonl", "-o", "more.jsonl", "--method", method, "--rate", "1", *options]
    done = run(folder, COMMAND, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"]["generated"] == 2
    assert read_corpus(folder / "more.jsonl")[0].text == text
    called = run(folder, CALL, method)
    assert called.returncode == 0, called.stderr
    assert called.stdout.split()[0] == text


@pytest.mark.parametrize("options", [["--method", "mlm"], ["--method", "mention", "--encoder", "bundled"]])
def test_augmentation_by_a_masked_language_model_names_missing_packages(folder: Path, options: list[str]) -> None:
    done = run(folder, COMMAND, "augment", "corpus.jsonl", "-o", "more.jsonl", "--segmenter", "none", *options)
    assert done.returncode == 2
    assert done.stderr == "S405 not installed: torch, transformers, safetensors; pip install 'suwen[train]'\n"
    assert not (folder / "more.jsonl").exists()
