"""Content of the report, computed once for both of its formats (see `suwen.reproduction.report`).

A phrase is a pair: Chinese, English. Cells are ready to print, except where the two forms print a figure differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suwen.reproduction.figures import (
    OF_THE_PAPER,
    UNIT_NAMES,
    VIEWS,
    Counts,
    counts_by_part,
    largest_deviation,
    main_unit,
    plots,
    reported_beside,
    reported_difference,
    shown_units,
    table_of,
    views_of,
)
from suwen.reproduction.paper import (
    ADDED,
    BY_ENTITY,
    REPORTED_RANGE,
    SYSTEMS,
    TABLE_2,
    TABLES,
    Contrast,
    Reported,
    Table,
)
from suwen.reproduction.protocol import Sentence, facts, limits
from suwen.reproduction.results import Results, Summary
from suwen.reproduction.system_run import DONE
from suwen.reproduction.verdicts import Judged, Verdict
from suwen.schema import LCDD, EntityType

__all__ = [
    "MISSING",
    "ClaimReport",
    "Content",
    "ContrastRow",
    "EncoderRow",
    "PartCounts",
    "Plot",
    "RunRow",
    "SystemRow",
    "SystemTable",
    "ViewRow",
    "Views",
    "content_of",
]

Phrase = tuple[str, str]

MISSING = "–"
"""The cell of a figure that there is not."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its title."""

    name: str
    svg: str
    title: Phrase


@dataclass(frozen=True, slots=True)
class ContrastRow:
    """Two systems, their difference in the paper and here, and the result of the test."""

    contrast: str
    paper: str
    difference: str
    p_value: str
    seeds: str
    ruling: str
    on_sentences: str


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """A claim of the paper, its contrasts and the verdict."""

    statement: Phrase
    ruling: str
    rows: Sequence[ContrastRow]


@dataclass(frozen=True, slots=True)
class PartCounts:
    """Table 2 of the paper or of a split: the entities of each type in train, dev and test."""

    source: Phrase
    counts: Counts
    farthest: Phrase
    """The deviation from 60 : 20 : 20."""

    @property
    def totals(self) -> tuple[int, ...]:
        """The entities of all types in train, dev and test."""
        return tuple(sum(column) for column in zip(*self.counts.values(), strict=True))


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system with the paper's figures and those found here on each split."""

    title: str
    reported: Reported | None
    sentence: Summary | None
    document: Summary | None
    group: Summary | None


@dataclass(frozen=True, slots=True)
class SystemTable:
    """A table of systems in sections; the heading of a section may be empty."""

    number: str
    title: Phrase
    in_paper: bool
    sections: Sequence[tuple[Phrase, Sequence[SystemRow]]]
    plots: Sequence[Plot]


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A system on a split: each measure, and whether it reaches the paper's lowest figure."""

    system: str
    split: Phrase
    cells: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Views:
    """The measures side by side, to find the one that reaches the paper's figures."""

    measures: Sequence[Phrase]
    low: float
    high: float
    shared: float
    """The test sentences that are in the training part too with the split by entity, in percent."""
    rows: Sequence[ViewRow]
    plot: Plot | None


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """An encoder: where it comes from, what it has read, its losses."""

    name: str
    origin: str
    base_tokens: str
    steps: str
    tokens: str
    loss: str
    unigram_loss: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run; it is done, or it has an error, or it was not run."""

    name: str
    done: bool
    error: str | None
    f1: str
    seconds: float | None
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class Content:
    """The report; a part that is empty or None is left out."""

    facts: Sequence[Sentence]
    claims: Sequence[ClaimReport]
    parts: Sequence[PartCounts]
    types: Sequence[EntityType]
    """The rows of `parts`."""
    tables: Sequence[SystemTable]
    views: Views | None
    unit: Phrase
    """The split of learning curves, types and confusion."""
    type_plots: Sequence[Plot]
    encoders: Sequence[EncoderRow]
    limits: Sequence[Sentence]
    runs: Sequence[RunRow]

    @property
    def plots(self) -> Iterator[Plot]:
        """Yield all plots."""
        for table in self.tables:
            yield from table.plots
        yield from self.type_plots
        if self.views and self.views.plot:
            yield self.views.plot


def content_of(
    results: Results,
    tables: Sequence[str],
    verdicts: Sequence[Verdict],
    beside: Sequence[Verdict],
    encoders: Mapping[str, Any],
) -> Content:
    """Compute the report.

    Parameters
    ----------
    verdicts, beside
        On each claim, by the group split and by the sentence split.
    encoders
        What is known of each encoder.
    """
    drawn = plots(results, tables) if results.by_run else {}
    unit = UNIT_NAMES[main_unit(results)]
    return Content(
        facts=facts(results),
        claims=[_claim(verdict, other) for verdict, other in zip(verdicts, beside, strict=True)],
        parts=list(_parts(results)) if "2" in tables else [],
        types=LCDD.entities,
        tables=[_table(results, table_of(name), drawn, unit) for name in tables if name in (*TABLES, ADDED)],
        views=_views(results, drawn) if BY_ENTITY in tables else None,
        unit=unit,
        type_plots=_type_plots(drawn, unit),
        encoders=[_encoder(name, about) for name, about in encoders.items()],
        limits=limits(results, encoders),
        runs=list(_runs(results)),
    )


def _claim(verdict: Verdict, beside: Verdict) -> ClaimReport:
    rows = [_contrast(one, other) for one, other in zip(verdict.judged, beside.judged, strict=True)]
    return ClaimReport((verdict.claim.zh, verdict.claim.en), verdict.ruling, rows)


def _contrast(one: Judged, on_sentences: Judged) -> ContrastRow:
    return ContrastRow(
        _contrast_text(one.contrast),
        _figure(reported_difference(one.contrast), "+.3f"),
        _difference_text(one),
        _figure(one.p_value, ".4f"),
        str(one.seeds),
        one.ruling,
        _figure(on_sentences.difference, "+.2f"),
    )


def _contrast_text(contrast: Contrast) -> str:
    return f"{_system_text(contrast.higher.name)} > {_system_text(contrast.lower.name)}"


def _system_text(name: str) -> str:
    """Return a system's title with the settings that distinguish it."""
    system = SYSTEMS[name]
    marks = ["frozen"] * system.frozen + ["original data"] * (system.pretrained and not system.augmented)
    return system.title + (f" ({', '.join(marks)})" if marks else "")


def _difference_text(one: Judged) -> str:
    """Return the difference in points with its interval."""
    interval = f" ({one.low:+.2f} to {one.high:+.2f})" if one.low is not None and one.high is not None else ""
    return _figure(one.difference, "+.2f") + interval


def _figure(value: float | None, form: str) -> str:
    return MISSING if value is None else format(value, form)


def _parts(results: Results) -> Iterator[PartCounts]:
    units = shown_units(results, SYSTEMS) or ["sentence"]
    found = [(UNIT_NAMES[unit], counts_by_part(results.material, unit)) for unit in units]
    for source, counts in [(("论文", "paper"), TABLE_2), *found]:
        points, label, part = largest_deviation(counts)
        farthest = (
            f"离 60:20:20 最远的是 {part} 的 {label}，差 {points:.2f} 个百分点",
            f"farthest from 60 : 20 : 20 is {label} in {part}, by {points:.2f} points",
        )
        yield PartCounts(source, counts, farthest)


def _table(results: Results, table: Table, drawn: Mapping[str, str], unit: Phrase) -> SystemTable:
    sections: list[tuple[Phrase, list[SystemRow]]] = [(("", ""), [])]
    for row in table.rows:
        if row.section != sections[-1][0]:
            sections.append((row.section, []))
        summaries = [results.summary(row.system.name, one) for one in ("sentence", "document", "group")]
        sections[-1][1].append(SystemRow(row.system.title, row.reported, *summaries))
    zh, en = unit
    titles = {
        f"table-{table.number}": ("F1", "F1"),
        f"learning-curves-{table.number}": (
            f"学习曲线（{zh}，开发，第一个种子）",
            f"learning curves ({en}, dev, first seed)",
        ),
    }
    shown = [Plot(name, drawn[name], title) for name, title in titles.items() if name in drawn]
    return SystemTable(table.number, (table.zh, table.en), table.number in TABLES, sections, shown)


def _views(results: Results, drawn: Mapping[str, str]) -> Views:
    low, high = REPORTED_RANGE
    rows = [
        ViewRow(SYSTEMS[name].title, UNIT_NAMES[unit], [(str(mean), mean.value >= low) for mean in means.values()])
        for name, unit, means in views_of(results)
    ]
    for name, reported in reported_beside(results):
        none = [(MISSING, False)] * (len(VIEWS) - 1)
        rows.append(ViewRow(SYSTEMS[name].title, OF_THE_PAPER, [(f"{reported:.3f}", True), *none]))
    shared = 100 * results.material.split("entity").leakage["sentences_in_train"]["test"]
    plot = Plot("views", drawn["views"], ("口径", "views")) if "views" in drawn else None
    return Views(list(VIEWS.values()), low, high, shared, rows, plot)


def _type_plots(drawn: Mapping[str, str], unit: Phrase) -> list[Plot]:
    zh, en = unit
    shown = []
    for name, svg in drawn.items():
        if name == "types":
            shown.append(Plot(name, svg, (f"各类型，严格 F1（{zh}，测试）", f"strict F1 by type ({en}, test)")))
        elif name.startswith("confusion"):
            title = SYSTEMS[name.removeprefix("confusion-")].title
            both = (
                f"混淆：{title}（{zh}，测试），占本行的百分比；最后一行：没有对应标注的预测",
                f"confusion, {title} ({en}, test), % of the row; the last row: predictions without an annotation",
            )
            shown.append(Plot(name, svg, both))
    return shown


def _encoder(name: str, about: Mapping[str, Any]) -> EncoderRow:
    millions = (None if about.get(key) is None else about[key] / 1e6 for key in ("base_tokens", "tokens"))
    base_tokens, tokens = (_figure(value, ".1f") for value in millions)
    losses = (_figure(about.get(key), ".3f") for key in ("loss", "unigram_loss"))
    return EncoderRow(name, about["origin"], base_tokens, _figure(about.get("steps"), ","), tokens, *losses)


def _runs(results: Results) -> Iterator[RunRow]:
    for run in results.runs:
        result = results.by_run.get(run)
        if result is None:
            yield RunRow(run.name, False, None, MISSING, None, None)
            continue
        done = result["state"] == DONE
        f1 = f"{100 * result['test']['strict_entity']['micro']['f1']:.2f}" if done else MISSING
        error = None if done else str(result["error"])
        yield RunRow(run.name, done, error, f1, result["cost"]["seconds"], result["cost"]["cpu_seconds"])
