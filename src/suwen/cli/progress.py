"""The bar that shows how far a run is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from suwen.cli.output import printable
from suwen.runs import Listener, Progress

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(console: Console) -> Iterator[Listener]:
    """Show a bar with the time left while a run lasts, and print its messages.

    Where the run fails the bar leaves nothing behind, so that the error is one line. Without a terminal only messages
    are printed.
    """
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("loading", total=None, detail="")

        def show(progress: Progress) -> None:
            if progress.message:
                console.print(printable(progress.message), highlight=False, markup=False, soft_wrap=True)
            if progress.phase != bar.tasks[task].description:
                # The work of an earlier process does not help to estimate the time left.
                bar.reset(task, description=progress.phase, total=progress.total, completed=progress.done)
            bar.update(task, completed=progress.done, total=progress.total)
            if progress.detail:
                bar.update(task, detail=progress.detail)

        try:
            yield show
        except BaseException:
            bar.live.transient = True
            raise
