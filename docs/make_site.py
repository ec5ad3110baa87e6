"""Build the documentation site: ``make docs``, or ``python docs/make_site.py``.

The pages are the Markdown files that are read on GitHub, plus an API reference from the docstrings. They are copied to
``build/docs``; links to files that are no pages of the site are made links to the repository. Zensical then builds
``build/site`` and fails on broken links and anchors. The network is not used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS, PAGES = ROOT / "docs", ROOT / "build" / "docs"
OUTSIDE = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages that are not in the folder `docs`, and their names in the site."""

API = {
    "Extract": ["load", "extract", "relate"],
    "Documents": ["Document", "Entity", "Relation", "Attribute", "Note", "Page"],
    "Corpora": ["read_corpus", "write_corpus", "split", "sample", "agree", "from_dataframe", "to_dataframe"],
    "Train": ["train", "train_folds", "pretrain", "augment", "augment_corpus", "preannotate", "export"],
    "Evaluate": ["evaluate", "compare"],
    "Knowledge graph": ["Graph"],
    "Errors": ["SuwenError"],
}
"""The public names of `suwen`, by subject."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def repository() -> str:
    """Return the address of the repository, as the package states it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"]["Repository"])


def places() -> dict[Path, Path]:
    """Return where each file of the documentation lies in the site, by where it lies in the repository."""
    inside = (path for path in DOCS.rglob("*") if path.is_file() and path.suffix not in (".py", ".ipynb", ".pyc"))
    return {path: path.relative_to(DOCS) for path in inside} | {ROOT / name: Path(to) for name, to in OUTSIDE.items()}


def with_links(text: str, source: Path, staged: dict[Path, Path], url: str) -> str:
    """Return a page with its links as the site needs them.

    Parameters
    ----------
    text
        The page in Markdown.
    source
        Its file in the repository.
    staged
        Where each file lies in the site, from `places`.
    url
        The address of the repository, for files that are not in the site.

    Raises
    ------
    FileNotFoundError
        A link leads to a file that does not exist.
    """

    def moved(match: re.Match[str]) -> str:
        target = (source.parent / match[1]).resolve()
        if target in staged:
            return os.path.relpath(staged[target], staged[source].parent).replace(os.sep, "/")
        if not target.exists():
            raise FileNotFoundError(f"{source.relative_to(ROOT)}: broken link {match[1]}")
        return f"{url}/blob/main/{target.relative_to(ROOT).as_posix()}"

    kept, last = [], 0
    for code in CODE.finditer(text):
        kept += [LINK.sub(moved, text[last : code.start()]), code[0]]
        last = code.end()
    return "".join([*kept, LINK.sub(moved, text[last:])])


def api_page() -> str:
    """Return the page of the Python API: one directive for each public name."""
    parts = ["# Python API\n\n`import suwen` provides these names.\n"]
    for subject, names in API.items():
        parts.append(f"\n## {subject}\n\n" + "\n".join(f"::: suwen.{name}\n" for name in names))
    return "".join(parts)


def stage() -> None:
    """Write the pages of the site to `build/docs`."""
    shutil.rmtree(PAGES, ignore_errors=True)
    staged, url = places(), repository()
    for source, place in staged.items():
        target = PAGES / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(with_links(source.read_text(encoding="utf-8"), source, staged, url), encoding="utf-8")
        else:
            shutil.copyfile(source, target)
    (PAGES / "api.md").write_text(api_page(), encoding="utf-8")


def main() -> int:
    """Build the site, and return the exit status of Zensical."""
    stage()
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - nothing of it comes from outside


if __name__ == "__main__":
    sys.exit(main())
