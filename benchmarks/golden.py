"""Golden outputs: run the commands of suwen in two source trees and compare all that they write.

A relocation of modules must not change what a user sees. Each case is one command, run in a process of its own with
PYTHONPATH=TREE/src; nothing of suwen is imported here, so that the module layout of a tree does not matter.

    python benchmarks/golden.py record --source TREE -o FOLDER [--inputs RECORDING] [--only PATTERN …]
    python benchmarks/golden.py compare A B
    python benchmarks/golden.py check BASE      (make golden BASE=COMMIT)

`record` stores status, output and files of each case unchanged. With `--inputs` it reads the input files of an earlier
recording, so that both trees read the same bytes. `compare` prints one row per case and exits with 1 on a difference.
`check` records the commit BASE in a temporary git worktree, records this tree, and compares.

`compare` ignores only what may differ between two runs of the same tree; see the constants below. Results depend on the
machine and its libraries: record both trees on the same machine, one after the other.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lxml import html

ROOT = Path(__file__).resolve().parents[1]
ARTICLES = ("201_1", "201_2", "204_3")
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TIME_KEYS = {
    *("seconds", "cpu_seconds", "train_runtime"),
    *("tokens_per_second", "train_samples_per_second", "train_steps_per_second"),
}
"""Keys of JSON objects that hold durations or rates."""

GRAPH_KEYS = {"bytes"}
"""The size of an exported graph: PyTorch writes names of Python modules into it."""

TIME_COLUMNS = re.compile(r"seconds")
"""Columns of tables, in Markdown and HTML, that hold durations."""

TIMES = (
    (re.compile(r"\bin \d[\d.,]* (s|min|h)\b"), "in <time>"),
    (re.compile(r"\(\d[\d.,]* (s|min|h);"), "(<time>;"),
    (re.compile(r"about \d[\d.,]* (s|min|h) left"), "about <time> left"),
    (re.compile(r"\b\d[\d.,]* hours in all"), "<time> in all"),
)
"""Durations in what a command prints and in the report."""

LOGS = re.compile(r"log/(events\.out\.tfevents.*|log\.jsonl)")
"""Keys of JSON objects that hold hashes of logs: logs hold times."""

PROGRESS = re.compile(r"━.* \d+:\d\d:\d\d")
"""Lines of progress bars hold rates and times."""


# ---- inputs ----------------------------------------------------------------------------------------------------------


def make_inputs(data: Path, folder: Path) -> None:
    """Write every input file: a copy of the sample corpus, and its articles in other formats."""
    shutil.copytree(data / "sample", folder / "sample")
    articles = {name: (data / "sample" / f"{name}.txt").read_text(encoding="utf-8") for name in ARTICLES}
    for kind, write in WRITERS.items():
        (folder / kind).mkdir()
        for name, text in articles.items():
            (folder / kind / f"{name}.{'xml' if kind == 'jats' else kind}").write_bytes(write(text))
    rows = [{"id": name, "text": text} for name, text in articles.items()]
    (folder / "articles.jsonl").write_text(json_lines(rows), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), folder / "articles.parquet")
    (folder / "mixed").mkdir()
    (folder / "mixed" / "good.txt").write_text(articles[ARTICLES[0]], encoding="utf-8")
    (folder / "mixed" / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing follows\n")
    (folder / "mixed" / "empty.txt").touch()
    (folder / "always.tsv").write_text("胰岛素\tDrug\n随访\tTreatment\n", encoding="utf-8")
    (folder / "never.tsv").write_text("糖尿病\n血糖\tTest\n", encoding="utf-8")
    (folder / "faulty").mkdir()
    (folder / "faulty" / "a.txt").write_text("口服二甲双胍治疗糖尿病。\n", encoding="utf-8")
    (folder / "faulty" / "a.ann").write_text(
        "T1\tDrug 2 6\t二甲双胍\nT2\tMedicine 2 6\t二甲双胍\nT3\tDisease 8 11\t糖尿\n", encoding="utf-8"
    )
    (folder / "notes").mkdir()
    for path in sorted((data / "sample").glob("20*.txt")):
        shutil.copy(path, folder / "notes")


def json_lines(rows: list[dict[str, Any]]) -> str:
    """Write one JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def txt(text: str) -> bytes:
    """Encode a text file."""
    return text.encode()


def pdf(text: str) -> bytes:
    """Write a PDF of one page whose characters are boxes with a mapping to Unicode.

    A font that is not embedded is replaced by one of the system, and the lines found depend on its widths.
    """
    characters = sorted(set(text) - {"\n"})
    codes = {character: divmod(number, 255) for number, character in enumerate(characters)}
    fonts = [characters[first : first + 255] for first in range(0, len(characters), 255)]
    shown = ["BT"]
    for number, line in enumerate(text.splitlines()):
        shown.append(f"1 0 0 1 50 {780 - 14 * number} Tm")
        shown += [f"/F{font} 10 Tf <{code + 1:02x}> Tj" for font, code in (codes[character] for character in line)]
    page = " ".join(f"/F{number} {5 + 2 * number} 0 R" for number in range(len(fonts)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << {page} >> >> >>",
        stream("\n".join([*shown, "ET"])),
    ]
    glyphs = 5 + 2 * len(fonts)
    for number, font in enumerate(fonts):
        objects += [box_font(font, 6 + 2 * number, glyphs), stream(to_unicode(font))]
    for width in (1000, 500):
        objects += [stream(f"{width} 0 50 -100 {width - 50} 800 d1 50 -100 {width - 100} 900 re f")]
    objects += [stream(f"{width} 0 d0") for width in (1000, 500)]
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode()


def stream(content: str) -> str:
    """Write a PDF stream."""
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def box_font(characters: list[str], mapping: int, glyphs: int) -> str:
    """Write a Type 3 font: boxes, wide or half as wide, and white space."""
    wide = [ord(character) > 255 for character in characters]
    names = [("w" if w else "h") + ("s" if c.isspace() else "") for c, w in zip(characters, wide, strict=True)]
    procedures = " ".join(f"/{name} {glyphs + n} 0 R" for n, name in enumerate(("w", "h", "ws", "hs")))
    return (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 -120 1000 880] /FontMatrix [0.001 0 0 0.001 0 0] "
        f"/FirstChar 1 /LastChar {len(names)} /Widths [{' '.join('1000' if w else '500' for w in wide)}] "
        f"/Encoding << /Type /Encoding /Differences [1 {' '.join('/' + name for name in names)}] >> "
        f"/CharProcs << {procedures} >> /Resources << >> /ToUnicode {mapping} 0 R >>"
    )


def to_unicode(characters: list[str]) -> str:
    """Write the character map of a font."""
    rows = [f"<{n:02x}> <{c.encode('utf-16-be').hex()}>" for n, c in enumerate(characters, 1)]
    blocks = [rows[first : first + 100] for first in range(0, len(rows), 100)]
    maps = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Boxes def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{maps}\nendcmap end end"
    )


def docx(text: str) -> bytes:
    """Write a Word file with one paragraph per line."""
    body = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in text.splitlines())
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in (
            ("[Content_Types].xml", "<Types/>"),
            ("word/document.xml", f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    return data.getvalue()


def paragraphs(text: str) -> str:
    """Mark up each line as a paragraph."""
    return "\n".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())


def web_page(text: str) -> bytes:
    """Write a web page with a menu beside the article."""
    return (
        '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>文章</title></head><body>'
        f"<nav><a href='/'>首页</a></nav><article>{paragraphs(text)}</article></body></html>"
    ).encode()


def jats(text: str) -> bytes:
    """Write a journal article in JATS."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<article><front><article-meta><title-group><article-title>文章'
        "</article-title></title-group></article-meta></front>"
        f"<body><sec><title>资料</title>{paragraphs(text)}</sec></body></article>"
    ).encode()


WRITERS = {"txt": txt, "pdf": pdf, "docx": docx, "html": web_page, "jats": jats}


# ---- cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A command, the files that it writes, relative to the work folder, and the exit status that it is to have."""

    name: str
    command: str
    outputs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    status: int = 0

    def arguments(self) -> list[str]:
        """Return the arguments of Python."""
        if self.name == "load":
            return ["-c", self.command]
        changes = (part for setting in self.settings for part in ("--set", setting))
        return ["-m", "suwen", *self.command.split(), *changes]


LOAD = """
import suwen
for entity in suwen.load()("患者口服二甲双胍治疗2型糖尿病，出现恶心。").entities:
    print(entity.label, entity.start, entity.end)
"""
EXTRACT_INPUTS = {kind: kind for kind in WRITERS} | {"jsonl": "articles.jsonl", "parquet": "articles.parquet"}
EXTRACT_OUTPUTS = {"jsonl": ".jsonl", "brat": "", "conll": ".conll", "html": ".html", "parquet": ".parquet"}
CONVERT = {
    **{"brat": "", "conll": ".conll", "jsonl": ".jsonl", "cmeee": ".json", "diakg": "", "doccano": ".jsonl"},
    **{"label_studio": ".json", "text": "", "html": ".html", "parquet": ".parquet"},
}
NOT_READ_BACK = ("text", "html")
PARQUET_TEXTS = "as-parquet.texts.parquet"
"""The texts beside the table of entities: what can be read back."""
COMMANDS = (
    *("pretrain", "augment", "train", "evaluate", "compare", "extract", "export", "reproduce", "encoders", "demo"),
    *("corpus", "corpus check", "corpus stats", "corpus split", "corpus convert"),
)
TINY_TAGGER = (
    *("optimization.epochs=12", "optimization.least_steps=0", "optimization.batch_sentences=8"),
    *("optimization.learning_rate=1e-2", "optimization.head_learning_rate=1e-2", "optimization.crf_learning_rate=1e-2"),
    *("encoder.hidden=24", "encoder.embedding=24"),
)
TINY_ENCODER = (
    *("model.layers=1", "model.hidden=16", "model.attention_heads=2", "data.lengths=[16,32]"),
    *("data.held_out=0.1", "optimization.batch_tokens=128", "optimization.steps=4"),
)


def cases() -> Iterator[Case]:
    """Yield every case in the order in which they must run."""
    yield from help_cases()
    yield from extract_cases()
    yield from corpus_cases()
    yield from learning_cases()
    yield from score_cases()
    yield from error_cases()
    yield Case("reproduce-plan", "reproduce -o plan --profile smoke --dry-run --json")
    report = ("report/results.json", "report/README.md", "report/report.html", "experiment.json")
    yield Case("reproduce-smoke", "reproduce -o results --profile smoke", tuple(f"results/{name}" for name in report))


def help_cases() -> Iterator[Case]:
    """Yield the help texts, the version and the list of encoders."""
    yield Case("version", "--version")
    yield Case("help", "--help")
    yield Case("encoders", "encoders")
    for command in COMMANDS:
        yield Case(f"help-{command.replace(' ', '-')}", f"{command} --help")


def extract_cases() -> Iterator[Case]:
    """Yield extraction from every input to every output, with one and two threads."""
    for kind, source in EXTRACT_INPUTS.items():
        for target, suffix in EXTRACT_OUTPUTS.items():
            for threads in (1, 2):
                out = f"extracted-{kind}-{target}-{threads}{suffix}"
                command = f"extract inputs/{source} -o {out} --to {target} --threads {threads} --json"
                yield Case(f"extract-{kind}-{target}-{threads}", command, (out,))
    out = ("extracted-mixed.jsonl", "extracted-mixed.jsonl.problems.jsonl")
    yield Case("extract-broken-input", f"extract inputs/mixed -o {out[0]}", out, status=1)
    terms = "--always inputs/always.tsv --never inputs/never.tsv"
    yield Case("extract-terms", f"extract inputs/txt -o terms.jsonl {terms}", ("terms.jsonl",))
    yield Case("extract-stdout", "extract inputs/txt/201_1.txt -o -")
    yield Case("load", LOAD)
    yield Case("extract-sample", "extract inputs/notes -o found.jsonl --threads 1", ("found.jsonl",))


def corpus_cases() -> Iterator[Case]:
    """Yield checks, statistics, splits and conversions of the sample."""
    for corpus, status in (("sample", 0), ("faulty", 1)):
        yield Case(f"check-{corpus}", f"corpus check inputs/{corpus} --all", status=status)
        yield Case(f"check-{corpus}-json", f"corpus check inputs/{corpus} --json", status=status)
    for unit in ("sentence", "document", "group"):
        out = f"split-{unit}.json"
        yield Case(f"split-{unit}", f"corpus split inputs/sample -o {out} --unit {unit} --seed 3", (out,))
    yield Case("split-json", "corpus split inputs/sample -o split.json --ratio 6:2:2 --json", ("split.json",))
    yield Case("stats", "corpus stats inputs/sample --split split.json")
    yield Case("stats-json", "corpus stats inputs/sample --split split.json --json")
    for kind, suffix in CONVERT.items():
        out, back = f"as-{kind}{suffix}", f"back-{kind}"
        texts = (PARQUET_TEXTS,) if kind == "parquet" else ()
        yield Case(f"convert-{kind}", f"corpus convert inputs/sample -o {out} --to {kind} --json", (out, *texts))
        if kind not in NOT_READ_BACK:
            command = f"corpus convert {texts[0] if texts else out} --format {kind} -o {back} --to brat"
            yield Case(f"convert-{kind}-back", command, (back,))
    for scheme in ("BIOES", "BMES"):
        out = f"as-{scheme}.conll"
        command = f"corpus convert inputs/sample -o {out} --to conll --scheme {scheme} --columns 4"
        yield Case(f"convert-conll-{scheme}", command, (out,))


def learning_cases() -> Iterator[Case]:
    """Yield augmentation, pre-training, training and export."""
    for method, options in (("mention", ""), ("mlm", "--segmenter jieba --rate 0.05 --split split.json")):
        out = f"more-{method}.jsonl"
        files = (out, *(f"{out}.augmentation/{name}" for name in ("edits.jsonl", "manifest.json", "report.html")))
        settings = ("report.perplexity=2",) if method == "mlm" else ()
        command = f"augment inputs/sample -o {out} --method {method} {options} --seed 5 --json"
        yield Case(f"augment-{method}", command, files, settings)
    for strategy in ("bert", "ernie"):
        command = f"pretrain inputs/notes -o encoder-{strategy} --strategy {strategy} --segmenter jieba --seed 1 --json"
        yield Case(f"pretrain-{strategy}", command, (f"encoder-{strategy}/model.safetensors",), TINY_ENCODER)
    for encoder, settings in (("dictionary", ()), ("feature-crf", ()), ("bilstm", TINY_TAGGER)):
        folder = f"model-{encoder}"
        command = f"train inputs/sample -o {folder} --split split.json --encoder {encoder}"
        yield Case(f"train-{encoder}", f"{command} --json", (folder,), settings)
    settings = ("optimization.epochs=1", "optimization.least_steps=0")
    command = "train inputs/sample -o model-pretrained --split split.json --encoder encoder-bert --head crf --json"
    yield Case("train-pretrained", command, ("model-pretrained/model.safetensors",), settings)
    yield Case("export", "export model-bilstm -o exported --corpus inputs/sample --split split.json --json")
    yield Case("extract-exported", "extract inputs/txt -o exported.jsonl --model exported", ("exported.jsonl",))


def score_cases() -> Iterator[Case]:
    """Yield evaluations and comparisons."""
    model = "evaluate bundled inputs/sample --split split.json"
    files = ("errors.html", "a.jsonl")
    yield Case("evaluate-model", f"{model} --json --html errors.html --save-predictions a.jsonl", files)
    yield Case("evaluate-text", model)
    for name in ("dictionary", "feature-crf", "bilstm"):
        out = f"by-{name}.jsonl"
        command = f"evaluate model-{name} inputs/sample --split split.json --json --save-predictions {out}"
        yield Case(f"evaluate-{name}", command, (out,))
    gold = "--gold inputs/sample --split split.json"
    command = f"evaluate {gold} --predicted a.jsonl --json --html files.html"
    yield Case("evaluate-files", command, ("files.html",))
    yield Case("compare", f"compare a.jsonl by-dictionary.jsonl {gold}")
    yield Case("compare-json", f"compare a.jsonl by-dictionary.jsonl {gold} --json")


def error_cases() -> Iterator[Case]:
    """Yield wrong usage and wrong input."""
    for name, command in {
        "no-input": "extract missing.txt -o x.jsonl",
        "output-exists": "extract inputs/txt -o found.jsonl",
        "unknown-name": "train inputs/sample -o x --encoder no-such-encoder",
        "unknown-preset": "train inputs/sample -o x --preset papers",
        "unknown-format": "corpus convert inputs/sample -o x --to foo",
        "unknown-preset-set": "train inputs/sample -o x --set preset=papers",
        "unknown-setting": "train inputs/sample -o x --set encoder.hiden=3",
        "wrong-setting": "train inputs/sample -o x --set optimization.epochs=many",
        "no-cuda": "extract inputs/txt -o x.jsonl --device cuda",
        "no-model": "extract inputs/txt -o x.jsonl --model inputs/txt",
        "no-command": "extrakt",
        "no-option": "extract inputs/txt -o x.jsonl --fast",
        "no-document": "corpus stats inputs/pdf --format brat",
        "not-a-split": "corpus stats inputs/sample --split inputs/articles.jsonl",
        "other-split": "corpus stats inputs/faulty --split split.json",
        "no-run": "train inputs/sample -o x --resume",
        "output-is-input": "extract inputs/txt -o inputs/txt",
        "augment-test-part": "augment inputs/sample -o x --method mention --split split.json --part test",
        "teacher-of-other-split": "train inputs/sample -o x --split split-group.json --teacher model-bilstm",
        "held-out-texts": "train inputs/sample -o x --split split.json --teacher model-bilstm --texts inputs/notes",
        "unknown-segmenter": "pretrain inputs/notes -o x --set data.segmenter=nothing",
        "unknown-scheme": "corpus convert inputs/sample -o x --to conll --scheme BIX",
        "other-texts": "compare a.jsonl found.jsonl --gold inputs/sample",
    }.items():
        yield Case(f"error-{name}", command, status=2)


# ---- recording -------------------------------------------------------------------------------------------------------


def record(source: Path, folder: Path, inputs: Path | None, only: tuple[str, ...] = ("*",)) -> None:
    """Run the cases that match one of the patterns with the sources of a tree, and store what they write."""
    folder.mkdir(parents=True)
    if inputs is None:
        (folder / "inputs").mkdir()
        make_inputs(source / "src" / "suwen" / "data", folder / "inputs")
    else:
        shutil.copytree(inputs / "inputs", folder / "inputs")
    with tempfile.TemporaryDirectory(prefix="golden-") as place:
        work = Path(place).resolve()
        shutil.copytree(folder / "inputs", work / "inputs")
        check_source(source, work)
        places = {"source": str(source), "work": str(work)}
        (folder / "recording.json").write_text(json.dumps(places, indent=2) + "\n", encoding="utf-8")
        chosen = [case for case in cases() if any(fnmatch.fnmatch(case.name, pattern) for pattern in only)]
        unexpected = []
        for number, case in enumerate(chosen, 1):
            started = time.perf_counter()
            status = record_case(case, source, work, folder / "cases" / case.name)
            took = time.perf_counter() - started
            print(f"{number}/{len(chosen)}  {case.name}  status {status}  {took:.1f} s", file=sys.stderr, flush=True)
            if status != case.status:
                unexpected.append(f"{case.name}: status {status}, not {case.status}")
    for line in unexpected:
        print(f"This case does not show what it is meant to show: {line}", file=sys.stderr)
    if unexpected:
        raise SystemExit(1)
    used = os.times()
    print(f"CPU time: {used.children_user + used.children_system:.0f} s", file=sys.stderr)


def environment(source: Path) -> dict[str, str]:
    """Return the environment of a command: the sources of the tree, one thread, a wide terminal without colors."""
    return {
        **os.environ,
        **{"PYTHONPATH": str(source / "src"), "OMP_NUM_THREADS": "1", "COLUMNS": "160", "NO_COLOR": "1"},
        **{"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"},
    }


def check_source(source: Path, work: Path) -> None:
    """Stop if suwen would be imported from elsewhere."""
    command = [sys.executable, "-c", "import suwen; print(suwen.__file__)"]
    done = subprocess.run(command, cwd=work, env=environment(source), capture_output=True, text=True, check=True)
    if not Path(done.stdout.strip()).is_relative_to(source):
        sys.exit(f"suwen is imported from {done.stdout.strip()}, not from {source}")


def record_case(case: Case, source: Path, work: Path, folder: Path) -> int:
    """Run one command and store its status, output and files."""
    (folder / "files").mkdir(parents=True)
    command = [sys.executable, *case.arguments()]
    done = subprocess.run(
        command, cwd=work, env=environment(source), capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    (folder / "stdout").write_bytes(done.stdout)
    (folder / "stderr").write_bytes(done.stderr)
    for output in case.outputs:
        path, copy = work / output, folder / "files" / output
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, copy)
        elif path.exists():
            shutil.copy(path, copy)
    (folder / "status").write_text(f"{done.returncode}\n", encoding="utf-8")
    return done.returncode


# ---- comparison ------------------------------------------------------------------------------------------------------


def compare(first: Path, second: Path) -> int:
    """Print one row per case; return how many differ."""
    recordings = [Recording(first), Recording(second)]
    names = sorted({name for recording in recordings for name in recording.names()})
    if not names:
        sys.exit("nothing was recorded")
    differing = 0
    for name in names:
        found = difference(*(recording.case(name) for recording in recordings))
        differing += found is not None
        print(f"{name:32} " + ("equal" if found is None else f"differs  {found}"))
    print(f"{len(names)} cases, {differing} differ")
    return differing


class Recording:
    """The outputs of one tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = json.loads((folder / "recording.json").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Return the names of the cases that have run to their end."""
        return [path.parent.name for path in (self.folder / "cases").glob("*/status")]

    def case(self, name: str) -> dict[str, Any] | None:
        """Read status, output and files of a case, without what may differ between runs."""
        folder = self.folder / "cases" / name
        if not (folder / "status").is_file():
            return None
        files = sorted(path for path in (folder / "files").rglob("*") if path.is_file() and comparable(path))
        return {
            "status": self.text(folder / "status"),
            "stdout": self.printed(folder / "stdout"),
            "stderr": self.printed(folder / "stderr"),
            "files": {str(path.relative_to(folder / "files")): self.file(path) for path in files},
        }

    def text(self, path: Path) -> str:
        """Read a text, with names for the folders of the recording."""
        text = path.read_bytes().decode(errors="backslashreplace")
        for name, place in self.places.items():
            text = text.replace(place, f"<{name}>")
        return text

    def printed(self, path: Path) -> Any:
        """Read what a command has printed: JSON, or lines."""
        text = self.text(path)
        try:
            return without_times(json.loads(text))
        except ValueError:
            return [timeless(line) for line in text.split("\n") if not PROGRESS.search(line)]

    def file(self, path: Path) -> Any:
        """Read a file as what its ending says."""
        if path.suffix in (".safetensors", ".npy", ".crfsuite"):
            return hashlib.sha256(path.read_bytes()).hexdigest()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            return {"schema": str(table.schema.remove_metadata()), "rows": table.to_pylist()}
        text = self.text(path)
        if path.suffix == ".json":
            return without_times(json.loads(text))
        if path.suffix == ".jsonl":
            return [without_times(json.loads(line)) for line in text.split("\n") if line]
        if path.suffix == ".html":
            return page(text)
        return without_time_columns(map(timeless, text.split("\n"))) if path.suffix == ".md" else text.split("\n")


def comparable(path: Path) -> bool:
    """Tell whether a file has the same content in two runs: logs of TensorBoard hold times."""
    return not path.name.startswith("events.out")


def without_times(value: Any) -> Any:
    """Drop durations, rates, hashes of logs and the sizes of graphs from parsed JSON."""
    if isinstance(value, dict):
        left_out = TIME_KEYS | GRAPH_KEYS
        kept = {key: item for key, item in value.items() if key not in left_out and not LOGS.fullmatch(key)}
        return {key: without_times(item) for key, item in kept.items()}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def timeless(line: str) -> str:
    """Replace durations in a printed line."""
    for pattern, name in TIMES:
        line = pattern.sub(name, line)
    return line


def without_time_columns(lines: Iterable[str]) -> list[str]:
    """Empty the columns of Markdown tables that hold durations."""
    made, columns = [], set()
    for line in lines:
        cells = line.split("|")
        if len(cells) < 3:
            columns = set()
        elif not columns:
            columns = {number for number, cell in enumerate(cells) if TIME_COLUMNS.search(cell)}
        else:
            cells = ["" if number in columns else cell for number, cell in enumerate(cells)]
        made.append("|".join(cells))
    return made


def page(text: str) -> list[str]:
    """Return the elements and texts of an HTML page, without styles, scripts and space between tags."""
    tree = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
    for element in tree.xpath("//style | //script"):
        element.text = None
    for table in tree.xpath("//table"):
        rows = [row.xpath("./th | ./td") for row in table.xpath(".//tr")]
        columns = {n for n, cell in enumerate(rows[0]) if TIME_COLUMNS.search(cell.text_content())} if rows else set()
        for cells in rows[1:]:
            for number in columns & set(range(len(cells))):
                cells[number].clear()
    return list(nodes(tree))


def nodes(element: Any) -> Iterator[str]:
    """Yield start tags, texts and end tags."""
    attributes = "".join(f" {name}={value!r}" for name, value in sorted(element.attrib.items()))
    yield f"<{element.tag}{attributes}>"
    yield from words(element.text)
    for child in element:
        yield from nodes(child)
        yield from words(child.tail)
    yield f"</{element.tag}>"


def words(text: str | None) -> Iterator[str]:
    """Yield a text without the line breaks that a template may put around it."""
    made = re.sub(r"\A\s*\n\s*|\s*\n\s*\Z", "", text or "")
    if made.strip():
        yield timeless(made)


def difference(a: Any, b: Any, place: str = "") -> str | None:
    """Return where two values differ first, and both values there."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            return f"{place}: keys {short(sorted(a.keys() ^ b.keys()) or 'in another order')}"
        pairs = [(f"{place}/{key}", a[key], b[key]) for key in a]
    elif isinstance(a, list) and isinstance(b, list):
        pairs = [(f"{place}/{number}", x, y) for number, (x, y) in enumerate(zip(a, b, strict=False))]
    else:
        return None if type(a) is type(b) and a == b else f"{place}: {short(a)} | {short(b)}"
    for where, x, y in pairs:
        found = difference(x, y, where)
        if found is not None:
            return found
    return None if len(a) == len(b) else f"{place}: {len(a)} | {len(b)} items"


def short(value: Any) -> str:
    """Show the beginning of a value."""
    shown = repr(value)
    return shown if len(shown) <= 100 else shown[:100] + "…"


# ---- command line ----------------------------------------------------------------------------------------------------


def check(base: str) -> int:
    """Record a commit and this tree, and return how many cases differ."""
    with tempfile.TemporaryDirectory(prefix="golden-check-") as place:
        tree, before, after = (Path(place).resolve() / name for name in ("tree", "before", "after"))
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), base], check=True)
        try:
            record(tree, before, None)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
        record(ROOT, after, before)
        return compare(before, after)


def main() -> None:
    """Run one subcommand."""
    parser = argparse.ArgumentParser(description="Record and compare golden outputs of suwen.")
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run all cases with the sources of a tree")
    recording.add_argument("--source", type=Path, required=True, help="a source tree of suwen")
    recording.add_argument("-o", "--output", type=Path, required=True, help="the folder to write; must not exist")
    recording.add_argument("--inputs", type=Path, help="an earlier recording whose input files are read")
    recording.add_argument(
        "--only", nargs="+", default=["*"], help="patterns of case names; cases need the files of earlier ones"
    )
    comparison = commands.add_parser("compare", help="compare two recordings")
    comparison.add_argument("recordings", type=Path, nargs=2)
    checking = commands.add_parser("check", help="record a commit and this tree, and compare")
    checking.add_argument("base", help="the commit before")
    options = parser.parse_args()
    if options.command == "record":
        record(options.source.resolve(), options.output, options.inputs, tuple(options.only))
    elif compare(*options.recordings) if options.command == "compare" else check(options.base):
        sys.exit(1)


if __name__ == "__main__":
    main()
