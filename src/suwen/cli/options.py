"""Options that several commands share: each has one name, one meaning and one help text."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.errors import SuwenError
from suwen.requirements import require_device

if TYPE_CHECKING:
    from suwen.corpus.split import Split
    from suwen.schema import Schema

__all__ = [
    "CONFIG",
    "DEVICE",
    "ENCODING",
    "FORMAT",
    "ID_COLUMN",
    "JSON",
    "OFFSETS",
    "PART",
    "RESUME",
    "SCHEMA",
    "SEED",
    "SETTINGS",
    "SHEET",
    "SPLIT",
    "TEXT_COLUMN",
    "Offsets",
    "Preset",
    "Task",
    "read_schema",
    "read_split",
    "reading_options",
    "require_option",
]


class Offsets(StrEnum):
    """Units of the offsets of brat, ccks, doccano and label_studio."""

    text = "text"
    crlf = "crlf"
    lf = "lf"
    utf16 = "utf-16"
    utf8 = "utf-8"
    no_bom = "no-bom"


class Task(StrEnum):
    """Tasks."""

    ENTITIES = "entities"
    RELATIONS = "relations"


class Preset(StrEnum):
    """The named configurations."""

    BEST = "best"
    PAPER = "paper"


def _known_device(device: str) -> str:
    require_device(device)
    return device


FORMAT: Any = typer.Option(
    None, "--format", metavar="FORMAT", help="The format of the input.", show_default="found from the files"
)
ENCODING: Any = typer.Option(
    None,
    "--encoding",
    help="The encoding of the input: utf-8, gbk, gb18030, utf-16, big5 …",
    show_default="found from the files",
)
OFFSETS: Any = typer.Option(
    None,
    "--offsets",
    help="Offsets count line ends as two (crlf) or one (lf), UTF-16, bytes (utf-8), no BOM.",
    show_default="text",
)
TEXT_COLUMN: Any = typer.Option(
    None,
    "--text-column",
    metavar="NAME",
    help="The column or key of the text, in csv, xlsx, parquet and in jsonl of other programs.",
)
ID_COLUMN: Any = typer.Option(
    None, "--id-column", metavar="NAME", help="The column or key of the id.", show_default="id"
)
SHEET: Any = typer.Option(
    None, "--sheet", metavar="NAME", help="The sheet of Excel files.", show_default="the only one with content"
)
SCHEMA: Any = typer.Option(None, "--schema", metavar="FILE", help="A label set in TOML.")
SPLIT: Any = typer.Option(None, "--split", metavar="FILE", help="A split made by 'suwen corpus split'.")
PART: Any = typer.Option(None, "--part", metavar="PART", help="The part of the split.", show_default="test")
CONFIG: Any = typer.Option(None, "--config", metavar="FILE", help="A TOML file that changes the preset.")
SEED: Any = typer.Option(0, "--seed", min=0, help="The random seed; the same one gives the same result.")
SETTINGS: Any = typer.Option([], "--set", metavar="KEY=VALUE", help="Change one value, for example seed=1; repeatable.")
DEVICE: Any = typer.Option("cpu", "--device", help="cpu, cuda, or cuda:N for the GPU N.", callback=_known_device)
RESUME: Any = typer.Option(False, "--resume", help="Continue a run that was interrupted.")
JSON: Any = typer.Option(False, "--json", help="Print the figures as JSON.")


def require_option(option: str, given: object, needed: str, present: object) -> None:
    """Refuse an option that means nothing without another one (S410)."""
    if given and not present:
        raise SuwenError("S410", first=option, second=needed, advice=f"add {needed}")


def reading_options(encoding: str | None, offsets: Offsets | None) -> dict[str, Any]:
    """Return the options of the reader that were given."""
    options = {"encoding": encoding, "offsets": offsets.value if offsets else None}
    return {name: value for name, value in options.items() if value is not None}


def read_schema(path: Path | None) -> Schema | None:
    """Read a label set, if one is given."""
    from suwen.schema import Schema

    return Schema.from_toml(path) if path else None


def read_split(path: Path | None) -> Split | None:
    """Read a split file, if one is given."""
    from suwen.corpus.split import Split

    return Split.read(path) if path else None
