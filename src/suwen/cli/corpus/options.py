"""Options that the commands on corpora share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import typer

__all__ = ["ENCODING", "OFFSETS", "Offsets", "reading_options"]


class Offsets(StrEnum):
    """What the offsets of brat count."""

    text = "text"
    crlf = "crlf"


ENCODING: Any = typer.Option(
    None, "--encoding", help="The encoding of the files: utf-8, gbk, gb18030, utf-16, big5 …", show_default="found out"
)
OFFSETS: Any = typer.Option(
    None,
    "--offsets",
    help="From brat: crlf if offsets count line ends as two characters and the text has one.",
    show_default="text",
)


def reading_options(encoding: str | None, offsets: Offsets | None) -> dict[str, str]:
    """Return the options of the reader that were given."""
    options = {"encoding": encoding, "offsets": offsets.value if offsets else None}
    return {name: value for name, value in options.items() if value is not None}
