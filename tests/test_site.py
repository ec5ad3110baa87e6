"""The documentation site: its pages, its links, and that it needs nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import suwen

ROOT = Path(__file__).parents[1]
FOREIGN = re.compile(
    r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?https?:|<link\b[^>]*\bhref=\"?https?:|@import|url\(.?https?:"
)


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_of_the_docs", ROOT / "docs/make_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


def pages(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages(target)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_site_lists_each_page_once_in_its_navigation(site: ModuleType) -> None:
    there = [place.as_posix() for place in site.places().values() if place.suffix == ".md"]
    assert sorted(pages(settings()["nav"])) == sorted([*there, "api.md"]), "add the page to nav in zensical.toml"


def test_site_describes_every_public_name(site: ModuleType) -> None:
    names = [name for names in site.API.values() for name in names]
    assert sorted(names) == sorted(set(suwen.__all__) - {"__version__"}), "add the name to API in docs/make_site.py"


def test_site_moves_links_with_the_pages(site: ModuleType) -> None:
    staged, url = site.places(), "https://example.org/suwen"

    def moved(text: str, page: str) -> str:
        return site.with_links(text, ROOT / page, staged, url)

    assert moved("[a](docs/graph.md#queries)", "README.md") == "[a](graph.md#queries)"
    assert moved("[a](../README.md)", "docs/graph.md") == "[a](index.md)"
    assert moved("[a](../../graph.md)", "docs/results/graph/README.md") == "[a](../../graph.md)"
    assert moved("[a](../LICENSE)", "docs/graph.md") == "[a](https://example.org/suwen/blob/main/LICENSE)"
    for kept in ("[a](#here)", "[a](https://example.org)", "`[a](nothing.md)`", "```text\n[a](nothing.md)\n```"):
        assert moved(kept, "docs/graph.md") == kept
    with pytest.raises(FileNotFoundError, match=r"docs/graph.md: broken link nothing.md"):
        moved("[a](nothing.md)", "docs/graph.md")


@pytest.mark.slow
def test_site_is_built_and_requests_nothing_from_elsewhere(site: ModuleType) -> None:
    assert site.main() == 0
    built = ROOT / "build/site"
    assert "Script=Han" in json.loads((built / "search.json").read_text("utf-8"))["config"]["separator"]
    assert "cannot write: {reason}" in (built / "errors.html").read_text("utf-8"), "braces are text, not attributes"
    for name in ("load", "Graph.path", "Document.mention"):
        assert f'id="suwen.{name}"' in (built / "api.html").read_text("utf-8")
    for path in (*built.glob("*.html"), *built.glob("results/**/index.html"), *built.rglob("*.css")):
        assert not FOREIGN.search(path.read_text("utf-8")), path


@pytest.mark.slow
def test_site_fails_on_broken_links(tmp_path: Path) -> None:
    text = (ROOT / "zensical.toml").read_text("utf-8")
    (tmp_path / "zensical.toml").write_text(re.sub(r"^nav = \[.*?^\]$", "", text, flags=re.M | re.S), "utf-8")
    (tmp_path / "src").mkdir()
    folder = tmp_path / "build/docs"
    folder.mkdir(parents=True)
    (folder / "b.md").write_text("# b\n\n## 关系\n", "utf-8")
    (folder / "index.md").write_text("# a\n\n[a](b.md#关系)\n", "utf-8")
    assert build(tmp_path).returncode == 0
    links = ["b.md#nothing", "nothing.md", "#nothing"]
    (folder / "index.md").write_text("# a\n\n" + "\n\n".join(f"[a]({link})" for link in links), "utf-8")
    failed = build(tmp_path)
    assert failed.returncode != 0
    assert all(f"index.md:{line}:" in failed.stdout + failed.stderr for line in (3, 5, 7)), failed
