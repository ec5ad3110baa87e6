"""Figures of the report: counts by type and part, plots, and the paper's own differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from suwen.corpus.split import PARTS
from suwen.corpus.stats import statistics
from suwen.pages.charts import Bar, Series, bar_chart, heat_map, line_chart
from suwen.reproduction.material import Material, assign_entities
from suwen.reproduction.paper import ADDED, BEST, BY_ENTITY, EXTRA_TABLES, SYSTEMS, TABLES, Contrast, Row, Table
from suwen.reproduction.profile import UNITS, Unit
from suwen.reproduction.results import Mean, Results
from suwen.schema import LCDD

__all__ = [
    "OF_THE_PAPER",
    "RULINGS",
    "UNIT_NAMES",
    "VIEWS",
    "counts_by_part",
    "largest_deviation",
    "main_unit",
    "plots",
    "reported_beside",
    "reported_difference",
    "shown_units",
    "table_of",
    "views_of",
]

Counts = Mapping[str, tuple[int, int, int]]

UNIT_NAMES: dict[Unit, tuple[str, str]] = {
    "sentence": ("按句", "sentences"),
    "document": ("按文献", "documents"),
    "group": ("按期刊期次", "journal issues"),
    "entity": ("按实体", "entities"),
}
"""The unit of each split, in Chinese and English."""

RULINGS = {
    "holds": ("成立", "holds"),
    "does not hold": ("不成立", "does not hold"),
    "not significant": ("不显著", "not significant"),
    "not run": ("未运行", "not run"),
}

VIEWS = {
    "f1": ("严格实体 F1", "strict entity F1"),
    "token_f1": ("按字 F1", "token F1"),
    "accuracy": ("标签正确率", "tag accuracy"),
}
"""The measures that are shown side by side."""

PAPER, SENTENCE, TOKEN, GROUP = "#a3a9b0", "#2f6fc4", "#93bde8", "#d9822b"
HARDEST_FIRST: tuple[Unit, ...] = ("group", "document", "sentence", "entity")
OF_THE_PAPER = ("论文（未说明）", "the paper (it does not say which)")
"""The label of the paper's own figures instead of a split."""
CONFUSED = ("bilstm-crf", "roberta-fc")
"""The systems whose confusion of types is plotted."""
COMPARED = ("dictionary", "bilstm-crf", "roberta-fc", BEST)
"""The systems whose scores by type are plotted, and whose views are set side by side."""


def table_of(number: str) -> Table:
    """Return a table of the paper, or one that was added."""
    return {**TABLES, **EXTRA_TABLES}[number]


def counts_by_part(material: Material, unit: Unit) -> Counts:
    """Return Table 2: the entities of each type in train, dev and test, as the chosen documents are split.

    Additional test documents of the split by group are left out: they say nothing about the split.
    """
    split = material.split(unit)
    documents = material.documents
    if unit == "entity":
        assigned = {
            part: Counter(documents[i].entities[j].label for i, j in places)
            for part, places in assign_entities(documents, split.seed).items()
        }
    else:
        dealt_here = {document.id for document in documents}
        parts = {
            part: [one for one in split.select(material.documents_of(unit), part) if one.document.id in dealt_here]
            for part in split.parts
        }
        assigned = {part: figures.labels for part, figures in statistics(documents, parts, LCDD).parts.items()}
    return {label: tuple(assigned[part][label] for part in PARTS) for label in LCDD.labels}  # type: ignore[misc]


def largest_deviation(counts: Counts) -> tuple[float, str, str]:
    """Return the largest deviation of a type's share from 60, 20 or 20 %: percentage points, type, part."""
    wanted = (60.0, 20.0, 20.0)
    return max(
        (abs(100 * row[index] / max(sum(row), 1) - wanted[index]), label, PARTS[index])
        for label, row in counts.items()
        for index in range(len(PARTS))
    )


def reported_difference(contrast: Contrast) -> float | None:
    """Return the difference of the two systems in the paper, in points of F1."""
    first, second = reported_f1(contrast.higher.name), reported_f1(contrast.lower.name)
    return first - second if first is not None and second is not None else None


def shown_units(results: Results, systems: Collection[str]) -> list[Unit]:
    """Return the splits on which some of these systems were run."""
    return [unit for unit in UNITS if any(run.unit == unit and run.system in systems for run in results.by_run)]


def reported_f1(system: str) -> float | None:
    """Return the paper's F1 of a system, wherever it stands; None where the paper does not have it."""
    rows = (row for table in TABLES.values() for row in table.rows)
    return next((row.reported.f1 for row in rows if row.reported and row.system.name == system), None)


def views_of(results: Results) -> Iterator[tuple[str, Unit, dict[str, Mean]]]:
    """Yield every score of a few systems on every split, to compare with the paper's figures."""
    for name in COMPARED:
        for unit in HARDEST_FIRST:
            summary = results.summary(name, unit)
            if summary is not None:
                yield name, unit, {view: getattr(summary, view) for view in VIEWS}


def reported_beside(results: Results) -> list[tuple[str, float]]:
    """Return the systems of `views_of` that the paper has, with its F1, whose measure is unknown."""
    shown = dict.fromkeys(name for name, _, _ in views_of(results))
    return [(name, reported) for name in shown if (reported := reported_f1(name)) is not None]


def plots(results: Results, tables: Sequence[str]) -> dict[str, str]:
    """Return all plots as SVG by name: ``table-4``, ``learning-curves-5``, ``types``, ``views`` and others."""
    drawn: dict[str, str] = {}
    for number in tables:
        if number in TABLES or number == ADDED:
            drawn[f"table-{number}"] = _bars(results, table_of(number))
    for number in tables:
        if number in TABLES:
            drawn[f"learning-curves-{number}"] = _curves(results, table_of(number))
    drawn["types"] = _types(results)
    for name in CONFUSED:
        if results.done(name, main_unit(results)):
            drawn[f"confusion-{name}"] = _confusion(results, name)
    if BY_ENTITY in tables:
        drawn["views"] = _views(results)
    return drawn


def main_unit(results: Results) -> Unit:
    """Return the split of learning curves, types and confusion: the one by group, where anything was run on it."""
    return "group" if any(run.unit == "group" for run in results.by_run) else "sentence"


def _bars(results: Results, table: Table) -> str:
    series = [
        ("论文 paper", PAPER),
        ("按句 sentences", SENTENCE),
        ("按句，按字 token", TOKEN),
        ("按期次 journal issues", GROUP),
    ]
    rows = []
    for row in table.rows:
        sentence, group = results.summary(row.system.name, "sentence"), results.summary(row.system.name, "group")
        bars = [
            Bar(row.reported.f1 if row.reported else None),
            *((_bar(sentence.f1), _bar(sentence.token_f1)) if sentence else (Bar(None), Bar(None))),
            _bar(group.f1) if group else Bar(None),
        ]
        rows.append((_title(row), bars))
    return bar_chart(f"F1, table {table.number}", series, rows)


def _bar(mean: Mean) -> Bar:
    return Bar(mean.value, mean.deviation)


def _title(row: Row) -> str:
    return f"{row.system.title} · {row.section[0]} {row.section[1]}" if row.section[0] else row.system.title


def _curves(results: Results, table: Table) -> str:
    unit = main_unit(results)
    sections = {row.section for row in table.rows}
    # If two sections have the same systems, the name alone is ambiguous.
    named_by_section = len({row.system.title for row in table.rows}) < len(table.rows) and len(sections) > 1
    series = [
        Series(
            f"{row.system.title}, {' '.join(row.section)}" if named_by_section else row.system.title,
            results.curve(row.system.name, unit),
        )
        for row in table.rows
    ]
    return line_chart(f"dev F1 by epoch, table {table.number}", series, "轮次 epoch", "严格 F1 strict F1, dev")


def _types(results: Results) -> str:
    unit = main_unit(results)
    colors = dict(zip(COMPARED, (PAPER, TOKEN, SENTENCE, GROUP), strict=True))
    by_type = {name: found for name in COMPARED if (found := results.by_type(name, unit))}
    rows = [
        (
            kind.title,
            [_bar(found[kind.name]) if kind.name in found else Bar(None) for found in by_type.values()],
        )
        for kind in LCDD.entities
    ]
    return bar_chart("strict F1 by type", [(SYSTEMS[name].title, colors[name]) for name in by_type], rows)


def _confusion(results: Results, name: str) -> str:
    labels = [*LCDD.labels, ""]
    totals: Counter[tuple[str, str]] = Counter()
    for scores in results.scores(name, main_unit(results)):
        for row in scores["confusion"]:
            totals[row["gold"], row["predicted"]] += row["count"]
    names = [(kind.zh, kind.en) for kind in LCDD.entities] + [("无", "none")]
    counts = [[totals[gold, predicted] for predicted in labels] for gold in labels]
    return heat_map(f"confusion of types, {SYSTEMS[name].title}", names, counts, "标注 gold", "预测 predicted")


def _views(results: Results) -> str:
    series = [(f"{zh} {en}", color) for (zh, en), color in zip(VIEWS.values(), (GROUP, SENTENCE, TOKEN), strict=True)]
    series.append((" ".join(OF_THE_PAPER), PAPER))
    rows = [
        (f"{SYSTEMS[name].title} · {' '.join(UNIT_NAMES[unit])}", [*map(_bar, views.values()), Bar(None)])
        for name, unit, views in views_of(results)
    ]
    rows += [
        (f"{SYSTEMS[name].title} · {' '.join(OF_THE_PAPER)}", [*[Bar(None)] * len(VIEWS), Bar(reported)])
        for name, reported in reported_beside(results)
    ]
    return bar_chart("views of the score by split", series, rows)
