"""The command ``suwen corpus agree``."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import ENCODING, FORMAT, JSON, OFFSETS, SEED, Offsets, reading_options
from suwen.cli.output import amount, fail, printable, report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.annotation.agreement import Agreement, Measure
    from suwen.schema import Schema

SHOWN = 10


def agree(
    corpora: list[Path] = typer.Argument(
        ..., metavar="A B [C ...]", help="One path per annotator; or one export of Label Studio."
    ),
    html: Path | None = typer.Option(None, metavar="FILE", help="Write a page that shows each disagreement."),
    adjudicate: Path | None = typer.Option(
        None, metavar="FOLDER", help="Write all annotations in brat, with a note on those that not all annotators have."
    ),
    seed: int = SEED,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    as_json: bool = JSON,
) -> None:
    """Measure the agreement of annotators on the same texts.

    F1 of entities (strict and partial), Cohen's kappa by character with and without O, F1 of relations on shared
    entities, each for every two annotators on the documents that both have, with bootstrap intervals over documents;
    for more than two also the means and Krippendorff's alpha. Documents are matched by id; texts that differ are
    refused (S943). One export of Label Studio is enough if several people have annotated its tasks.

    Example: suwen corpus agree anna/ bo/ --html disagreements.html --adjudicate to-decide/
    """
    from suwen import agree as compare
    from suwen.annotation.disagreements import to_adjudicate
    from suwen.files import require_new, write_text
    from suwen.formats import brat, format_of, label_studio, read_corpus, write_corpus
    from suwen.formats.brat_config import brat_config

    for output in filter(None, (html, adjudicate)):
        require_new(output)
    options = reading_options(encoding, offsets)
    if len(corpora) == 1 and (source or format_of(corpora[0])) == label_studio.NAME:
        names = label_studio.FORMAT.annotators(corpora[0])
        documents = [read_corpus(corpora[0], label_studio.NAME, annotator=name, **options) for name in names]
    else:
        names = annotator_names(corpora)
        documents = [read_corpus(path, source, **options) for path in corpora]
    found = compare(dict(zip(names, documents, strict=True)), seed=seed)
    for name, count in found.left_out.items():
        if count:
            fail(f"{name}: left out: {amount(count, 'document', 'documents')} that no other annotator has")
    if html:
        found.write_html(html)
    if adjudicate:
        write_corpus(to_adjudicate(found.annotators), adjudicate, brat.NAME)
        for name, text in brat_config(*label_set(found)).items():
            write_text(adjudicate / name, text)
    if as_json:
        report(found.to_dict())
    else:
        show(pairs_table(found), type_table(found), confusion_table(found), boundary_table(found))


def label_set(found: Agreement) -> tuple[Schema, set[str]]:
    """Return the label set of all annotations (LCDD if it has all labels), and the relation types."""
    from suwen.schema import LCDD, Schema

    documents = [document for corpus in found.annotators.values() for document in corpus]
    labels = {entity.label for document in documents for entity in document.entities}
    relations = {relation.label for document in documents for relation in document.relations}
    return LCDD if labels <= set(LCDD.labels) else Schema.of_labels(labels), relations


def annotator_names(paths: list[Path]) -> list[str]:
    """Return a name for each annotator: the last part of the path, or as much of it as makes them unique."""
    stems = [path.resolve().with_suffix("").parts for path in paths]
    for length in range(1, max(map(len, stems)) + 1):
        names = ["/".join(parts[-length:]) for parts in stems]
        if len(set(names)) == len(names):
            return list(map(printable, names))
    return [f"{name} ({number})" for number, name in enumerate((path.name for path in paths), 1)]


def pairs_table(found: Agreement) -> Table:
    """Return the figures of every two annotators, and their means."""
    from rich.table import Table
    from rich.text import Text

    table = Table("Annotators", title=f"Agreement on {amount(found.documents, 'document', 'documents')}")
    for column in ("strict F1", "partial F1", "kappa", "kappa without O", "relation F1"):
        table.add_column(column, justify="right")
    for pair in found.pairs:
        cells = [percent(pair.strict), percent(pair.partial), decimal(pair.kappa), decimal(pair.kappa_without_o)]
        name = pair.name if pair.documents == found.documents else f"{pair.name} (on {pair.documents:,})"
        table.add_row(Text(name), *cells, shown(100 * pair.relation_f1, 1))
    if len(found.pairs) > 1:
        table.add_section()
        means = [
            shown(100 * found.mean(lambda pair: pair.strict.value), 1),
            shown(100 * found.mean(lambda pair: pair.partial.value), 1),
            shown(found.mean(lambda pair: pair.kappa.value), 3),
            shown(found.mean(lambda pair: pair.kappa_without_o.value), 3),
            shown(100 * found.mean(lambda pair: pair.relation_f1), 1),
        ]
        table.add_row("mean of the pairs", *means)
        table.caption = f"Krippendorff's alpha by character: {shown(found.alpha, 3)}"
    if found.hidden:
        note = f"{found.hidden:,} mentions lie under longer ones and do not count for kappa"
        table.caption = f"{table.caption}; {note}" if table.caption else note
    return table


def percent(measure: Measure) -> str:
    """Return a share in percent with its interval."""
    interval = measure.interval
    behind = f" [{100 * interval.low:.1f}, {100 * interval.high:.1f}]" if interval else ""
    return shown(100 * measure.value, 1) + behind


def decimal(measure: Measure) -> str:
    """Return a figure with its interval."""
    interval = measure.interval
    return shown(measure.value, 3) + (f" [{interval.low:.3f}, {interval.high:.3f}]" if interval else "")


def shown(value: float, digits: int) -> str:
    """Return a figure; a dash where it is not defined."""
    return "–" if isnan(value) else f"{value:.{digits}f}"


def type_table(found: Agreement) -> Table:
    """Return strict F1 by type, for each pair."""
    from rich.table import Table
    from rich.text import Text

    table = Table("Type", title="Strict F1 by type")
    for pair in found.pairs:
        table.add_column(Text(pair.name), justify="right")
    by_type = [pair.analysis.scores.strict.by_type for pair in found.pairs]
    for label in dict.fromkeys(label for scores in by_type for label in scores):
        cells = [f"{100 * scores[label].f1:.1f}" if label in scores else "–" for scores in by_type]
        table.add_row(Text(printable(label)), *cells)
    return table


def confusion_table(found: Agreement) -> Table:
    """Return the most frequent disagreements on types, over all pairs."""
    from collections import Counter

    from rich.table import Table
    from rich.text import Text

    counts: Counter[tuple[str, str]] = Counter()
    for pair in found.pairs:
        for types, count in pair.analysis.confusion.items():
            counts[tuple(sorted(types))] += count if types[0] != types[1] else 0  # type: ignore[index]
    table = Table("Types", title="Most frequent disagreements on types")
    table.add_column("count", justify="right")
    for (one, other), count in (+counts).most_common(SHOWN):
        table.add_row(Text(printable(f"{one or 'none'} / {other}")), f"{count:,}")
    if not +counts:
        table.add_row("none", "0")
    return table


def boundary_table(found: Agreement) -> Table:
    """Show by how much starts and ends differ, over all pairs."""
    from collections import Counter

    from rich.table import Table

    table = Table("Boundary", "difference in characters: count", title="Same type, other boundaries")
    for side in ("start", "end"):
        counts: Counter[int] = Counter()
        for pair in found.pairs:
            counts.update({abs(by): count for by, count in pair.boundaries[side].items()})
        table.add_row(side, ", ".join(f"{by}: {count:,}" for by, count in sorted(counts.items())) or "–")
    return table
