"""The page of agreement: figures of every two annotators, and each disagreement in its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING

from markupsafe import Markup

from suwen.annotation.disagreements import Disagreement, disagreements_in
from suwen.document import Entity, Span
from suwen.files import StrPath
from suwen.pages.page import Types, mark, mention_title, on_one_line, text_with_mentions
from suwen.pages.rendering import write_page
from suwen.schema import EntityType, Schema

if TYPE_CHECKING:
    from suwen.annotation.agreement import Agreement, Measure, PairAgreement

__all__ = ["write_agreement_page"]

CONTEXT = 30
"""Characters shown on either side of a disagreement."""
MOST_CONFUSED = 10
SHOWN = 2_000
"""Maximum number of disagreements that are shown; all are counted."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A disagreement in its text: a line for each annotator."""

    document: str
    place: str
    classes: str
    lines: Sequence[tuple[str, Sequence[Markup], bool]]
    """Name, text, and whether the annotator has no mention here."""
    cut_before: bool
    cut_after: bool


def write_agreement_page(path: StrPath, agreement: Agreement, title: str) -> None:
    """Write figures and disagreements as one self-contained page.

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written.
    """
    documents = {document.id: document for found in agreement.annotators.values() for document in found}
    labels = {
        entity.label for found in agreement.annotators.values() for document in found for entity in document.entities
    }
    types = Types(Schema.of_labels(labels))
    found = list(disagreements_in(agreement.annotators))
    counts = Counter(label for one in found for label in _labels(one))
    # A place may hold several types: it is shown if one of them is picked.
    rules = types.style(labels) + "body:has(.type:checked) .cases li{display:none}\n"
    rules += "".join(
        f"body:has(#type-{name}:checked) .cases li.{name}{{display:revert}}\n" for name in map(types.css_class, labels)
    )
    write_page(
        path,
        "agreement",
        title=title,
        rules=rules,
        types=types,
        agreement=agreement,
        means=_means(agreement),
        pairs=[_row(pair) for pair in agreement.pairs],
        by_type=[(kind, _by_type(agreement, kind.name)) for kind in types.ordered(labels)],
        confusions=[(pair, _confused(pair, types)) for pair in agreement.pairs],
        boundaries=_boundaries(agreement),
        disagreements=len(found),
        by_label=counts,
        cases=[_shown(one, documents[one.document].text, types) for one in islice(found, SHOWN)],
    )


def _labels(one: Disagreement) -> set[str]:
    return {entity.label for entities in one.mentions.values() for entity in entities}


def _means(agreement: Agreement) -> list[tuple[str, str, str]]:
    """Return the headline: mean figures of the pairs."""
    return [
        ("严格 F1（%）", "strict F1", _percent(agreement.mean(lambda pair: pair.strict.value))),
        ("部分匹配 F1（%）", "partial F1", _percent(agreement.mean(lambda pair: pair.partial.value))),
        ("κ，计 O", "κ with O", _decimal(agreement.mean(lambda pair: pair.kappa.value))),
        ("κ，不计 O", "κ without O", _decimal(agreement.mean(lambda pair: pair.kappa_without_o.value))),
        ("关系 F1（%）", "relation F1", _percent(agreement.mean(lambda pair: pair.relation_f1))),
        *([("α", "Krippendorff", _decimal(agreement.alpha))] if len(agreement.annotators) > 2 else []),
    ]


def _row(pair: PairAgreement) -> tuple[str, list[tuple[str, str]]]:
    """Return the figures of two annotators, each with its interval."""
    cells = [_with_interval(measure, _percent) for measure in (pair.strict, pair.partial)]
    cells += [_with_interval(measure, _decimal) for measure in (pair.kappa, pair.kappa_without_o)]
    return pair.name, [*cells, (_percent(pair.relation_f1), "")]


def _with_interval(measure: Measure, form: Callable[[float], str]) -> tuple[str, str]:
    interval = measure.interval
    return form(measure.value), f"{form(interval.low)}–{form(interval.high)}" if interval else ""


def _percent(ratio: float) -> str:
    return "–" if isnan(ratio) else f"{100 * ratio:.1f}"


def _decimal(value: float) -> str:
    return "–" if isnan(value) else f"{value:.3f}"


def _by_type(agreement: Agreement, label: str) -> list[tuple[str, str]]:
    """Return strict F1 of each pair for a type, and how many mentions both and either have."""
    cells = []
    for pair in agreement.pairs:
        score = pair.analysis.scores.strict.by_type.get(label)
        counts = f"{score.matched} / {score.gold} / {score.predicted}" if score else ""
        cells.append((_percent(score.f1) if score else "–", counts))
    return cells


def _confused(pair: PairAgreement, types: Types) -> list[tuple[EntityType | None, EntityType | None, int]]:
    """Return the most frequent pairs of types that differ; None stands for no mention."""
    rows = [(ours, theirs, count) for (ours, theirs), count in pair.analysis.confusion.items() if ours != theirs]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    kinds = [[types[label] if label else None for label in row[:2]] for row in rows[:MOST_CONFUSED]]
    return [(ours, theirs, row[2]) for (ours, theirs), row in zip(kinds, rows, strict=False)]


def _boundaries(agreement: Agreement) -> list[tuple[str, str, list[tuple[str, int]]]]:
    """Count by how much boundaries differ, over all pairs."""
    sides = []
    for side, zh in (("start", "起"), ("end", "止")):
        total: Counter[int] = Counter()
        for pair in agreement.pairs:
            total.update(pair.boundaries[side])
        sides.append((zh, side, [(f"{by:+d}" if by else "0", count) for by, count in sorted(total.items())]))
    return sides


def _shown(one: Disagreement, text: str, types: Types) -> _Shown:
    reached = [entity for entities in one.mentions.values() for entity in entities]
    start = max(0, min([one.span[0], *(entity.start for entity in reached)]) - CONTEXT)
    end = min(len(text), max([one.span[1], *(entity.end for entity in reached)]) + CONTEXT)
    return _Shown(
        one.document,
        f"[{one.span[0]}, {one.span[1]})",
        " ".join(sorted(types.css_class(label) for label in _labels(one))),
        _lines(one.mentions, text[start:end], start, types),
        start > 0,
        end < len(text),
    )


def _lines(
    mentions: Mapping[str, Sequence[Entity]], text: str, offset: int, types: Types
) -> list[tuple[str, Sequence[Markup], bool]]:
    lines: list[tuple[str, Sequence[Markup], bool]] = []
    for name, entities in mentions.items():
        moved = [entity.moved(-offset) for entity in entities]

        def opening_tag(index: int, piece: Span, moved: Sequence[Entity] = moved) -> Markup:
            entity = moved[index]
            kind = types[entity.label]
            return mark(entity, piece, types.css_class(entity.label), kind.zh, mention_title(kind, entity.score))

        marked = text_with_mentions(text, moved, opening_tag, lambda start, end: [on_one_line(text[start:end])])
        lines.append((name, list(marked), not moved))
    return lines
