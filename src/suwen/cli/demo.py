"""The command ``suwen demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.bundled import DATA
from suwen.cli.output import show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.document import Document

MARK = ".suwen-demo"
"""The file that marks the folder of a demo."""

PAGE = "http://127.0.0.1:8000/"
"""The address at which 'suwen serve' serves."""

# Short enough that a row fits on a line of 80 characters.
SHOWN_WIDTH = 30

FILES = {
    "article.html": "the article with its mentions in color and its relations; open it in a browser",
    "article.jsonl": "the same as data: offsets into the article, and a confidence for each mention and relation",
    "article-brat": "the same in brat's format, to correct by hand",
    "graph.db": "the knowledge graph of the library and the article",
    "errors.html": "every error of the trained model on the held-out passages, in its text",
    "model": "the trained model; its README.md lists its training data and scores",
    "split.json": "the split: passages for training, and held-out passages",
    "training.toml": "the training configuration",
    "sample": "the annotated corpus",
    "article": "the article as plain text",
    "library": "fifteen short annotated articles, for the graph",
}
"""The files that a demo makes in its folder, and replaces when it runs again."""


def demo(
    context: typer.Context,
    output: Path = typer.Option(Path("demo-output"), "--output", "-o", metavar="DIR", help="The folder to write."),
    serve: bool = typer.Option(False, "--serve", help="Open the graph in a browser at the end; stop it with Ctrl+C."),
) -> None:
    """Run the main commands on bundled data. Extract from an article, build a graph, train a tagger.

    Each step is an ordinary command, shown as it would be typed. It takes one or two minutes. Files of an earlier demo
    in the folder are replaced, other files in it are left alone; a folder that no demo made is refused.

    Example: suwen demo -o demo-output --serve
    """
    import os
    import time

    from suwen.formats import read_corpus
    from suwen.requirements import EXTRAS, TRAINING, require_packages

    require_packages(*TRAINING, *(EXTRAS["serve"] if serve else ()))
    started = time.monotonic()
    prepare(output)
    # A model this small gains nothing from more threads, and waits for them if the machine is busy.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    show("Each step is a command that you can type yourself (the figures are those of OMP_NUM_THREADS=1).")
    extract_article(context, output)
    show("", mentions_table(read_corpus(output / "article.jsonl")))
    build_graph(context, output)
    train_tagger(context, output)
    show(f"\nDone in {time.monotonic() - started:.0f} seconds. Open these:\n")
    for name, meaning in FILES.items():
        show(f"  [bold]{output / name}[/bold]\n      {meaning}")
    show_page(output / "graph.db", serve)


def extract_article(context: typer.Context, output: Path) -> None:
    """Extract mentions, relations and assertions from the bundled article, in three formats."""
    for name, options in {"article.html": (), "article.jsonl": (), "article-brat": ("--to", "brat")}.items():
        title = f"Find mentions and relations in an article, with the bundled models: {name}"
        source, target = output / "article", output / name
        run_step(context, title, "extract", source, "-o", target, "--relations", "--assertion", *options)
    explain(
        "The models found drugs, diseases and 13 other types in a text without annotations, and which of them belong "
        "together. Negated and hypothetical mentions are marked."
    )


def build_graph(context: typer.Context, output: Path) -> None:
    """Build a graph of the bundled library and the article, and query it."""
    graph = output / "graph.db"
    title = "Build a knowledge graph of a small annotated library and that article"
    run_step(context, title, "graph", "build", output / "library", output / "article.jsonl", "-o", graph)
    explain("Names of the same thing became one concept: T2DM and 2型糖尿病. Equal relations became one edge.")
    title = "Query it for the side effects of a drug"
    run_step(context, title, "graph", "query", graph, "二甲双胍", "--relation", "SideEff-Drug")
    explain(
        "'aff.', 'neg.' and 'hyp.' count affirmed, negated and hypothetical statements. Negated statements are kept, "
        "and lower the confidence."
    )
    run_step(context, "Ask for the sentences of an edge", "graph", "query", graph, "--edge", "二甲双胍", "乳酸酸中毒")
    explain("Each edge leads to its sentences: ⟦ ⟧ marks the first concept, ⟨ ⟩ the second one.")


def train_tagger(context: typer.Context, output: Path) -> None:
    """Split the bundled corpus, train a tagger on it, and score the tagger."""
    sample, split, model = output / "sample", output / "split.json", output / "model"
    title = "Assign the journal issues of an annotated corpus to train, dev and test"
    run_step(context, title, "corpus", "split", sample, "-o", split, "--unit", "group")
    explain("Journal issues are not divided, so that no test passage resembles a training passage.")
    training = ("-o", model, "--split", split, "--config", output / "training.toml")
    run_step(context, "Train a tagger of your own", "train", sample, *training)
    scoring = ("--split", split, "--html", output / "errors.html")
    run_step(context, "Score it on the held-out issues", "evaluate", model, sample, *scoring)
    explain("Strict F1: type and both ends of a mention are right. A corpus this small gives a weak tagger.")


def explain(sentence: str) -> None:
    """Explain the result of a step in plain words."""
    show(f"\n[italic]{sentence}[/italic]")


def show_page(graph: Path, serve: bool) -> None:
    """Show the command and the address of the page; with `serve`, run the command and open the page."""
    show("\n[bold]Explore the graph in a browser, and extract from texts of your own")
    typer.echo(f"$ {shlex.join(['suwen', 'serve', str(graph)])}\n")
    if serve:
        from suwen.cli.serve import run
        from suwen.web.serving import Address

        run(graph, Address(), open_page)
    else:
        show(f"Then open {PAGE} in a browser.")


def open_page(address: str) -> None:
    """Show the address of the page, and open it."""
    import webbrowser

    from suwen.cli.serve import print_address

    print_address(address)
    webbrowser.open(address)


def prepare(output: Path) -> None:
    """Make the folder, without what an earlier demo made in it, and copy the bundled files into it.

    Raises
    ------
    SuwenError
        S104 when there is something that no demo made, S102 or S105 when it cannot be written.
    """
    from suwen.files import os_error, require_new_or_empty, write_text

    if not (output / MARK).is_file():
        require_new_or_empty(output)
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
            table.add_row(kind.title, str(len(found)), f"{confidence:.2f}", listed(frequent))
    return table


def listed(counts: list[tuple[str, int]]) -> str:
    """Return as many mentions, with their counts, as fit on a line."""
    from rich.cells import cell_len
    from rich.markup import escape

    line = ""
    for mention, count in counts:
        longer = f"{line}, {mention} {count}" if line else f"{mention} {count}"
        if line and cell_len(longer) > SHOWN_WIDTH:
            break
        line = longer
    return escape(line)
