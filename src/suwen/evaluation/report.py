"""The error page: scores, confusion of types, and each error in the text around it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from suwen.document import Document, Span
from suwen.evaluation.analysis import Analysis, Case, Kind
from suwen.evaluation.scores import Scores
from suwen.evaluation.strict import Pair, Score
from suwen.files import StrPath
from suwen.pages.page import Types, filter_style, mark, mention_title, on_one_line, text_with_mentions
from suwen.pages.reliability_plot import reliability_plot
from suwen.pages.rendering import write_page
from suwen.schema import EntityType, Schema

__all__ = ["CONTEXT", "SHOWN", "spread", "write_error_page"]

T = TypeVar("T")

CONTEXT = 30
"""Characters shown on either side of an error."""

SHOWN = 50
"""Errors shown of each kind and type; more are counted, and those shown are spread evenly over the documents."""

KINDS: dict[Kind, tuple[str, str, str, str]] = {
    "missed": ("漏检", "Missed", "标注有，预测没有", "in gold, not predicted"),
    "spurious": ("误检", "Spurious", "预测有，标注没有", "predicted, not in gold"),
    "boundary": ("边界错误", "Boundary", "类型相同，起止不同", "same type, other span"),
    "type": ("类型错误", "Type", "起止相同，类型不同", "same span, other type"),
    "boundary_and_type": (
        "边界和类型错误",
        "Boundary and type",
        "有重叠，起止与类型都不同",
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

VIEWS = (
    ("严格：类型与起止都相同", "Strict: same type and span"),
    ("重叠：类型相同，至少一字相同", "Overlap: same type, a common character"),
    ("不计类型：起止相同", "Type-blind: same span"),
    ("不计类型：至少一字相同", "Type-blind: a common character"),
    ("按字：BIO 标签，不计 O", "Token: BIO tags without O"),
)


@dataclass(frozen=True, slots=True)
class ShownCase:
    """An error in its text."""

    document: str
    text: Iterable[Markup]
    cut_before: bool
    cut_after: bool
    places: str
    seen: tuple[str, str, str]
    """As in `SEEN`; empty strings where it is unknown."""


@dataclass(frozen=True, slots=True)
class Group:
    """The errors of a kind and type: how many there are, and those shown."""

    type: EntityType
    count: int
    shown: Sequence[ShownCase]


def write_error_page(path: StrPath, analysis: Analysis, pairs: Sequence[Pair], schema: Schema, title: str) -> None:
    """Write scores and errors as one self-contained page.

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
    types = Types(schema)
    documents = {pair.predicted.id: pair.predicted for pair in pairs}
    scores, cases = analysis.scores, analysis.cases
    labels = {label for pair in analysis.confusion for label in pair if label} | set(scores.strict.by_type)
    rules = (
        types.style(labels)
        + filter_style("kind", KINDS, "section.{name}{display:none}")
        + filter_style("type", map(types.css_class, labels), ".group.{name}{display:none}")
        + filter_style("familiarity", (name for name, _, _ in SEEN.values()), ".cases .{name}{display:none}")
    )
    found = scores.reliability
    write_page(
        path,
        "errors",
        title=title,
        rules=rules,
        types=types,
        scores=scores,
        views=_views(scores),
        plot=Markup(reliability_plot(found.bins, found.error)) if found else None,  # noqa: S704
        confused=[*types.ordered(label for pair in analysis.confusion for label in pair if label), None],
        confusion=_confusion(analysis.confusion, types),
        cases=cases,
        kinds=KINDS,
        by_kind=Counter(case.kind for case in cases),
        by_type=Counter(map(_label, cases)),
        by_familiarity=[(*names, sum(case.seen is value for case in cases)) for value, names in SEEN.items()],
        groups=_groups(cases, documents, types),
    )


def _views(scores: Scores) -> list[tuple[str, str, Score]]:
    """Return every view of the score with its names."""
    strict, overlap = scores.strict.micro, scores.overlap
    figures = (strict, overlap, scores.type_blind_strict, scores.type_blind_overlap, scores.tokens.without_o)
    views = [(zh, en, score) for (zh, en), score in zip(VIEWS, figures, strict=True)]
    for name, score in (scores.by_familiarity or {}).items():
        zh, en = FAMILIARITY.get(name, (name, name))
        views.append((f"严格：{zh}", f"Strict: {en}", score))
    return views


def _confusion(confusion: Mapping[tuple[str, str], int], types: Types) -> list[list[tuple[int, float]]]:
    """Return counts and shares of a row's total: gold labels in rows, predicted ones in columns, the last is none."""
    labels = [kind.name for kind in types.ordered({label for pair in confusion for label in pair if label})] + [""]
    rows = []
    for gold in labels:
        counts = [confusion.get((gold, predicted), 0) for predicted in labels]
        total = sum(counts) or 1
        rows.append([(count, count / total) for count in counts])
    return rows


def _label(case: Case) -> str:
    """Return the type under which an error is listed: the gold one, or the predicted one of a spurious mention."""
    entity = case.gold or case.predicted
    assert entity is not None
    return entity.label


def _groups(cases: Iterable[Case], documents: Mapping[str, Document], types: Types) -> dict[Kind, list[Group]]:
    """Return the errors of each kind by type, in the order of the page."""
    found: defaultdict[tuple[Kind, str], list[Case]] = defaultdict(list)
    for case in cases:
        found[case.kind, _label(case)].append(case)
    groups: dict[Kind, list[Group]] = {}
    for kind in KINDS:
        for one in types.ordered(label for other, label in found if other == kind):
            group = found[kind, one.name]
            shown = [_shown(case, documents[case.document_id], types) for case in spread(group, SHOWN)]
            groups.setdefault(kind, []).append(Group(one, len(group), shown))
    return groups


def spread(cases: Sequence[T], limit: int) -> Sequence[T]:
    """Return at most `limit` cases, spread evenly."""
    if len(cases) <= limit:
        return cases
    return [cases[index * len(cases) // limit] for index in range(limit)]


def _shown(case: Case, document: Document, types: Types) -> ShownCase:
    sides = [(entity, side) for entity, side in ((case.gold, "gold"), (case.predicted, "predicted")) if entity]
    start = max(0, min(entity.start for entity, _ in sides) - CONTEXT)
    end = min(len(document.text), max(entity.end for entity, _ in sides) + CONTEXT)
    text = document.text[start:end]
    entities = [entity.moved(-start) for entity, _ in sides]

    def opening_tag(index: int, piece: Span) -> Markup:
        entity, side = entities[index], sides[index][1]
        kind = types[entity.label]
        name = ("标注 " if side == "gold" else "预测 ") + kind.zh
        classes = f"{side} {types.css_class(entity.label)}"
        return mark(entity, piece, classes, name, f"{side}: {mention_title(kind, entity.score)}")

    def stretch(first: int, last: int) -> Iterator[Markup]:
        yield on_one_line(text[first:last])

    return ShownCase(
        document.id,
        text_with_mentions(text, entities, opening_tag, stretch),
        start > 0,
        end < len(document.text),
        " · ".join(f"{side} [{entity.start}, {entity.end})" for entity, side in sides),
        ("", "", "") if case.seen is None else SEEN[case.seen],
    )
