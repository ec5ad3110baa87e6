from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from itertools import islice
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from suwen.pages.rendering import render

TEMPLATES = files("suwen.pages").joinpath("templates")
NAMES = sorted(path.name.removesuffix(".html.jinja") for path in TEMPLATES.iterdir())
NO_COUNTS = {"relations": None}
SOURCE = Path(__file__).parent.parent / "src" / "suwen"


def rendered(template: str, **values: object) -> str:
    return "".join(render(template, **values))


def test_pages_rendering_finds_every_template_that_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    used = set(re.findall(r'\b(?:render\(|write_page\(\s*[\w.]+,)\s*"(\w+)"', code))
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir())
    used |= set(re.findall(r'(?:extends|from) "(\w+)\.html\.jinja"', templates))
    assert used == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_pages_rendering_marks_what_stands_in_attributes(name: str) -> None:
    source = TEMPLATES.joinpath(f"{name}.html.jinja").read_text(encoding="utf-8")
    markup = re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
    tags = re.findall(r"<\w(?:\{\{.*?\}\}|\{%.*?%\}|[^<>{])*>", markup)
    expressions = [one for tag in tags for one in re.findall(r"{{(.*?)}}", tag)]
    assert all(one.strip().endswith("| attribute") for one in expressions), expressions


def test_pages_rendering_escapes_by_default() -> None:
    page = rendered("section", article=["<b>\u202e\"'&amp;"], anchor='"><b>', heading=None, counts=NO_COUNTS)
    assert (
        '<article lang="zh">&lt;b&gt;<i class="invisible" data-code="U+202E"></i>&quot;&#x27;&amp;amp;</article>'
        in page
    )
    assert 'id="&quot;&gt;&lt;b&gt;"' in page


def test_pages_rendering_refuses_a_missing_value() -> None:
    with pytest.raises(UndefinedError, match="heading"):
        rendered("section", article=[], anchor=None)


def test_pages_rendering_reads_a_text_while_it_writes() -> None:
    def endless():  # type: ignore[no-untyped-def]
        while True:
            yield "糖"

    assert "".join(
        islice(render("section", article=endless(), anchor=None, heading=None, counts=NO_COUNTS), 20)
    ).endswith("糖糖糖")


def test_pages_rendering_is_loaded_only_to_write_a_page() -> None:
    code = "import sys, suwen, suwen.formats.html, suwen.evaluation.report; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
