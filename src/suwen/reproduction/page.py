"""The report as one page that stands alone: no script, no file from elsewhere, plots inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suwen.pages.page import FOOT, Types, attribute, both, head, marked_up, number, type_name
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
from suwen.reproduction.markdown import contrast_text, difference_text, summaries
from suwen.reproduction.paper import ADDED, DEALT, REPORTED_RANGE, SYSTEMS, TABLE_2, TABLES, Table
from suwen.reproduction.profile import Unit
from suwen.reproduction.protocol import facts, limits
from suwen.reproduction.results import Results, Summary
from suwen.reproduction.system_run import DONE
from suwen.reproduction.verdicts import Verdict
from suwen.schema import LCDD

__all__ = ["page"]

TITLE = "论文实验复现 The paper's experiments"

STYLE = """
nav{display:flex;flex-wrap:wrap;gap:.3rem .5rem;margin:1rem 0}
nav a{border:1px solid var(--line);border-radius:5px;padding:.1rem .6rem;text-decoration:none;font-size:.9rem}
h2{scroll-margin-top:1rem}
.facts{margin:.5rem 0;padding-left:1.2rem}.facts li{margin:.15rem 0}
.plot svg{display:block;max-width:100%;height:auto;margin:.5rem 0 1rem}
.plot h3{font-size:.9rem;margin:1rem 0 .25rem}
.plots{display:flex;flex-wrap:wrap;gap:1rem 3rem}
.figures td small{display:block;color:var(--quiet);font-size:.75rem;white-space:nowrap}
.figures th{white-space:normal;vertical-align:bottom;line-height:1.3}
.figures th [lang=en]{display:block}
.figures .section td{padding-top:1rem;font-weight:600;font-size:.85rem}
.figures td:first-child{white-space:nowrap}
.figures b{font-weight:650}
.badge{display:inline-block;border-radius:5px;padding:0 .55em;font-size:.85rem;white-space:nowrap;
border:1px solid color-mix(in srgb,var(--c) 70%,transparent);background:color-mix(in srgb,var(--c) 22%,transparent)}
.badge [lang=en]{color:inherit}
.holds{--c:#2f9a57}.fails{--c:#d1483b}.open{--c:#c9971c}.none{--c:#8a929b}
.claim{border-top:1px solid var(--line);padding:.9rem 0}
.claim h3{font-size:1rem;margin:0 0 .35rem;line-height:1.5;display:flex;flex-wrap:wrap;gap:.2rem .8rem;
align-items:start}
.claim h3>span:first-child{flex:1 1 20rem}
.reached{background:color-mix(in srgb,#d9822b 24%,transparent);border-radius:3px;padding:0 .25em}
.failure{color:#c0392b}
@media screen and (max-width:48rem){
.figures thead{display:none}
.figures tr{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.1rem .75rem;padding:.55rem 0;
border-bottom:1px solid var(--line)}
.figures td{border:0;padding:0;text-align:left;white-space:normal}
.figures td:first-child,.figures .section td{grid-column:1/-1;white-space:normal;font-weight:600}
.figures td[data-name]::before{content:attr(data-name);display:block;color:var(--quiet);font-size:.7rem;line-height:1.3;
white-space:pre-line}
.figures td small{white-space:normal}
.claim .figures tr,#table-2 .figures tr{grid-template-columns:1fr 1fr}}
@media print{.figures{font-size:.75rem}.figures :is(th,td){padding-right:.5rem}.plot svg{max-width:8.4cm}
.claim,.plot{break-inside:avoid}}
"""

BADGES = {"holds": "holds", "does not hold": "fails", "not significant": "open", "not run": "none"}


def page(
    results: Results,
    tables: Sequence[str],
    verdicts: Sequence[Verdict],
    beside: Sequence[Verdict],
    counts: Mapping[Unit, Counts],
    encoders: Mapping[str, Any],
    drawn: Mapping[str, str],
) -> Iterator[str]:
    """The page in pieces.

    Parameters
    ----------
    verdicts, beside
        On each claim, by the group split and by the sentence split.
    counts
        Table 2 for each split.
    encoders
        What is known of each encoder.
    drawn
        The plots by name.
    """
    yield head(TITLE, STYLE + Types(LCDD).style(LCDD.labels))
    yield f"<header>\n<h1>{both('论文实验复现', 'The paper’s experiments')}</h1>\n{_list(facts(results))}"
    more = [name for name in drawn if name == "types" or name.startswith("confusion")]
    yield _navigation(tables, verdicts, bool(more), bool(encoders))
    yield "</header>\n<main>\n"
    if verdicts:
        yield f'<section id="claims"><h2>{both("论文的论点", "What the paper claims")}</h2>\n'
        for verdict, other in zip(verdicts, beside, strict=True):
            yield _claim(verdict, other)
        yield "</section>\n"
    if "2" in tables:
        yield from _table_2(counts)
    for name in tables:
        if name in TABLES or name == ADDED:
            yield from _table(results, table_of(name), drawn)
    if DEALT in tables:
        yield from _views(results, drawn)
    if more:
        yield f'<section id="types"><h2>{both("各类型与混淆", "Types and their confusion")}</h2>\n<div class="plots">'
        yield "".join(_plot(drawn[name], *_plot_title(name, main_unit(results))) for name in more)
        yield "</div></section>\n"
    if encoders:
        yield from _encoders(encoders)
    yield f'<section id="method"><h2>{both("方法", "How it was made")}</h2>\n'
    yield f"{_list(limits(results, encoders))}</section>\n"
    yield from _runs(results)
    yield f"</main>\n{FOOT}"


def _list(sentences: Sequence[tuple[str, str]]) -> str:
    return f'<ul class="facts">\n{"".join(f"<li>{both(zh, en)}</li>" for zh, en in sentences)}</ul>\n'


def _plot(svg: str, zh: str, en: str) -> str:
    return f'<div class="plot"><h3>{both(zh, en)}</h3>{svg}</div>\n'


def _plot_title(name: str, unit: Unit) -> tuple[str, str]:
    zh, en = UNIT_NAMES[unit]
    if name == "types":
        return f"各类型,严格 F1({zh},测试)", f"strict F1 by type ({en}, test)"
    title = SYSTEMS[name.removeprefix("confusion-")].title
    return (
        f"混淆:{title}({zh},测试),占本行的百分比;最后一行:标注中没有的",
        f"confusion, {title} ({en}, test), % of the row; the last row: what the annotation does not have",
    )


def _navigation(tables: Sequence[str], verdicts: Sequence[Verdict], has_types: bool, has_encoders: bool) -> str:
    places = [("claims", "论点", "Claims")] if verdicts else []
    places += [(f"table-{name}", f"表 {name}", f"Table {name}") for name in tables if name in (*TABLES, "2")]
    places += [(f"table-{ADDED}", "另加", "Added")] * (ADDED in tables)
    places += [("views", "口径", "Views")] * (DEALT in tables)
    places += [("types", "类型", "Types")] * has_types + [("encoders", "编码器", "Encoders")] * has_encoders
    places += [("method", "方法", "Method"), ("runs", "运行", "Runs")]
    return f'<nav class="screen">{"".join(f"<a href=#{place}>{both(zh, en)}</a>" for place, zh, en in places)}</nav>\n'


def _badge(ruling: str) -> str:
    return f'<span class="badge {BADGES[ruling]}">{both(*RULINGS[ruling])}</span>'


def _claim(verdict: Verdict, beside: Verdict) -> str:
    columns = [
        ("对比", "contrast", ""),
        ("论文", "paper", "n"),
        ("按期次(95 % 区间)", "journal issues (95 % interval)", "n"),
        ("p", "p", "n"),
        ("判定", "verdict", ""),
        ("按句", "sentences", "n"),
    ]
    rows = []
    for one, other in zip(verdict.judged, beside.judged, strict=True):
        paper = reported_difference(one.contrast)
        cells = [
            marked_up(contrast_text(one)),
            "–" if paper is None else f"{paper:+.3f}",
            difference_text(one),
            "–" if one.p_value is None else f"{one.p_value:.4f}",
            _badge(one.ruling),
            "–" if other.difference is None else f"{other.difference:+.2f}",
        ]
        rows.append(_row(columns, cells))
    title = f"<h3><span>{both(verdict.claim.zh, verdict.claim.en)}</span>{_badge(verdict.ruling)}</h3>\n"
    return f'<div class="claim">{title}{_grid(columns, rows)}</div>\n'


Columns = Sequence[tuple[str, str, str]]


def _grid(columns: Columns, rows: Sequence[str]) -> str:
    heads = "".join(f'<th class="{style}">{both(zh, en)}</th>' for zh, en, style in columns)
    return (
        f'<div class="scroll"><table class="figures">\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n"
    )


def _two_lines(zh: str, en: str) -> str:
    return zh if zh == en else f"{zh}\n{en}"


def _row(columns: Columns, cells: Sequence[str]) -> str:
    """A row; each cell carries its column's name, for narrow screens that show no head."""
    shown = [f"<td>{cells[0]}</td>"]
    shown += [
        f'<td class="{style}" data-name="{attribute(_two_lines(zh, en))}">{cell}</td>'
        for (zh, en, style), cell in zip(columns[1:], cells[1:], strict=True)
    ]
    return f"<tr>{''.join(shown)}</tr>\n"


def _table(results: Results, table: Table, drawn: Mapping[str, str]) -> Iterator[str]:
    columns = [
        ("模型", "model", ""),
        ("论文 F1", "paper F1", "n"),
        ("按句:严格 F1", "sentences: strict F1", "n"),
        ("按句:按字 F1", "token F1", "n"),
        ("按句:正确率", "tag accuracy", "n"),
        ("按文献:严格 F1", "documents: strict F1", "n"),
        ("按期次:严格 F1", "journal issues: strict F1", "n"),
        ("按期次:按字 F1", "token F1", "n"),
        ("按期次:正确率", "tag accuracy", "n"),
    ]
    rows = []
    section = ("", "")
    for row in table.rows:
        if row.section != section:
            section = row.section
            rows.append(f'<tr class="section"><td colspan="{len(columns)}">{both(*section)}</td></tr>\n')
        sentence, document, group = summaries(results, row.system)
        paper = reported_text(row.reported)
        if row.reported:
            paper += f"<small>P {row.reported.precision:.3f} R {row.reported.recall:.3f}</small>"
        cells = [
            marked_up(row.system.title),
            paper,
            _strict(sentence),
            f"{sentence.token_f1}" if sentence else "–",
            f"{sentence.accuracy}" if sentence else "–",
            _strict(document),
            _strict(group),
            f"{group.token_f1}" if group else "–",
            f"{group.accuracy}" if group else "–",
        ]
        rows.append(_row(columns, cells))
    title = both(f"表 {table.number}:{table.zh}", table.en) if table.number in TABLES else both(table.zh, table.en)
    yield f'<section id="table-{table.number}"><h2>{title}</h2>\n{_grid(columns, rows)}'
    zh, en = UNIT_NAMES[main_unit(results)]
    titles = {
        f"table-{table.number}": ("F1", "F1"),
        f"learning-curves-{table.number}": (
            f"学习曲线({zh},开发,第一个种子)",
            f"learning curves ({en}, dev, first seed)",
        ),
    }
    shown = [_plot(drawn[name], *both_names) for name, both_names in titles.items() if name in drawn]
    yield f'<div class="plots">{"".join(shown)}</div>\n</section>\n'


def _strict(summary: Summary | None) -> str:
    if summary is None:
        return "–"
    return f"<b>{summary.f1}</b><small>P {summary.precision.value:.2f} R {summary.recall.value:.2f}</small>"


def _table_2(counts: Mapping[Unit, Counts]) -> Iterator[str]:
    yield f'<section id="table-2"><h2>{both("表 2:各部分的实体数", "Entities by part")}</h2>\n'
    named = [("论文", "paper", TABLE_2), *((*UNIT_NAMES[unit], found) for unit, found in counts.items())]
    columns = [("类型", "type", ""), *((zh, en, "n") for zh, en, _ in named)]
    types = Types(LCDD)
    rows = []
    for kind in LCDD.entities:
        cells = [type_name(kind), *(_parts(found[kind.name]) for _, _, found in named)]
        rows.append(_row(columns, cells).replace("<tr>", f'<tr class="{types.css_class(kind.name)}">', 1))
    totals = [_parts([sum(column) for column in zip(*found.values(), strict=True)]) for _, _, found in named]
    rows.append(_row(columns, [both("合计", "total"), *totals]))
    yield f'<p class="quiet">{both("训练 / 开发 / 测试", "train / dev / test")}</p>\n{_grid(columns, rows)}'
    sentences = []
    for zh, en, found in named:
        points, label, part = largest_deviation(found)
        sentences.append(
            (
                f"{zh}:离 60:20:20 最远的是 {part} 的 {label},差 {points:.2f} 个百分点",
                f"{en}: farthest from 60 : 20 : 20 is {label} in {part}, by {points:.2f} points",
            )
        )
    yield f"{_list(sentences)}</section>\n"


def _parts(counts: Sequence[int]) -> str:
    return " / ".join(map(number, counts))


def _views(results: Results, drawn: Mapping[str, str]) -> Iterator[str]:
    low, high = REPORTED_RANGE
    columns = [("系统", "system", ""), ("分配", "dealt out", "")]
    columns += [(zh, en, "n") for zh, en in VIEWS.values()]
    rows = []
    for name, unit, means in views_of(results):
        cells = [f'<span class="reached">{mean}</span>' if mean.value >= low else str(mean) for mean in means.values()]
        rows.append(_row(columns, [marked_up(SYSTEMS[name].title), both(*UNIT_NAMES[unit]), *cells]))
    for name, reported in reported_beside(results):
        figure = f'<span class="reached">{reported:.3f}</span>'
        rows.append(_row(columns, [marked_up(SYSTEMS[name].title), both(*OF_THE_PAPER), figure, "–", "–"]))
    shared = 100 * results.material.split("entity").leakage["sentences_in_train"]["test"]
    yield f'<section id="views"><h2>{both("什么口径达到论文的数字", "What reaches the paper’s figures")}</h2>\n'
    yield _list(
        [
            (
                f"着色:不低于 {low:.3f},论文最低的 F1(最高 {high:.3f})",
                f"shaded: at least {low:.3f}, the paper’s lowest F1 (its highest is {high:.3f})",
            ),
            (
                f"按实体分配时,测试句有 {shared:.1f} % 也在训练部分",
                f"with entities dealt out, {shared:.1f} % of the test sentences are in the training part too",
            ),
        ]
    )
    plot = _plot(drawn["views"], "口径", "views") if "views" in drawn else ""
    yield f'{_grid(columns, rows)}<div class="plots">{plot}</div></section>\n'


def _encoders(encoders: Mapping[str, Any]) -> Iterator[str]:
    columns = [
        ("编码器", "encoder", ""),
        ("来源", "origin", ""),
        ("起点读过的字(百万)", "million characters of its beginning", "n"),
        ("步数", "steps", "n"),
        ("此后读过的字(百万)", "million characters since", "n"),
        ("留出损失", "held-out loss", "n"),
        ("一元损失", "unigram loss", "n"),
    ]
    rows = [
        _row(
            columns,
            [
                marked_up(name),
                marked_up(about["origin"]),
                "–" if about.get("base_tokens") is None else f"{about['base_tokens'] / 1e6:.1f}",
                "–" if about.get("steps") is None else number(about["steps"]),
                "–" if about.get("tokens") is None else f"{about['tokens'] / 1e6:.1f}",
                "–" if about.get("loss") is None else f"{about['loss']:.3f}",
                "–" if about.get("unigram_loss") is None else f"{about['unigram_loss']:.3f}",
            ],
        )
        for name, about in encoders.items()
    ]
    yield f'<section id="encoders"><h2>{both("编码器", "Encoders")}</h2>\n{_grid(columns, rows)}</section>\n'


def _runs(results: Results) -> Iterator[str]:
    columns = [
        ("运行", "run", ""),
        ("状态", "state", ""),
        ("严格 F1", "strict F1", "n"),
        ("秒", "seconds", "n"),
        ("CPU 秒", "CPU seconds", "n"),
    ]
    failures, rows = [], []
    for run in results.runs:
        result = results.by_run.get(run)
        if result is None:
            rows.append(_row(columns, [marked_up(run.name), both("未运行", "not run"), "–", "–", "–"]))
            continue
        cost = [f"{result['cost'][key]:,.1f}" for key in ("seconds", "cpu_seconds")]
        if result["state"] == DONE:
            link = f'<a href="manifests/{attribute(run.name)}.json">{marked_up(run.name)}</a>'
            f1 = f"{100 * result['test']['strict_entity']['micro']['f1']:.2f}"
            rows.append(_row(columns, [link, both("完成", "done"), f1, *cost]))
        else:
            state = f'<span class="failure">{both("失败", "failed")}: {marked_up(result["error"])}</span>'
            rows.append(_row(columns, [marked_up(run.name), state, "–", *cost]))
            failures.append(rows[-1])
    yield f'<section id="runs"><h2>{both("运行", "Runs")}</h2>\n'
    if failures:
        yield _grid(columns, failures)
    yield f"{_grid(columns, rows)}</section>\n"
