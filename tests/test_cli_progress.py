"""The bar, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from suwen.cli.progress import progress_bar
from suwen.runs import Progress


def test_cli_progress_prints_messages_alone_without_a_terminal() -> None:
    console = Console(file=io.StringIO(), width=20)
    with progress_bar(console) as listener:
        listener(Progress("steps", 1, 2, "loss 0.5"))
        listener(Progress("steps", 2, 2, message="[dev] " + "F1 0.5 " * 9))
    assert console.file.getvalue() == "[dev] " + "F1 0.5 " * 9 + "\n"


def test_cli_progress_shows_phase_share_and_detail_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with progress_bar(console) as listener:
        listener(Progress("extracting", 1, 2))
        listener(Progress("writing", 1, 4, "9 characters/s"))
    shown = console.file.getvalue()
    assert "writing" in shown
    assert " 25%" in shown
    assert "9 characters/s" in shown


def test_cli_progress_leaves_nothing_behind_where_the_run_fails() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)

    def fail() -> None:
        with progress_bar(console) as listener:
            listener(Progress("steps", 1, 2))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    # The last thing that the terminal is told is to erase the bar's line.
    assert console.file.getvalue().endswith("\x1b[2K")
