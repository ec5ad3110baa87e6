"""The pages for users say what the code does."""

import ast
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from suwen.cli import app
from suwen.corpus.check import KINDS
from suwen.errors import CATALOG
from suwen.formats import FORMATS, jsonl, read_corpus
from suwen.schema import Schema
from suwen.training.config import PRESETS, SCRATCH, load_training_config

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(path: Path, language: str) -> list[str]:
    return [content for found, content in BLOCK.findall(read(path)) if found == language]


def commands(path: Path) -> list[str]:
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    lines = [line.partition("| ")[2] if line.startswith("echo") else line for line in lines]
    return [line for line in lines if line.startswith("suwen ")]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def keys(values: dict, prefix: str = "") -> list[str]:
    return [
        key
        for name, value in values.items()
        for key in (keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"])
    ]


def test_docs_name_every_error_code_and_finding() -> None:
    page = read(DOCS / "errors.md")
    assert [code for code in (*CATALOG, *KINDS) if f"| {code} |" not in page] == []
    assert page == generate().errors_page(), "run 'python docs/generate.py'"


def test_docs_explain_every_configuration_key() -> None:
    explained = read(DOCS / "configuration.md").partition("## Presets")[0]
    assert [key for key in keys(load_training_config().model_dump()) if f"| `{key}` |" not in explained] == []
    assert all(f'`"{name}"`' in explained for name in (*SCRATCH, *PRESETS))


def test_docs_show_the_values_of_the_presets() -> None:
    page = read(DOCS / "configuration.md")
    assert generate().with_preset_table(page) == page, "run 'python docs/generate.py'"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_docs_link_to_what_is_there(path: Path) -> None:
    for link in LINK.findall(read(path)):
        if not link.startswith("http"):
            target, _, anchor = link.partition("#")
            file = (path.parent / target).resolve() if target else path
            assert file.exists(), link
            assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_docs_show_commands_that_exist(path: Path) -> None:
    for line in commands(path):
        words = shlex.split(line, comments=True)[1:]
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        command.make_context("suwen", words)


def test_docs_in_both_languages_show_the_same_commands() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    for language in ("sh", "python"):
        assert blocks(english, language) == blocks(chinese, language)
    assert set(LINK.findall(read(english))) ^ set(LINK.findall(read(chinese))) == {"README.md", "README.zh-CN.md"}


def test_docs_list_every_command_and_format() -> None:
    readme, manual = read(ROOT / "README.md"), read(DOCS / "manual.md")
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        for full in [f"{name} {sub}" for sub in getattr(command, "commands", ())] or [name]:
            assert f"| `suwen {full}` |" in readme
    assert all(name in manual for name in FORMATS)


def listed_packages() -> list[str]:
    table = read(ROOT / "CONTRIBUTING.md").partition("| package | content |")[2].partition("\n\n")[0]
    return [name for line in table.splitlines() for name in re.findall(r"`([\w/]+)`", line.split(" | ")[0])]


def test_docs_list_every_package() -> None:
    package = ROOT / "src/suwen"
    modules = {file.stem for file in package.glob("*.py") if not file.stem.startswith("__")}
    folders = {f"{file.parent.relative_to(package).as_posix()}/" for file in package.glob("*/**/__init__.py")}
    assert sorted(listed_packages()) == sorted(modules | folders)


def test_docs_list_packages_in_the_order_of_their_imports() -> None:
    contracts = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = [layer.split(" | ") for layer in reversed(contracts[0]["layers"])]
    ranks = {name: rank for rank, layer in enumerate(layers) for name in layer}
    order = [ranks[name.partition("/")[0]] for name in listed_packages()]
    assert order == sorted(order)


def test_docs_show_values_that_can_be_read(tmp_path: Path) -> None:
    page = DOCS / "manual.md"
    (tmp_path / "example.jsonl").write_text("".join(blocks(page, "json")), encoding="utf-8")
    (document,) = read_corpus(tmp_path / "example.jsonl")
    assert document.mention(document.entities[0]) == "二甲双胍"
    assert all(f"| `{key}` |" in read(page) for key in jsonl.KEYS)
    (toml,) = blocks(page, "toml")
    assert Schema.from_dict(tomllib.loads(toml)).labels == ("Drug", "Device")


def test_docs_cite_benchmarks_that_exist() -> None:
    cited = {name for page in DOCS.glob("results/**/*.md") for name in re.findall(r"benchmarks/\w+\.py", read(page))}
    assert [name for name in sorted(cited) if not (ROOT / name).is_file()] == []
    index = read(DOCS / "results/README.md")
    pages = [page.relative_to(DOCS / "results").as_posix() for page in DOCS.glob("results/*/README.md")]
    assert [page for page in pages if f"]({page})" not in index] == []


def test_docs_in_the_code_start_with_a_verb_or_a_noun() -> None:
    question = re.compile(r"(What|Whether|How|Why|When|Where|Who|That)\b")
    noun = re.compile(r"The|A|An|This|These|All|Each|Every|For|By|Of|In|As|[\W\d].*")
    value = re.compile(r'^ *"""((?:What|Whether|How|Why|When|Of|So (?:many|much|far|near|often)) .*)', re.MULTILINE)
    wrong = []
    for path in sorted([*(ROOT / "src/suwen").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]):
        wrong += [f"{path.name}: {text}" for text in value.findall(read(path))]
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                decorators = [ast.unparse(decorator) for decorator in getattr(node, "decorator_list", [])]
                is_value = isinstance(node, ast.Module | ast.ClassDef) or any("property" in one for one in decorators)
                if question.match(text) or (not is_value and noun.fullmatch(text.partition(" ")[0])):
                    wrong.append(f"{path.name}: {text.partition(chr(10))[0]}")
    assert wrong == []


def test_docs_name_no_place_of_the_machine_they_were_written_on() -> None:
    for path in PAGES:
        assert not re.search(r"(?<![\w.])/(?:home|work|tmp|root|Users)\b", read(path)), path
