"""Render the HTML pages from their templates.

The pages stand alone: no script, no font and no file from elsewhere; a content policy forbids the browser to load or
run any. Filters are check boxes that the style sheet reads (``:has``).

Every string that a template prints becomes safe HTML by itself (see `page.marked_up`). Inside a quoted attribute it
also needs the filter ``attribute``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from suwen.files import StrPath, replacing
from suwen.pages.page import attribute, marked_up

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render", "write_page"]


def render(template: str, **values: object) -> Iterator[str]:
    """Render a template and return the HTML in pieces.

    Parameters
    ----------
    template
        The name of a file in ``templates``, without its extension.
    values
        What the template prints. Iterators are read while the pieces are, so that long texts need little memory.
    """
    return _environment().get_template(f"{template}.html.jinja").generate(values)


def write_page(path: StrPath, template: str, **values: object) -> None:
    """Render a template into a file, completely or not at all (see `render`).

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written.
    """
    with replacing(Path(path)) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as page:
        page.writelines(render(template, **values))


@cache
def _environment() -> Environment:
    # Only who writes pages waits for the import.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("suwen.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["attribute"] = lambda value: attribute(str(value))
    environment.filters["number"] = "{:,}".format
    environment.filters["percent"] = lambda ratio: f"{100 * ratio:.1f}"
    style = files("suwen.pages").joinpath("style.css").read_text(encoding="utf-8")
    environment.globals["stylesheet"] = Markup(style)  # noqa: S704
    return environment


def _printed(value: object) -> object:
    return marked_up(value) if isinstance(value, str) and not isinstance(value, Markup) else value
