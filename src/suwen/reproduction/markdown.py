"""The report as Markdown: the same tables, the plots as links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suwen.corpus.split import PARTS
from suwen.reproduction.content import (
    MISSING,
    ClaimReport,
    Content,
    EncoderRow,
    PartCounts,
    Plot,
    RunRow,
    SystemRow,
    SystemTable,
    Views,
)
from suwen.reproduction.figures import RULINGS
from suwen.reproduction.results import Summary
from suwen.reproduction.system_run import DONE

__all__ = ["markdown_report"]

MEASURES = ("f1", "precision", "recall", "token_f1", "accuracy")
COLUMNS = (
    *("model", "paper F1", "P", "R"),
    *(
        name
        for unit in ("sentences", "documents", "journal issues")
        for name in (f"{unit}: strict F1", "P", "R", "token F1", "tag accuracy")
    ),
)


def markdown_report(content: Content) -> str:
    """Return the whole page."""
    parts = ["# The paper's experiments\n", *(f"- {en}" for _, en in content.facts), ""]
    if content.claims:
        parts += ["## Claims of the paper\n", _claims(content.claims)]
    if content.parts:
        parts += ["## Table 2: entities by part\n", *_parts(content.parts)]
    for table in content.tables:
        title = f"Table {table.number}: {table.title[1]}" if table.in_paper else table.title[1]
        parts += [f"## {title}\n", _table(table), _images(table, content.unit[1])]
    if content.views and content.views.rows:
        parts += ["## Splits and scores that reach the paper's figures\n", *_views(content.views)]
    if content.type_plots:
        parts += ["## Types\n", *_types(content.type_plots, content.unit[1])]
    if content.encoders:
        parts += ["## Encoders\n", _encoders(content.encoders)]
    parts += ["## How it was made\n", *(f"- {en}" for _, en in content.limits), ""]
    parts += ["## Runs\n", _runs(content.runs)]
    return "\n".join(parts) + "\n"


def _types(plots: Sequence[Plot], unit: str) -> Iterator[str]:
    yield f"On the test part, split by {unit}; the matrices are in percent of the row. The last row"
    yield "counts predictions without an annotation, the last column annotations that were not found.\n"
    yield from map(_image, plots)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _image(plot: Plot) -> str:
    return f"![{plot.name}](plots/{plot.name}.svg)\n"


def _images(table: SystemTable, unit: str) -> str:
    images = ""
    for plot in table.plots:
        if plot.name.startswith("learning-curves"):
            images += f"\nLearning curves on the dev part, split by {unit}, first seed:\n\n"
        images += _image(plot)
    return images


def _claims(claims: Sequence[ClaimReport]) -> str:
    rows = [
        [
            f"{claim.statement[1]}: **{claim.ruling}**" if index == 0 else "",
            *(row.contrast, row.paper, row.difference, row.p_value, row.seeds),
            *(RULINGS[row.ruling][1], row.on_sentences),
        ]
        for claim in claims
        for index, row in enumerate(claim.rows)
    ]
    return _grid(("claim", "contrast", "paper", "here (95 % interval)", "p", "seeds", "verdict", "on sentences"), rows)


def _parts(tables: Sequence[PartCounts]) -> Iterator[str]:
    paper, *found = tables
    columns = ["type", *(f"{paper.source[1]} {part}" for part in PARTS)]
    columns += [f"{one.source[1]}: {part}" for one in found for part in PARTS]
    rows = [[label, *(f"{value:,}" for one in tables for value in one.counts[label])] for label in paper.counts]
    rows.append(["total", *(f"{total:,}" for one in tables for total in one.totals)])
    yield _grid(columns, rows)
    for one in tables:
        yield f"- {'the paper' if one is paper else one.source[1]}: {one.farthest[1]}"
    yield ""


def _table(table: SystemTable) -> str:
    rows = []
    for (_, heading), systems in table.sections:
        if heading:
            rows.append([f"*{heading}*", *[""] * (len(COLUMNS) - 1)])
        rows += map(_system, systems)
    return _grid(COLUMNS, rows)


def _system(row: SystemRow) -> list[str]:
    paper = row.reported
    reported = [f"{value:.3f}" for value in (paper.f1, paper.precision, paper.recall)] if paper else [MISSING] * 3
    return [row.title, *reported, *_cells(row.sentence), *_cells(row.document), *_cells(row.group)]


def _cells(summary: Summary | None) -> list[str]:
    return [str(getattr(summary, name)) if summary else MISSING for name in MEASURES]


def _views(views: Views) -> Iterator[str]:
    rows = [
        [row.system, row.split[1], *(f"**{cell}**" if reached else cell for cell, reached in row.cells)]
        for row in views.rows
    ]
    yield _grid(("system", "split by", *(en for _, en in views.measures)), rows)
    yield f"Bold: at least {views.low:.3f}, the lowest F1 of the paper (its highest is {views.high:.3f}).\n"
    yield f"With the split by entity, {views.shared:.1f} % of the test sentences are also in the training part.\n"
    if views.plot:
        yield _image(views.plot)


def _encoders(encoders: Sequence[EncoderRow]) -> str:
    rows = [
        [one.name, one.origin, one.base_tokens, one.steps, one.tokens, one.loss, one.unigram_loss] for one in encoders
    ]
    columns = ("encoder", "origin", "million characters of its beginning", "steps", "million characters since")
    return _grid((*columns, "held-out loss", "unigram loss"), rows)


def _runs(runs: Sequence[RunRow]) -> str:
    return _grid(("run", "state", "strict F1", "seconds", "CPU seconds"), [_run(run) for run in runs])


def _run(run: RunRow) -> list[str]:
    if run.seconds is None or run.cpu_seconds is None:
        return [run.name, "not run", "", "", ""]
    name = f"[{run.name}](manifests/{run.name}.json)" if run.done else run.name
    state = DONE if run.done else f"failed: {run.error}".replace("|", "\\|")
    return [name, state, run.f1, f"{run.seconds:.0f}", f"{run.cpu_seconds:.0f}"]
