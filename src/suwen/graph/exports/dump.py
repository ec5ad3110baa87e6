"""The canonical dump (see `suwen.graph.dump`) as a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from suwen.graph.dump import dump_lines
from suwen.graph.exports.rows import Rows

__all__ = ["write"]


def write(rows: Rows, path: Path) -> Counter[str]:
    """Write one JSON object a line; nothing is lost but times and the numbers of builds."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(dump_lines(rows.connection))
    return Counter()
