"""The guide to making a corpus: its commands, on the sample corpus, with a stub for the model and the tool."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chat_endpoint import marking, serving

from suwen.bundled import BUNDLED, SAMPLE
from suwen.cli import main
from suwen.document import Document
from suwen.formats import read_corpus, write_corpus

GUIDE = Path(__file__).parents[1] / "docs/your-corpus.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in BLOCK.findall(GUIDE.read_text("utf-8")) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines]


def run(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["suwen", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def correct(folder: Path, gold: dict[str, Document]) -> None:
    """What two people do in the tool: the first corrects everything, the second overlooks some mentions."""
    tasks: list[dict[str, Any]] = json.loads((folder / "tasks1.json").read_text("utf-8"))
    documents = [gold[task["data"]["document"]] for task in tasks]
    for name, step in (("anna1", 10**9), ("bo1", 7)):
        write_corpus(documents, folder / "gold.json", "label_studio")
        corrected = json.loads((folder / "gold.json").read_text("utf-8"))
        (folder / "gold.json").unlink()
        for number, (task, answer) in enumerate(zip(tasks, corrected, strict=True)):
            rows = [row for place, row in enumerate(answer["annotations"][0]["result"], 1) if place % step]
            names = {row.get("id") for row in rows}
            kept = [row for row in rows if row["type"] != "relation" or {row["from_id"], row["to_id"]} <= names]
            answer |= {"id": number, "predictions": task["predictions"], "created_at": "2026-11-29T07:00:00Z"}
            answer["annotations"] = [{"id": number, "completed_by": 1, "was_cancelled": False, "result": kept}]
        (folder / f"{name}.json").write_text(json.dumps(corrected, ensure_ascii=False), "utf-8")


@pytest.mark.slow
def test_your_corpus_commands_lead_to_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = {document.id: document for document in read_corpus(SAMPLE)}
    monkeypatch.chdir(tmp_path)
    Path("articles").mkdir()
    Path("guideline.md").write_text("药物不包括剂量。", "utf-8")
    for name, document in gold.items():
        Path("articles", f"{name}.txt").write_bytes(document.text.encode())
    terms = {d.text[e.start : e.end]: e.label for d in gold.values() for e in d.entities if not e.fragments}
    with serving(marking(terms)) as stub:
        for arguments in commands():
            there = {"http://127.0.0.1:8000/v1": stub.url, "bundled": BUNDLED}
            words = [there.get(word, word) for word in arguments]
            words += ["--set", "optimization.least_steps=20"] if words[0] == "train" else []
            assert run(monkeypatch, words) == 0, (words, capsys.readouterr().err)
            if "tasks1.json" in words:
                correct(tmp_path, gold)
            if "decide1" in words and words[1] == "agree":
                # People keep what is right.
                decided = [gold[document.id] for document in read_corpus("decide1")]
                shutil.rmtree("decide1")
                write_corpus(decided, "decide1", "brat")
    assert len(read_corpus("corpus1.jsonl")) == 20
    first, second = (({d.id for d in read_corpus(f"round{number}.jsonl")}) for number in (1, 2))
    assert not first & second
    assert Path("model1/manifest.json").is_file()
    assert "<mark" in Path("agreement1.html").read_text("utf-8")


def test_your_corpus_guide_names_files_in_the_order_in_which_they_are_made() -> None:
    known = {"articles/", "guideline.md", "anna1.json", "bo1.json"}
    for arguments in commands():
        files = [word for word in arguments if re.fullmatch(r"[a-z]+[0-9]?(\.\w+|/)|(decide|model)[0-9]", word)]
        made = {
            word for option, word in pairwise(arguments) if option in ("-o", "--html", "--adjudicate", "--label-config")
        }
        assert set(files) - made <= known, arguments
        known |= made
