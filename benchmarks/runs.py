"""Shared parts of the benchmarks that train models: every step is a command line of a user.

Steps whose output is there are not repeated, so that a benchmark continues where it was stopped.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from suwen.files import read_text, write_text

BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def suwen(*arguments: object) -> str:
    """Run a command; returns what it printed.

    It runs in a copy of this process, which has read what every command needs: a short training starts at once.
    """
    import suwen.cli
    import suwen.loading
    import suwen.training.taggers

    assert suwen.loading
    assert suwen.training.taggers
    print("suwen", *arguments, flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        process = os.fork()
        if not process:
            os.dup2(printed.fileno(), sys.stdout.fileno())
            sys.argv = ["suwen", *map(str, arguments)]
            status = 1
            try:
                suwen.cli.main()
                status = 0
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status:
            sys.exit(f"suwen ended with status {status}")
        printed.seek(0)
        return printed.read()


def resumed(output: Path) -> list[str]:
    """Return the option that continues an unfinished run, if there is one."""
    return ["--resume"] if output.with_name(f"{output.name}.training").exists() else []


def make_split(corpus: Path, split: Path, unit: str) -> None:
    """Split the corpus as `suwen corpus split` does, seed 0."""
    if not split.exists():
        suwen("corpus", "split", corpus, "-o", split, "--unit", unit)


def once(output: Path, *command: object) -> None:
    """Run a command whose output is not there, and note what it was; an output of another command ends the program."""
    words, note = " ".join(map(str, command)), output.with_name(f"{output.name}.command")
    if not output.exists():
        write_text(note, f"{words}\n")
        suwen(*command, *resumed(output))
    elif not note.exists() or read_text(note).strip() != words:
        made = read_text(note).strip() if note.exists() else "unknown options"
        sys.exit(
            f"{output} was made by another command; remove it or name another folder\n  it: {made}\n  now: {words}"
        )


def train(corpus: Path, split: Path, model: Path, options: Sequence[object]) -> None:
    """Train a model on the train part."""
    once(model, "train", corpus, "-o", model, "--split", split, *options)


def score(corpus: Path, split: Path, model: Path, part: str) -> Path:
    """Score a model on a part: the figures' file; the predictions are beside it as ``.jsonl``."""
    scores = model.with_name(f"{model.name}.{part}.json")
    if not scores.exists() or scores.stat().st_mtime < (model / "manifest.json").stat().st_mtime:
        predictions = scores.with_suffix(".jsonl")
        # Those of a step that was stopped before its figures were there, or of a model that was there before.
        predictions.unlink(missing_ok=True)
        options = ["--split", split, "--part", part, "--save-predictions", predictions]
        write_text(scores, suwen("evaluate", model, corpus, *options, "--json"))
    return scores


def percent(value: float) -> str:
    """Return a share in percent, two decimals."""
    return f"{100 * value:.2f}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def replace_table(page: Path, table: str) -> None:
    """Put a table where the page has its marks; begin the page with it if there is none."""
    before, _, rest = (read_text(page) if page.exists() else "").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(page, f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
