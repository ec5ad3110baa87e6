"""The error page of relations: scores, gold relations out of reach, and each error in the text around it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from suwen.document import Entity, Span
from suwen.evaluation.relations.analysis import DISTANCES, Kind, Reason, RelationAnalysis, RelationCase, RelationScores
from suwen.evaluation.relations.pairs import RelationKey, RelationPair
from suwen.evaluation.report import CONTEXT, SHOWN, spread
from suwen.evaluation.strict import Score
from suwen.files import StrPath
from suwen.pages.page import Types, as_entity_types, filter_style, mark, mention_title, on_one_line, text_with_mentions
from suwen.pages.reliability_plot import reliability_plot
from suwen.pages.rendering import write_page
from suwen.schema import EntityType, Schema

__all__ = ["KINDS", "REASONS", "write_relation_page"]

KINDS: dict[Kind, tuple[str, str, str, str]] = {
    "missed": ("漏检", "Missed", "标注有，预测没有", "in gold, not predicted"),
    "spurious": ("误检", "Spurious", "预测有，标注没有", "predicted, not in gold"),
    "boundary": ("论元边界错误", "Boundary", "类型相同，论元起止不同", "same type, other argument spans"),
    "type": ("类型错误", "Type", "论元相同，类型不同", "same arguments, other type"),
}
"""Names and meaning of each kind, in Chinese and English."""

REASONS: dict[Reason, tuple[str, str]] = {
    "missing_argument": ("论元不是实体", "an argument is no entity"),
    "self_relation": ("两个论元是同一实体", "both arguments are the same entity"),
    "unknown_type": ("标签集没有此关系类型", "the relation type is not in the label set"),
    "no_such_types": ("没有关系连接这两种实体类型", "no relation type joins these entity types"),
    "other_name": ("关系名与实体类型不符", "the relation type joins other entity types"),
    "too_far": ("论元相距过远", "the arguments are farther apart than the model looks"),
    "no_entity": ("论元未被识别为实体", "an argument is not among the entities that were related"),
}
"""Each reason in Chinese and English."""

LONGEST_STRETCH = 4 * CONTEXT
"""Maximum text between two arguments; longer text is cut in the middle."""


@dataclass(frozen=True, slots=True)
class ShownCase:
    """An error in its text."""

    document: str
    text: Iterable[Markup]
    cut_before: bool
    cut_after: bool
    description: str


@dataclass(frozen=True, slots=True)
class Group:
    """The errors of a kind and type: how many there are, and those shown."""

    type: EntityType
    count: int
    shown: Sequence[ShownCase]


def write_relation_page(
    path: StrPath,
    analysis: RelationAnalysis,
    pairs: Sequence[RelationPair],
    schema: Schema,
    baseline: Score,
    title: str,
) -> None:
    """Write scores and errors of relations as one self-contained page.

    Parameters
    ----------
    analysis
        The result of `analyze_relations` for `pairs`.
    schema
        Names, colors and order of the types.
    baseline
        The strict score of co-occurrence.

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written.
    """
    types, kinds = Types(schema, "e"), Types(as_entity_types(schema))
    by_id = {pair.predicted.id: pair for pair in pairs}
    scores, cases = analysis.scores, analysis.cases
    labels = set(scores.strict.by_type)
    entities = (entity for pair in pairs for entity in (*pair.gold.document.entities, *pair.predicted.entities))
    rules = (
        kinds.style(labels)
        + types.style(entity.label for entity in entities)
        + filter_style("kind", KINDS, "section.{name}{display:none}")
        + filter_style("type", map(kinds.css_class, labels), ".group.{name}{display:none}")
    )
    found = scores.reliability
    write_page(
        path,
        "relation_errors",
        title=title,
        rules=rules,
        types=kinds,
        scores=scores,
        views=_views(scores, baseline),
        lost=[(*REASONS[reason], count) for reason, count in scores.out_of_reach.items()],
        plot=Markup(reliability_plot(found.bins, found.error)) if found else None,  # noqa: S704
        count=len(cases),
        kinds=KINDS,
        by_kind=Counter(case.kind for case in cases),
        by_type=Counter(_key(case)[0] for case in cases),
        groups=_groups(cases, by_id, types, kinds),
    )


def _views(scores: RelationScores, baseline: Score) -> list[tuple[str, str, Score]]:
    """Return every view of the score with its names."""
    views = [
        ("严格：类型与两个论元的起止都相同", "Strict: same type and argument spans", scores.strict.micro),
        ("重叠：类型相同，两个论元都有重叠", "Relaxed: same type, both arguments overlap", scores.relaxed),
        ("基线：同句共现", "Baseline: co-occurrence in a sentence", baseline),
        ("实体：类型与起止都相同", "Entities: same type and span", scores.entities),
    ]
    for name in DISTANCES:
        shown = name.replace("2+", "≥ 2")
        between = f"严格：论元间有 {shown} 个句末标点", f"Strict: {shown} sentence ends between"
        views.append((*between, scores.by_distance[name]))
    return views


def _key(case: RelationCase) -> RelationKey:
    """Return the relation under which an error is listed: the gold one, or the predicted one of a spurious relation."""
    key = case.gold or case.predicted
    assert key is not None
    return key


def _groups(
    cases: Iterable[RelationCase], pairs: Mapping[str, RelationPair], types: Types, kinds: Types
) -> dict[Kind, list[Group]]:
    """Return the errors of each kind by relation type, in the order of the page."""
    found: defaultdict[tuple[Kind, str], list[RelationCase]] = defaultdict(list)
    for case in cases:
        found[case.kind, _key(case)[0]].append(case)
    groups: dict[Kind, list[Group]] = {}
    for kind in KINDS:
        for one in kinds.ordered(label for other, label in found if other == kind):
            group = found[kind, one.name]
            shown = [_shown(case, pairs[case.document_id], types) for case in spread(group, SHOWN)]
            groups.setdefault(kind, []).append(Group(one, len(group), shown))
    return groups


def _shown(case: RelationCase, pair: RelationPair, types: Types) -> ShownCase:
    labels = {
        (entity.start, entity.end): entity.label for entity in (*pair.predicted.entities, *pair.gold.document.entities)
    }
    sides = {"gold": case.gold, "predicted": None if case.kind == "type" else case.predicted}
    marked = [
        (Entity(labels[end], *end), side)
        for side, key in sides.items()
        if key
        for end in dict.fromkeys(key[1:])
        if not isinstance(end, str)
    ]
    document = pair.predicted
    start = max(0, min((entity.start for entity, _ in marked), default=0) - CONTEXT)
    end = min(len(document.text), max((entity.end for entity, _ in marked), default=0) + CONTEXT)
    text = document.text[start:end]
    entities = [entity.moved(-start) for entity, _ in marked]

    def opening_tag(index: int, piece: Span) -> Markup:
        entity, side = entities[index], marked[index][1]
        kind = types[entity.label]
        name = ("标注 " if side == "gold" else "预测 ") + kind.zh
        classes = f"{side} {types.css_class(entity.label)}"
        return mark(entity, piece, classes, name, f"{side}: {mention_title(kind, None)}")

    def stretch(first: int, last: int) -> Iterator[Markup]:
        if last - first <= LONGEST_STRETCH:
            yield on_one_line(text[first:last])
        else:
            yield on_one_line(text[first : first + CONTEXT]) + " … " + on_one_line(text[last - CONTEXT : last])

    shown = text_with_mentions(text, entities, opening_tag, stretch)
    return ShownCase(document.id, shown, start > 0, end < len(document.text), _description(case))


def _description(case: RelationCase) -> str:
    """Describe an error: the relations by their offsets, the confidence, and why the gold one could not be found."""
    parts = [
        f"{side} {key[0]} {_place(key[1])} → {_place(key[2])}"
        for side, key in (("gold", case.gold), ("predicted", case.predicted))
        if key is not None
    ]
    if case.score is not None:
        parts.append(f"confidence {case.score:.2f}")
    if case.reason is not None:
        parts.append(REASONS[case.reason][1])
    return " · ".join(parts)


def _place(end: Span | str) -> str:
    return end if isinstance(end, str) else f"[{end[0]}, {end[1]})"
