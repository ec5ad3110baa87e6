"""The command ``suwen demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.bundled import DATA
from suwen.cli.output import show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.document import Document

MARK = ".suwen-demo"
"""The file by which an earlier demo's folder is known."""

# Short enough that a row fits on a line of 80 characters.
SHOWN_WIDTH = 30

FILES = {
    "article.html": "the article with its mentions in color; open it in a browser",
    "article.jsonl": "the same mentions as data: offsets into the article, and a confidence each",
    "article-brat": "the same in brat's form, to correct by hand",
    "graph.db": "a knowledge graph of the sample library; see 'suwen graph query --help'",
    "errors.html": "every error of the trained model on the held-out passages, in its text",
    "model": "the trained model; README.md in it says what it learned from and how well it does",
    "split.json": "which passages were learned from, and which were held out",
    "training.toml": "how it was trained",
    "sample": "the annotated corpus",
    "article": "the article as plain text",
    "library": "fifteen short annotated articles, for the graph",
}
"""What a demo makes in its folder, and so replaces when it runs again."""


def demo(
    context: typer.Context,
    output: Path = typer.Option(Path("demo-output"), "--output", "-o", metavar="DIR", help="The folder to write."),
) -> None:
    """Extract from an article with the bundled model; then split a sample corpus, train on it, and score.

    Each step is an ordinary command, shown as it would be typed. It takes one or two minutes. What an earlier demo made
    in the folder is replaced, other files in it are left alone; a folder that no demo made is refused.

    Example: suwen demo -o demo-output
    """
    import os
    import time
    from functools import partial

    from suwen.formats import read_corpus
    from suwen.requirements import TRAINING, require_packages

    require_packages(*TRAINING)
    started = time.monotonic()
    prepare(output)
    # So small a model gains nothing from more threads, and waits long for them where the machine has other work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    step = partial(run_step, context)
    show("Each step is a command that you can type yourself (the figures are those of OMP_NUM_THREADS=1).")
    for name, options in {"article.html": (), "article.jsonl": (), "article-brat": ("--to", "brat")}.items():
        title = f"Extract from an article, with the bundled model: {name}"
        step(title, "extract", output / "article", "-o", output / name, *options)
    show("", mentions_table(read_corpus(output / "article.jsonl")))

    graph = output / "graph.db"
    step("Build a knowledge graph of a small library", "graph", "build", output / "library", "-o", graph)
    step("Ask it what is known of a drug", "graph", "query", graph, "二甲双胍", "--relation", "SideEff-Drug")

    sample, split, model = output / "sample", output / "split.json", output / "model"
    step("Deal the journal issues to train, dev and test", "corpus", "split", sample, "-o", split, "--unit", "group")
    step(
        "Train a tagger of your own",
        "train",
        sample,
        "-o",
        model,
        "--split",
        split,
        "--config",
        output / "training.toml",
    )
    page = output / "errors.html"
    step("Score it on the held-out issues", "evaluate", model, sample, "--split", split, "--html", page)
    show(f"\nDone in {time.monotonic() - started:.0f} seconds. Open these:\n")
    for name, meaning in FILES.items():
        show(f"  [bold]{output / name}[/bold]\n      {meaning}")


def prepare(output: Path) -> None:
    """Make the folder, without what an earlier demo made in it, and copy the bundled files into it.

    Raises
    ------
    SuwenError
        S104 when there is something that no demo made, S102 or S105 when it cannot be written.
    """
    from suwen.errors import SuwenError
    from suwen.files import os_error, write_text

    if output.exists() and not (output / MARK).is_file() and not (output.is_dir() and not any(output.iterdir())):
        raise SuwenError("S104", output)
    write_text(output / MARK, "Made by 'suwen demo', which replaces what it made here when it runs again.\n")
    try:
        for name in (*FILES, "model.training"):
            remove(output / name)
        copy_files(DATA / "sample", output / "sample")
        copy_files(DATA / "article", output / "article")
        copy_files(DATA / "library", output / "library")
        write_text(output / "training.toml", (DATA / "demo.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise os_error(error, output) from None


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there; of a link, the link alone."""
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder, but not their permissions: an installed package may be read-only."""
    import shutil

    target.mkdir()
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, target / path.name)


def run_step(context: typer.Context, title: str, *arguments: str | Path) -> None:
    """Show a command of suwen as it would be typed, and run exactly that."""
    import shlex
    import sys

    from rich.markup import escape

    words = [str(argument) for argument in arguments]
    show(f"\n[bold]{escape(title)}")
    typer.echo(f"$ {shlex.join(['suwen', *words])}\n")
    root = context.find_root()
    status = root.command.main(words, root.info_name, standalone_mode=False)
    # Progress goes to standard error; without this, what is piped to one place would come in another order.
    sys.stdout.flush()
    if status:
        raise typer.Exit(status)


def mentions_table(documents: list[Document]) -> Table:
    """Return a table of mentions by type: their number, mean confidence and the most frequent ones."""
    from collections import Counter
    from statistics import mean

    from rich.table import Table

    from suwen.schema import LCDD

    table = Table("Type", "Found", "Confidence", "Most frequent", title="What was found in the article")
    table.columns[1].justify = table.columns[2].justify = "right"
    mentions = [(document, entity) for document in documents for entity in document.entities]
    for kind in LCDD.entities:
        found = [(document, entity) for document, entity in mentions if entity.label == kind.name]
        if found:
            frequent = Counter(document.mention(entity) for document, entity in found).most_common()
            confidence = mean(entity.score or 0.0 for _, entity in found)
            table.add_row(f"{kind.zh} {kind.en}", str(len(found)), f"{confidence:.2f}", listed(frequent))
    return table


def listed(counts: list[tuple[str, int]]) -> str:
    """As many mentions, with their counts, as fit on a line."""
    from rich.cells import cell_len
    from rich.markup import escape

    line = ""
    for mention, count in counts:
        longer = f"{line}, {mention} {count}" if line else f"{mention} {count}"
        if line and cell_len(longer) > SHOWN_WIDTH:
            break
        line = longer
    return escape(line)
