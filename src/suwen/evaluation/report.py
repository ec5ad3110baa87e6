"""The error page: scores, confusion of types, and each error in the text around it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from suwen.document import Document, Entity, Span
from suwen.evaluation.analysis import Analysis, Case, Kind
from suwen.evaluation.reliability_plot import reliability_plot
from suwen.evaluation.scores import Scores
from suwen.evaluation.strict import Pair, Score
from suwen.files import StrPath, replacing
from suwen.pages.page import (
    FOOT,
    LINE_GAP,
    Types,
    attribute,
    both,
    chip,
    filter_hint,
    filter_style,
    head,
    mark,
    marked_up,
    mention_title,
    number,
    table,
    text_with_mentions,
    type_filter,
    type_name,
)
from suwen.schema import Schema

__all__ = ["CONTEXT", "SHOWN", "write_error_page"]

CONTEXT = 30
"""Characters shown on either side of an error."""

SHOWN = 50
"""Errors shown of each kind and type; more are counted, and those shown are spread evenly over the documents."""

KINDS: dict[Kind, tuple[str, str, str, str]] = {
    "missed": ("漏检", "Missed", "标注有,预测没有", "in gold, not predicted"),
    "spurious": ("误检", "Spurious", "预测有,标注没有", "predicted, not in gold"),
    "boundary": ("边界错误", "Boundary", "类型相同,起止不同", "same type, other span"),
    "type": ("类型错误", "Type", "起止相同,类型不同", "same span, other type"),
    "boundary_and_type": (
        "边界和类型错误",
        "Boundary and type",
        "有重叠,起止与类型都不同",
        "overlap, other span and type",
    ),
}
"""Names and meaning of each kind, in Chinese and English."""

FAMILIARITY = {
    "seen": ("训练中见过", "seen in training"),
    "seen_with_another_type": ("训练中为其他类型", "seen with another type"),
    "unseen": ("训练中未见", "unseen in training"),
}
SEEN = {
    True: ("seen", "训练中见过此类型", "seen with this type"),
    False: ("new", "训练中未见此类型", "not seen with this type"),
}
"""For `Case.seen`: class name, Chinese, English."""

STYLE = """
.headline{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;margin:1rem 0}
.headline div{line-height:1.3}
.headline b{display:block;font-size:1.9rem;font-weight:600;font-variant-numeric:tabular-nums}
.meter{display:block;width:9rem;height:.55em;border-radius:3px;background:var(--line);overflow:hidden;margin-top:.45em}
.meter i{display:block;height:100%;background:var(--c,var(--link))}
.confusion{width:auto;font-size:.8rem}
.confusion th,.confusion td{padding:.25rem .4rem;border:1px solid var(--line);text-align:right;vertical-align:middle;
font-variant-numeric:tabular-nums;min-width:2.2rem}
.confusion thead th{writing-mode:vertical-rl;text-align:left;vertical-align:bottom}
.confusion thead th:first-child{writing-mode:horizontal-tb}
.confusion tbody th{text-align:left;white-space:nowrap}
.confusion td{background:color-mix(in srgb,#d9822b calc(var(--share)*70%),transparent)}
.confusion td.same{background:color-mix(in srgb,#3f8f5f calc(var(--share)*55%),transparent)}
.reliability{display:block;max-width:100%;height:auto}
.cases{list-style:none;margin:0;padding:0}
.cases li{padding:.35rem 0;border-bottom:1px solid var(--line);line-height:2.1;overflow-wrap:anywhere}
.cases small{display:block;color:var(--quiet);font-size:.75rem;line-height:1.4}
.group h3{font-size:.95rem;margin:1.25rem 0 .25rem}
.break::before{content:"↵";color:var(--quiet);font-size:.7em}
mark.predicted{background:none;border:1.5px dashed color-mix(in srgb,var(--c) 60%,var(--ink))}
mark:has(mark){padding-block:.35em .3em}
mark.predicted.from{border-left:0}
mark.predicted.to{border-right:0}
.key{--c:#9cc9f0}
@media screen and (max-width:56rem){
.scores tr{display:grid;grid-template-columns:repeat(6,1fr);border-bottom:1px solid var(--line);padding:.35rem 0}
.scores :is(th,td){border:0;padding:0}
.scores :is(th,td):first-child{grid-column:1/-1}
.scores td[colspan]{grid-column:span 3}
.scores .bar,.scores th [lang=en]{display:none}}
@media print{.scores .bar{display:none}
.scores :is(th,td){padding-right:.7rem}
.confusion{font-size:.65rem}
.confusion :is(th,td){min-width:0}
.cases li{line-height:1.9;break-inside:avoid}}
"""


def write_error_page(path: StrPath, analysis: Analysis, pairs: Sequence[Pair], schema: Schema, title: str) -> None:
    """Write scores and errors as one page that stands alone.

    Parameters
    ----------
    analysis
        What `suwen.evaluation.analysis.analyze` made of `pairs`.
    schema
        Names, colors and order of the types; labels that it does not know are shown under their own name.

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written.
    """
    path = Path(path)
    types = Types(schema)
    documents = {pair.predicted.id: pair.predicted for pair in pairs}
    labels = {label for pair in analysis.confusion for label in pair if label} | set(analysis.scores.strict.by_type)
    style = (
        STYLE
        + types.style(labels)
        + filter_style("kind", KINDS, "section.{name}{display:none}")
        + filter_style("type", map(types.css_class, labels), ".group.{name}{display:none}")
        + filter_style("familiarity", (name for name, _, _ in SEEN.values()), ".cases .{name}{display:none}")
    )
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as page:
        page.write(head(title, style))
        page.write(f"<header>\n<h1>{marked_up(title)}</h1>\n{_headline(analysis.scores)}</header>\n")
        page.write(_views(analysis.scores))
        page.write(_by_type(analysis.scores, types))
        page.write(_reliability(analysis.scores))
        page.write(_confusion(analysis.confusion, types))
        page.write(
            f'<h2 id="errors">{both("错误", "Errors")} {number(len(analysis.cases))}</h2>\n<div class="layout">\n'
        )
        page.write(f"{_filters(analysis.cases, types)}<main>\n")
        page.writelines(_errors(analysis.cases, documents, types))
        page.write(f"</main>\n</div>\n{FOOT}")


# Scores


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f}"


def _headline(scores: Scores) -> str:
    strict = scores.strict.micro
    figures = [
        (_percent(strict.f1), "严格 F1 (%)", "strict entity, micro"),
        (_percent(strict.precision), "精确率", "precision"),
        (_percent(strict.recall), "召回率", "recall"),
    ]
    text = "".join(f"<div><b>{value}</b>{both(zh, en)}</div>" for value, zh, en in figures)
    about = (
        f"{number(scores.documents)} {both('篇文献', 'documents')} · {number(strict.gold)} {both('处标注', 'in gold')}"
    )
    about += f" · {number(strict.predicted)} {both('处预测', 'predicted')}"
    if interval := scores.strict_f1_interval:
        level = f"{100 * interval.level:g}%"
        about += (
            f" · F1 {both(f'{level} 区间', f'{level} interval')} {_percent(interval.low)}–{_percent(interval.high)}"
        )
    return f'<div class="headline">{text}</div>\n<p class="quiet">{about}</p>\n'


def _views(scores: Scores) -> str:
    views: list[tuple[str, str, Score]] = [
        ("严格:类型与起止都相同", "Strict: same type and span", scores.strict.micro),
        ("重叠:类型相同,至少一字相同", "Overlap: same type, a common character", scores.overlap),
        ("不计类型:起止相同", "Type-blind: same span", scores.type_blind_strict),
        ("不计类型:至少一字相同", "Type-blind: a common character", scores.type_blind_overlap),
        ("按字:BIO 标签,不计 O", "Token: BIO tags without O", scores.tokens.without_o),
    ]
    for name, score in (scores.by_familiarity or {}).items():
        zh, en = FAMILIARITY.get(name, (name, name))
        views.append((f"严格:{zh}", f"Strict: {en}", score))
    strict, accuracy = scores.strict, scores.tokens.accuracy
    rows = [
        *(f"<tr><td>{both(zh, en)}</td>{_score_cells(score)}</tr>\n" for zh, en, score in views),
        f"<tr><td>{both('严格:各类型的平均', 'Strict: mean of the types')}</td>"
        f"{_ratio_cells(strict.macro_precision, strict.macro_recall, strict.macro_f1)}</tr>\n",
        f"<tr><td>{both('标签正确率,计 O', 'Tag accuracy with O')}</td>"
        f'<td class="n" colspan="3">{_percent(accuracy)}</td>{_meter(accuracy)}</tr>\n',
    ]
    return f"<h2>{both('评分', 'Views of the score')}</h2>\n{_score_table('口径', 'View', rows)}"


def _by_type(scores: Scores, types: Types) -> str:
    by_type = scores.strict.by_type
    rows = (
        f'<tr class="{types.css_class(kind.name)}"><td>{type_name(kind)}</td>{_score_cells(by_type[kind.name])}</tr>\n'
        for kind in types.ordered(by_type)
    )
    return f"<h2>{both('各类型,严格', 'By type, strict')}</h2>\n{_score_table('类型', 'Type', rows)}"


def _reliability(scores: Scores) -> str:
    """How far confidences can be taken at their word, where there are any."""
    found = scores.reliability
    if found is None:
        return ""
    about = both(
        "各点提及数相同;在虚线上者,置信度等于精确率。", "Each dot has as many mentions; on the line, both are equal."
    )
    error = f"{both('期望校准误差', 'Expected calibration error')} {found.error:.3f}"
    return f'<h2>{both("置信度", "Confidence")}</h2>\n<p class="quiet">{error} · {about}</p>\n{reliability_plot(found)}'


def _score_table(zh: str, en: str, rows: Iterable[str]) -> str:
    columns = (
        (zh, en, ""),
        ("精确率", "P", "n"),
        ("召回率", "R", "n"),
        ("F1", "F1", "n"),
        ("", "", "bar"),
        ("正确", "Matched", "n"),
        ("标注", "Gold", "n"),
        ("预测", "Predicted", "n"),
    )
    return table(columns, rows, "scores")


def _score_cells(score: Score) -> str:
    counts = (score.matched, score.gold, score.predicted)
    return _ratio_cells(score.precision, score.recall, score.f1) + "".join(
        f'<td class="n">{number(count)}</td>' for count in counts
    )


def _ratio_cells(precision: float, recall: float, f1: float) -> str:
    return "".join(f'<td class="n">{_percent(ratio)}</td>' for ratio in (precision, recall, f1)) + _meter(f1)


def _meter(ratio: float) -> str:
    return f'<td class="bar"><span class="meter"><i style="width:{_percent(ratio)}%"></i></span></td>'


def _confusion(confusion: Mapping[tuple[str, str], int], types: Types) -> str:
    """Gold labels in rows, predicted ones in columns; the last of each is none."""
    labels = [kind.name for kind in types.ordered({label for pair in confusion for label in pair if label})] + [""]
    names = [marked_up(types[label].zh) if label else both("无", "none") for label in labels]
    heads = "".join(f"<th>{name}</th>" for name in names)
    rows = []
    for gold, name in zip(labels, names, strict=True):
        total = sum(confusion.get((gold, predicted), 0) for predicted in labels) or 1
        cells = "".join(
            _confusion_cell(confusion.get((gold, predicted), 0), total, gold == predicted) for predicted in labels
        )
        rows.append(f"<tr><th>{name}</th>{cells}</tr>\n")
    explained = both(
        "行:标注;列:预测。边界不同而类型相同的也在对角线上。",
        "Rows: gold; columns: predicted. Mentions of the right type with another span are on the diagonal too.",
    )
    return (
        f'<h2>{both("类型混淆", "Confusion of types")}</h2>\n<p class="quiet">{explained}</p>\n'
        f'<div class="scroll"><table class="confusion">\n<thead><tr><th></th>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n"
    )


def _confusion_cell(count: int, total: int, same: bool) -> str:
    if not count:
        return "<td></td>"
    return f'<td{" class=same" * same} style="--share:{count / total:.3f}">{number(count)}</td>'


# Errors


def _filters(cases: Iterable[Case], types: Types) -> str:
    kinds: Counter[Kind] = Counter()
    labels: Counter[str] = Counter()
    seen: Counter[bool | None] = Counter()
    for case in cases:
        kinds[case.kind] += 1
        labels[_label(case)] += 1
        seen[case.seen] += 1
    parts = [
        f'<form class="legend screen" autocomplete="off">\n<h2>{both("筛选", "Filter")}</h2>\n',
        f'{filter_hint()}<div class="chips">\n',
        *(chip("kind", kind, both(zh, en), kinds[kind]) for kind, (zh, en, _, _) in KINDS.items() if kinds[kind]),
        "</div>\n",
    ]
    if seen[True] or seen[False]:
        parts.append(f'<h3>{both("训练部分", "Training part")}</h3>\n<div class="chips">\n')
        parts += [chip("familiarity", name, both(zh, en), seen[value]) for value, (name, zh, en) in SEEN.items()]
        parts.append("</div>\n")
    parts.append(type_filter(labels, types))
    parts.append(f'<button type="reset">{both("复原", "Reset")}</button>\n</form>\n')
    return "".join(parts)


def _label(case: Case) -> str:
    """The type under which an error is listed: the gold one, or the predicted one of a spurious mention."""
    entity = case.gold or case.predicted
    assert entity is not None
    return entity.label


def _errors(cases: Iterable[Case], documents: Mapping[str, Document], types: Types) -> Iterator[str]:
    groups: defaultdict[tuple[Kind, str], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.kind, _label(case)].append(case)
    if not groups:
        yield f"<p>{both('没有错误。', 'No error.')}</p>\n"
        return
    yield (
        f'<p class="quiet key"><mark title="gold">{both("实线底色:标注", "filled, solid line: gold")}</mark> '
        f'<mark class="predicted" title="predicted">{both("虚线框:预测", "dashed frame: predicted")}</mark></p>\n'
    )
    for kind, (zh, en, meaning_zh, meaning_en) in KINDS.items():
        kinds = types.ordered(label for other, label in groups if other == kind)
        if not kinds:
            continue
        meaning = both(meaning_zh, meaning_en)
        yield f'<section class="{kind}">\n<h2>{both(zh, en)}</h2>\n<p class="quiet">{meaning}</p>\n'
        for one in kinds:
            group = groups[kind, one.name]
            shown = _spread(group, SHOWN)
            count = number(len(group))
            if len(shown) < len(group):
                count = both(f"显示 {len(shown)} / {count}", f"showing {len(shown)} of {count}")
            yield f'<div class="group {types.css_class(one.name)}">\n<h3>{type_name(one)} · {count}</h3>\n'
            yield '<ol class="cases">\n'
            for case in shown:
                yield from _case(case, documents[case.document_id], types)
            yield "</ol>\n</div>\n"
        yield "</section>\n"


def _spread(cases: Sequence[Case], limit: int) -> Sequence[Case]:
    if len(cases) <= limit:
        return cases
    return [cases[index * len(cases) // limit] for index in range(limit)]


def _case(case: Case, document: Document, types: Types) -> Iterator[str]:
    sides = [(entity, side) for entity, side in ((case.gold, "gold"), (case.predicted, "predicted")) if entity]
    start = max(0, min(entity.start for entity, _ in sides) - CONTEXT)
    end = min(len(document.text), max(entity.end for entity, _ in sides) + CONTEXT)
    entities = [_moved(entity, -start) for entity, _ in sides]

    def opening_tag(index: int, piece: Span) -> str:
        entity, side = entities[index], sides[index][1]
        kind = types[entity.label]
        name = ("标注 " if side == "gold" else "预测 ") + kind.zh
        return mark(
            entity,
            piece,
            f"{side} {types.css_class(entity.label)}",
            name,
            f"{side}: {mention_title(kind, entity.score)}",
        )

    def stretch(first: int, last: int) -> str:
        parts = LINE_GAP.split(document.text[start + first : start + last])
        return '<span class="break"></span>'.join(map(marked_up, parts))

    name, zh, en = ("", "", "") if case.seen is None else SEEN[case.seen]
    yield f'<li class="{name}">'
    yield "…" if start > 0 else ""
    yield from text_with_mentions(document.text[start:end], entities, opening_tag, stretch)
    yield "…" if end < len(document.text) else ""
    hulls = " · ".join(f"{side} [{entity.start}, {entity.end})" for entity, side in sides)
    seen = f" · {both(zh, en)}" if name else ""
    yield f"<small>{marked_up(document.id)} · {attribute(hulls)}{seen}</small></li>\n"


def _moved(entity: Entity, by: int) -> Entity:
    fragments = tuple((start + by, end + by) for start, end in entity.fragments)
    return Entity(entity.label, entity.start + by, entity.end + by, fragments, score=entity.score)
