"""The fenced blocks of the pages for users, and the files that their commands speak of."""

from __future__ import annotations

import lzma
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from pdf_files import pdf_of

import suwen
from suwen import Document
from suwen.bundled import SAMPLE, bundled_encoder, model_path
from suwen.cli.demo import prepare

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
"""Blocks of lists are indented."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    content: str


def blocks(path: Path) -> list[Block]:
    text = path.read_text("utf-8")
    page = path.relative_to(ROOT).as_posix()
    return [Block(page, text.count("\n", 0, m.start()) + 1, m[2], m[3]) for m in FENCE.finditer(text)]


def lines(block: Block) -> Iterator[str]:
    """The commands of a shell block, without remarks."""
    for line in block.content.replace("\\\n", " ").splitlines():
        if command := re.sub(r"(^|\s+)# .*$", "", line.strip()):
            yield command


def make_world(folder: Path) -> dict[str, Any]:
    """Write whatever the pages take for granted: articles, corpora, models, lists and tables.

    Returns the variables that the Python blocks take for granted.
    """
    import pandas as pd

    documents = suwen.read_corpus(SAMPLE)
    corpus = documents[:18]
    prepare(folder / "demo-output")
    split = suwen.split(documents, unit="group")
    split.write(folder / "demo-output/split.json")
    suwen.write_corpus(corpus, folder / "corpus", "brat")
    suwen.split(corpus, unit="group").write(folder / "split.json")
    for name in ("corpus.jsonl", "a.jsonl"):
        suwen.write_corpus(corpus, folder / name, "jsonl")
    suwen.write_corpus([replace(document, relations=()) for document in corpus], folder / "b.jsonl", "jsonl")
    for name in ("anna.json", "bo.json"):
        suwen.write_corpus(corpus[:6], folder / name, "label_studio")
    others = documents[18:24]
    suwen.write_corpus(others, folder / "gold.jsonl", "jsonl")
    for name in ("articles", "library", "notes", "my-articles"):
        (folder / name).mkdir()
        for document in others:
            (folder / name / f"{document.id}.txt").write_bytes(document.text.encode())
    write_lists(folder, corpus)
    shutil.copytree(bundled_encoder("bundled"), folder / "encoder")
    for name in ("model", "demo-output/model"):
        shutil.copytree(model_path(None), folder / name)
    frame = pd.DataFrame({"编号": ["1"], "主诉": ["口服二甲双胍0.5g"]})
    return {"documents": corpus, "split": suwen.split(corpus, unit="group"), "frame": frame}


def write_lists(folder: Path, corpus: list[Document]) -> None:
    texts = {
        "notes.csv": "编号,主诉\n1,口服二甲双胍0.5g\n2,血糖升高三年\n",
        "articles.csv": "id,title,year\n204_1,某研究,1987\n",
        "icd10.tsv": "E11.9\t2型糖尿病\n",
        "own.tsv": "二甲双胍\t格华止\tDrug\n",
        "always.tsv": "二甲双胍\tDrug\n",
        "never.tsv": "患者\n",
        "export.jsonl": '{"pmid": "1", "abstract": "口服二甲双胍治疗糖尿病。"}\n',
        "article.html": "<html><body><p>口服二甲双胍治疗2型糖尿病，疗效确切。</p></body></html>",
        "notes.txt": "口服二甲双胍。",
        "vectors.txt": "3 2\n糖尿病 1 0\n二甲双胍 0 1\n血糖 1 1\n",
        "types.toml": label_set(corpus),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    plain = "".join(f"第{number}例患者确诊糖尿病，口服二甲双胍治疗，血糖下降。\n" for number in range(60))
    (folder / "articles.txt.xz").write_bytes(lzma.compress(plain.encode()))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(plain) - {"\n"})]
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary), "utf-8")
    pdf = pdf_of(lambda sheet: sheet.lines(72, 700, ["患者口服二甲双胍治疗2型糖尿病，血糖下降。"]))
    (folder / "library/scan.pdf").write_bytes(pdf)
    book = Workbook()
    book.active.title = "门诊"
    book.active.append(["编号", "主诉"])
    book.active.append([1, "口服二甲双胍0.5g"])
    book.save(folder / "notes.xlsx")


def label_set(corpus: list[Document]) -> str:
    """The types of a corpus, in TOML."""
    labels = sorted({entity.label for document in corpus for entity in document.entities})
    relations: dict[str, tuple[str, str]] = {}
    for document in corpus:
        label_of = {entity.id: entity.label for entity in document.entities}
        relations |= {found.label: (label_of[found.head], label_of[found.tail]) for found in document.relations}
    parts = [f'[[entities]]\nname = "{label}"\n' for label in labels]
    for name, (head, tail) in relations.items():
        parts.append(f'[[relations]]\nname = "{name}"\nhead = "{head}"\ntail = "{tail}"\n')
    return "".join(parts)
