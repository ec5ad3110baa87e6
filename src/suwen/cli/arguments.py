"""What the commands make of their arguments."""

from __future__ import annotations

from pathlib import Path

import typer

__all__ = ["named_path"]


def named_path(name: str) -> Path:
    """The path that an argument names, whether or not it can be read: Typer's own check has no code for that.

    Raises
    ------
    typer.BadParameter
        When the name is empty (an unset variable, most likely): for Python that is the current folder.
    """
    if not name:
        raise typer.BadParameter("the name is empty")
    return Path(name)
