"""The report as Markdown: the same tables, the plots as links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suwen.corpus.split import PARTS
from suwen.reproduction.figures import (
    OF_THE_PAPER,
    RULINGS,
    UNIT_NAMES,
    VIEWS,
    Counts,
    largest_deviation,
    main_unit,
    reported_beside,
    reported_difference,
    reported_text,
    table_of,
    views_of,
)
from suwen.reproduction.paper import ADDED, DEALT, REPORTED_RANGE, SYSTEMS, TABLE_2, TABLES, System, Table
from suwen.reproduction.profile import Unit
from suwen.reproduction.protocol import facts, limits
from suwen.reproduction.results import Results, Summary
from suwen.reproduction.system_run import DONE
from suwen.reproduction.verdicts import Judged, Verdict

__all__ = ["contrast_text", "difference_text", "markdown_report", "summaries"]

MEASURES = ("f1", "precision", "recall", "token_f1", "accuracy")
COLUMNS = tuple(
    name
    for unit in ("sentences", "documents", "journal issues")
    for name in (f"{unit}: strict F1", "P", "R", "token F1", "tag accuracy")
)


def markdown_report(
    results: Results,
    tables: Sequence[str],
    verdicts: Sequence[Verdict],
    beside: Sequence[Verdict],
    counts: Mapping[Unit, Counts],
    encoders: Mapping[str, Any],
    plots: Sequence[str],
) -> str:
    """The whole page."""
    parts = ["# The paper's experiments\n", *(f"- {en}" for _, en in facts(results)), ""]
    if verdicts:
        parts += ["## What the paper claims\n", _verdicts(verdicts, beside)]
    if "2" in tables:
        parts += ["## Table 2: entities by part\n", *_table_2(counts)]
    for number in tables:
        if number in TABLES or number == ADDED:
            table = table_of(number)
            heading = f"Table {number}: {table.en}" if number in TABLES else table.en
            parts += [f"## {heading}\n", _table(results, table), _images(results, plots, number)]
    views = list(views_of(results))
    if DEALT in tables and views:
        parts += ["## What reaches the paper's figures\n", *_views(results, views), _image("views")]
    if "types" in plots:
        parts += ["## Types\n", *_types(results, plots)]
    if encoders:
        parts += ["## Encoders\n", _encoders(encoders)]
    parts += ["## How it was made\n", *(f"- {en}" for _, en in limits(results, encoders)), ""]
    parts += ["## Runs\n", _runs(results)]
    return "\n".join(parts) + "\n"


def _types(results: Results, plots: Sequence[str]) -> Iterator[str]:
    unit = UNIT_NAMES[main_unit(results)][1]
    yield f"On the test part, {unit} dealt out; the matrices are in percent of the row. Their last row is what the"
    yield "annotation does not have, their last column what was not found.\n"
    yield _image("types")
    yield from (_image(name) for name in plots if name.startswith("confusion"))


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _image(name: str) -> str:
    return f"![{name}](plots/{name}.svg)\n"


def _images(results: Results, plots: Sequence[str], number: str) -> str:
    images = _image(f"table-{number}") if f"table-{number}" in plots else ""
    if f"learning-curves-{number}" in plots:
        unit = UNIT_NAMES[main_unit(results)][1]
        images += f"\nLearning curves on the dev part, {unit} dealt out, first seed:\n\n"
        images += _image(f"learning-curves-{number}")
    return images


def _verdicts(verdicts: Sequence[Verdict], beside: Sequence[Verdict]) -> str:
    rows = []
    for verdict, other in zip(verdicts, beside, strict=True):
        for index, (one, there) in enumerate(zip(verdict.judged, other.judged, strict=True)):
            paper = reported_difference(one.contrast)
            rows.append(
                [
                    f"{verdict.claim.en}: **{verdict.ruling}**" if index == 0 else "",
                    contrast_text(one),
                    "–" if paper is None else f"{paper:+.3f}",
                    difference_text(one),
                    "–" if one.p_value is None else f"{one.p_value:.4f}",
                    str(one.seeds),
                    RULINGS[one.ruling][1],
                    "–" if there.difference is None else f"{there.difference:+.2f}",
                ]
            )
    return _grid(("claim", "contrast", "paper", "here (95 % interval)", "p", "seeds", "verdict", "on sentences"), rows)


def contrast_text(one: Judged) -> str:
    """The two systems of a contrast."""
    return f"{system_text(one.contrast.higher.name)} > {system_text(one.contrast.lower.name)}"


def system_text(name: str) -> str:
    """A system's title with what else tells it apart."""
    system = SYSTEMS[name]
    marks = ["frozen"] * system.frozen + ["original data"] * (system.pretrained and not system.augmented)
    return system.title + (f" ({', '.join(marks)})" if marks else "")


def difference_text(one: Judged) -> str:
    """The difference in points with its interval."""
    if one.difference is None:
        return "–"
    interval = f" ({one.low:+.2f} to {one.high:+.2f})" if one.low is not None and one.high is not None else ""
    return f"{one.difference:+.2f}{interval}"


def _table_2(counts: Mapping[Unit, Counts]) -> Iterator[str]:
    columns = ["type", *(f"paper {part}" for part in PARTS)]
    columns += [f"{UNIT_NAMES[unit][1]}: {part}" for unit in counts for part in PARTS]
    rows = [
        [
            label,
            *(f"{value:,}" for value in paper),
            *(f"{value:,}" for found in counts.values() for value in found[label]),
        ]
        for label, paper in TABLE_2.items()
    ]
    totals = [sum(column) for found in (TABLE_2, *counts.values()) for column in zip(*found.values(), strict=True)]
    rows.append(["total", *(f"{total:,}" for total in totals)])
    yield _grid(columns, rows)
    named = {"the paper": TABLE_2, **{UNIT_NAMES[unit][1]: found for unit, found in counts.items()}}
    for name, found in named.items():
        points, label, part = largest_deviation(found)
        yield f"- {name}: farthest from 60 : 20 : 20 is {label} in {part}, by {points:.2f} points"
    yield ""


def _table(results: Results, table: Table) -> str:
    columns = ("model", "paper F1", "P", "R", *COLUMNS)
    rows = []
    section = ("", "")
    for row in table.rows:
        if row.section != section:
            section = row.section
            rows.append([f"*{section[1]}*", *[""] * (len(columns) - 1)])
        sentence, document, group = summaries(results, row.system)
        rows.append(
            [
                row.system.title,
                reported_text(row.reported),
                *([f"{row.reported.precision:.3f}", f"{row.reported.recall:.3f}"] if row.reported else ["–", "–"]),
                *_cells(sentence, MEASURES),
                *_cells(document, MEASURES),
                *_cells(group, MEASURES),
            ]
        )
    return _grid(columns, rows)


def summaries(results: Results, system: System) -> list[Summary | None]:
    """A system's figures on the splits by sentence, document and group."""
    units: tuple[Unit, ...] = ("sentence", "document", "group")
    return [results.summary(system.name, unit) for unit in units]


def _cells(summary: Summary | None, names: Sequence[str]) -> list[str]:
    return [str(getattr(summary, name)) if summary else "–" for name in names]


def _views(results: Results, views: Sequence[tuple[str, Unit, Mapping[str, Any]]]) -> Iterator[str]:
    low, high = REPORTED_RANGE
    rows = [
        [
            SYSTEMS[name].title,
            UNIT_NAMES[unit][1],
            *(f"**{mean}**" if low <= mean.value else str(mean) for mean in means.values()),
        ]
        for name, unit, means in views
    ]
    rows += [
        [SYSTEMS[name].title, OF_THE_PAPER[1], f"**{reported:.3f}**", "–", "–"]
        for name, reported in reported_beside(results)
    ]
    yield _grid(("system", "dealt out", *(en for _, en in VIEWS.values())), rows)
    yield f"Bold: at least {low:.3f}, the lowest F1 of the paper (its highest is {high:.3f}).\n"
    shared = results.material.split("entity").leakage["sentences_in_train"]["test"]
    yield f"With entities dealt out, {100 * shared:.1f} % of the test sentences stand in the training part too.\n"


def _encoders(encoders: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            about["origin"],
            "–" if about.get("base_tokens") is None else f"{about['base_tokens'] / 1e6:.1f}",
            "–" if about.get("steps") is None else f"{about['steps']:,}",
            "–" if about.get("tokens") is None else f"{about['tokens'] / 1e6:.1f}",
            "–" if about.get("loss") is None else f"{about['loss']:.3f}",
            "–" if about.get("unigram_loss") is None else f"{about['unigram_loss']:.3f}",
        ]
        for name, about in encoders.items()
    ]
    columns = ("encoder", "origin", "million characters of its beginning", "steps", "million characters since")
    return _grid((*columns, "held-out loss", "unigram loss"), rows)


def _runs(results: Results) -> str:
    rows = []
    for run in results.runs:
        result = results.by_run.get(run)
        if result is None:
            rows.append([run.name, "not run", "", "", ""])
            continue
        ended = result["state"] == DONE
        f1 = f"{100 * result['test']['strict_entity']['micro']['f1']:.2f}" if ended else "–"
        link = f"[{run.name}](manifests/{run.name}.json)" if ended else run.name
        state = result["state"] if ended else f"failed: {result['error']}"
        cost = result["cost"]
        rows.append([link, state.replace("|", "\\|"), f1, f"{cost['seconds']:.0f}", f"{cost['cpu_seconds']:.0f}"])
    return _grid(("run", "state", "strict F1", "seconds", "CPU seconds"), rows)
