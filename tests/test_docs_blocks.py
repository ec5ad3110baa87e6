"""Every fenced block of the pages for users: shell and Python are run, data is read."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from chat_endpoint import marking, serving
from doc_pages import PAGES, ROOT, Block, blocks, lines, make_world
from fake_hub import fake_hub, use_hub

from suwen.bundled import model_path
from suwen.cli import main
from suwen.hub import find_on_hub
from suwen.text.words import SEGMENTERS

SLOW = {
    "README.md": "trains three taggers",
    "docs/augmentation.md": "generates with a masked language model and trains",
    "docs/encoders.md": "pre-trains encoders and trains taggers",
    "docs/export.md": "exports with torch",
    "docs/manual.md": "trains a tagger",
    "docs/relations.md": "trains relation models",
}
"""Pages whose blocks need torch or more than some seconds, and why."""

ELSEWHERE = {
    "docs/your-corpus.md": "tests/test_your_corpus.py runs it with two simulated annotators",
}
"""Pages whose blocks another test runs."""

INSTALLS = "tests/test_wheelhouse.py installs into a new environment"
NOT_RUN = {
    "make demo": "tests/test_cli_demo.py runs its command",
    "make test": "this is part of it",
    "make test-slow": "this is part of it",
    "make bench": "takes hours, by hand",
    "make docs": "tests/test_site.py runs its command",
    "make golden BASE=COMMIT": "compares two commits, by hand",
    "make wheelhouse": INSTALLS,
    "python3 -m venv .venv": INSTALLS,
    ". .venv/bin/activate": INSTALLS,
    "pip install .": INSTALLS,
    "pip install --no-index --find-links wheelhouse 'suwen[serve]'": INSTALLS,
    "pip install 'suwen[hub]'": INSTALLS,
    "pip install 'suwen[serve]'": INSTALLS,
    "openssl rand -hex 32 > token": "another program",
    "chmod 600 token": "another program",
    "mv new.db graph.db": "another program; tests/test_web_work.py replaces a graph",
    "pip install 'suwen[ray]'": INSTALLS,
    ".venv/bin/pip install pre-commit": "needs the internet",
    ".venv/bin/pre-commit install": "changes the repository",
    "ray start --head": "needs several computers",
    "ray start --address FIRST:6379": "needs several computers",
    "suwen reproduce -o results": "takes an hour; tests/test_cli_reproduce.py runs the profile smoke",
}
"""Lines that are not run, and why."""

PARTS = {
    "pip wheel --no-deps": "tests/test_package.py builds the wheel",
    "pip download": "needs the internet",
    "docker ": "needs Docker",
    "suwen serve": "runs until it is stopped; tests/test_cli_serve.py starts it",
    "curl ": "tests/test_web_routes.py asks the same",
    "--engine ray": "tests/test_extraction_ray.py",
    "--data articles/ --profile mini": "takes hours; tests/test_cli_reproduce.py runs the profile smoke",
}
"""Parts of lines that are not run, and why."""

SHORT = {
    "train": "optimization.epochs=1 optimization.least_steps=1",
    "train relations": "trees.count=5 trees.least_pairs=5",
    "pretrain": "model.layers=1 model.hidden=16 model.attention_heads=2 data.lengths=[16,32] data.segmenter=jieba "
    "data.held_out=0.1 optimization.batch_tokens=128 optimization.steps=4",
    "pretrain further": "data.lengths=[16,32] data.segmenter=jieba data.held_out=0.2 optimization.batch_tokens=128 "
    "optimization.steps=4",
    "pretrain bilstm": "model.embedding=8 model.hidden=8 data.held_out=0.1 data.length=8 "
    "optimization.batch_tokens=32 optimization.steps=6 evaluation.steps=3",
    "augment": "report.perplexity=2",
}
"""Settings that make a command short; nothing else is changed."""

OUTPUTS = ("-o", "--save-predictions", "--html", "--adjudicate", "--label-config")


def shortened(words: list[str]) -> list[str]:
    """A command with the settings that make it short."""
    kind = words[0]
    if kind == "train" and "relations" in words:
        kind = "train relations"
    elif kind == "train" and "dictionary" in words:
        return words
    elif kind == "pretrain" and "--from" in words:
        kind = "pretrain further"
    elif kind == "pretrain" and "bilstm" in words:
        kind = "pretrain bilstm"
    return words + [part for setting in SHORT.get(kind, "").split() for part in ("--set", setting)]


def is_run(line: str) -> bool:
    return line not in NOT_RUN and not any(part in line for part in PARTS)


def is_to_run(block: Block) -> bool:
    return block.language == "python" or (block.language == "sh" and any(map(is_run, lines(block))))


class Shell:
    """Runs commands of suwen as a shell would: pipes from echo, input from a file, and no output in the way."""

    def __init__(self, patch: pytest.MonkeyPatch, replaced: Callable[[str], str]) -> None:
        self.patch, self.replaced = patch, replaced

    def run(self, line: str) -> int:
        words = [self.replaced(word) for word in shlex.split(line)]
        given = ""
        if words[0] == "echo":
            given, words = words[1], words[words.index("|") + 1 :]
        if "<" in words:
            given = Path(words[-1]).read_text("utf-8")
            words = words[:-2]
        assert words.pop(0) == "suwen", f"no command of suwen: run it, or say in NOT_RUN why not: {line}"
        if words[0] != "graph":
            for option, word in pairwise(words):
                if option in OUTPUTS:
                    self.make_room(Path(word))
        stream = io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8")
        self.patch.setattr(sys, "stdin", stream)
        self.patch.setattr(sys, "argv", ["suwen", *shortened(words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    @staticmethod
    def make_room(path: Path) -> None:
        """Remove what an earlier command wrote: the lines of a block are often alternatives."""
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "-":
            path.unlink(missing_ok=True)


def pages() -> list[object]:
    found = [path.relative_to(ROOT).as_posix() for path in PAGES]
    marked = [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else []) for page in found]
    return [parameter for page, parameter in zip(found, marked, strict=True) if page not in ELSEWHERE]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub with the models that the pages name."""
    pytest.importorskip("huggingface_hub")
    find_on_hub.cache_clear()
    encoder = model_path(None).parent / "suwen-mini-encoder"
    with fake_hub({"owner/name": model_path(None), "hfl/chinese-macbert-base": encoder}) as served:
        use_hub(served, tmp_path / "cache", monkeypatch)
        yield
    find_on_hub.cache_clear()


@pytest.mark.parametrize("page", pages())
@pytest.mark.usefixtures("hub")
def test_docs_blocks_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [block for block in blocks(ROOT / page) if is_to_run(block)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # THULAC, 50 MB of models, is no package that development needs: jieba stands for it.
    monkeypatch.setitem(SEGMENTERS, "thulac", SEGMENTERS["jieba"])
    monkeypatch.setitem(sys.modules, "thulac", ModuleType("thulac"))
    if page == "docs/export.md":
        # The bundled model stands for the one of the demo: 8 bits on a few dozen sentences cost it more than that one.
        monkeypatch.setattr("suwen.exporting.tagger.POINTS_LOST", 1.0)
    variables = make_world(tmp_path) if found else {}
    with serving(marking({"二甲双胍": "Drug"})) as stub:
        # An encoder by name, a revision and a port stand for what the reader has.
        there = {"http://127.0.0.1:8000/v1": stub.url, "ernie": "bundled", "hf://owner/name@v1": "hf://owner/name"}
        shell = Shell(monkeypatch, lambda word: there.get(word, word))
        for block in found:
            place = f"{page}:{block.line}"
            if block.language == "python":
                exec(compile(block.content, place, "exec"), variables)
                continue
            for line in filter(is_run, lines(block)):
                assert shell.run(line) == 0, f"{place}: {line}\n{capsys.readouterr().err}"


def all_blocks() -> list[Block]:
    return [block for path in PAGES for block in blocks(path)]


def test_docs_blocks_are_all_run_or_read() -> None:
    assert len(all_blocks()) == sum(path.read_text("utf-8").count("```") for path in PAGES) // 2
    for block in all_blocks():
        place = f"{block.page}:{block.line}"
        if block.language == "json":
            assert [json.loads(line) for line in block.content.splitlines()], place
        elif block.language == "toml":
            assert tomllib.loads(block.content), place
        else:
            # Drawings, lists, and configurations of other programs are text.
            assert block.language in ("sh", "python", "text"), f"{place}: name the language of the block"


def test_docs_blocks_that_are_not_run_have_reasons_and_are_on_a_page() -> None:
    there = [line for block in all_blocks() if block.language == "sh" for line in lines(block)]
    assert [line for line in NOT_RUN if line not in there] == []
    assert [part for part in PARTS if not any(part in line for line in there)] == []
    assert {*SLOW, *ELSEWHERE} <= {block.page for block in all_blocks()}
    commands = [line for line in there if "suwen " in line and not line.startswith(("pip ", "docker "))]
    assert len([line for line in commands if is_run(line)]) / len(commands) > 0.9
