"""The report: one page with the figures and sentences side by side, edits colored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.edits import Edit, Moves
from suwen.augmentation.figures import Figures, SentencePair
from suwen.augmentation.generation import Augmentation
from suwen.document import Document, Entity, Span
from suwen.pages.page import Types, attribute, mark, on_one_line, text_with_mentions
from suwen.pages.rendering import write_page
from suwen.schema import Schema

__all__ = ["write_report"]

SHOWN_FAILURES = 50

METHODS = {
    "mlm": ("掩码语言模型", "masked language model"),
    "mention": ("实体替换", "mention replacement"),
    "token": ("同标签词替换", "label-wise token replacement"),
    "synonym": ("同义词替换", "synonym replacement"),
    "composition": ("组合", "composition"),
}
COUNTS = {
    "sentences": ("句子", "sentences"),
    "words": ("词", "words"),
    "mentions": ("实体", "mentions"),
    "maskable": ("可掩词", "maskable words"),
    "replaceable": ("可替换", "replaceable"),
    "masked": ("掩去", "masked"),
    "replaced": ("替换", "replaced"),
    "predicted as it was": ("预测与原词相同", "predicted as it was"),
    "without a choice": ("无合适候选", "without a choice"),
    "rejected": ("不成词或成实体，放弃", "given up: no words, or mentions"),
    "undone by the tagger": ("标注器不符，撤销", "undone: the tagger found other entities"),
}
"""Names of the counts, in Chinese and English."""


def write_report(
    path: Path, figures: Figures, augmentation: Augmentation, config: AugmentationConfig, schema: Schema, title: str
) -> None:
    """Write the report as one self-contained page.

    Parameters
    ----------
    schema
        Names and colors of the types.

    Raises
    ------
    SuwenError
        S101, S102 or S105 when it cannot be written.
    """
    types = Types(schema)
    labels = {entity.label for pair in figures.samples for entity in _inside(pair.original, pair.old)}
    failures = list(augmentation.failures.items())
    write_page(
        path,
        "augmentation",
        title=title,
        rules=types.style(labels),
        types=types,
        labels=labels,
        figures=figures,
        config=config,
        methods=METHODS,
        counts=_counts(figures, config),
        failures=failures[:SHOWN_FAILURES],
        failed=len(failures),
        samples=(_sample(pair, types) for pair in figures.samples),
    )


def _counts(figures: Figures, config: AugmentationConfig) -> Iterator[tuple[str, tuple[str, str], int]]:
    """Return rows of method (only once), name of the count, and number; the last rows are totals."""
    for method in [*config.methods, ""]:
        shown = method
        for what, names in COUNTS.items():
            count = figures.counts[f"{method}: {what}" if method else what]
            if count:
                yield shown, names, count
                shown = ""


def _sample(pair: SentencePair, types: Types) -> tuple[str, Iterator[Markup], str, Iterator[Markup]]:
    """Return name and text of the original sentence, and those of the generated one."""
    before = [((edit.start, edit.end), edit) for edit in pair.edits]
    moves = Moves(pair.recipe.edits)
    after = [((moves(edit.start), moves(edit.end)), edit) for edit in pair.edits]
    return (
        pair.recipe.source,
        _sentence(pair.original, pair.old, before, "del", types),
        pair.recipe.id,
        _sentence(pair.generated, pair.new, after, "ins", types),
    )


def _inside(document: Document, span: Span) -> list[Entity]:
    """Return the entities that lie whole in a span."""
    start, end = span
    return [entity for entity in document.entities if start <= entity.start and entity.end <= end]


def _sentence(
    document: Document, span: Span, edits: Sequence[tuple[Span, Edit]], tag: str, types: Types
) -> Iterator[Markup]:
    text = document.text[slice(*span)]
    offset = span[0]
    entities = [entity.moved(-offset) for entity in _inside(document, span)]

    def opening_tag(index: int, piece: Span) -> Markup:
        kind = types[entities[index].label]
        return mark(entities[index], piece, types.css_class(kind.name), kind.zh, kind.title)

    return text_with_mentions(text, entities, opening_tag, _stretcher(text, offset, edits, tag))


def _stretcher(
    text: str, offset: int, edits: Sequence[tuple[Span, Edit]], tag: str
) -> Callable[[int, int], Iterator[Markup]]:
    """Return what makes HTML of a stretch of a sentence, with the edits in it."""

    def stretch(first: int, last: int) -> Iterator[Markup]:
        place = first
        for (start, end), edit in edits:
            start, end = max(first, start - offset), min(last, end - offset)
            if start < end:
                tooltip = f"{edit.old} → {edit.new or '∅'} · {edit.method}"
                tooltip += "" if edit.probability is None else f" · p = {edit.probability:.3g}"
                changed = on_one_line(text[start:end])
                yield on_one_line(text[place:start])
                yield Markup(f'<{tag} title="{attribute(tooltip)}">{changed}</{tag}>')  # noqa: S704
                place = end
        yield on_one_line(text[place:last])

    return stretch
