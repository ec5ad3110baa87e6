"""The report: one page with the figures and sentences side by side, edits colored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.edits import Edit, Moves
from suwen.augmentation.figures import Figures, SentencePair
from suwen.augmentation.generation import Augmentation
from suwen.document import Document, Entity, Span
from suwen.files import replacing
from suwen.pages.page import (
    FOOT,
    LINE_GAP,
    Types,
    attribute,
    both,
    head,
    mark,
    marked_up,
    number,
    table,
    text_with_mentions,
)
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
    "rejected": ("不成词或成实体,放弃", "given up: no words, or mentions"),
    "undone by the tagger": ("标注器不符,撤销", "undone: the tagger found other entities"),
}
"""Names of what is counted, in Chinese and English."""

STYLE = """
.headline{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;margin:1rem 0}
.headline div{line-height:1.3}
.headline b{display:block;font-size:1.9rem;font-weight:600;font-variant-numeric:tabular-nums}
.narrow table{width:auto}
.words{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.1rem 2rem;list-style:none;
margin:0;padding:0;font-size:.92rem}
.words li{display:flex;gap:.5em;align-items:baseline;border-bottom:1px solid var(--line);padding:.15rem 0}
.words .n{margin-left:auto;color:var(--quiet);font-size:.85em}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;align-items:baseline}
.key>span{white-space:nowrap}
.pairs{list-style:none;margin:0;padding:0}
.pairs li{display:grid;grid-template-columns:1fr 1fr;gap:0 2.25rem;padding:.6rem 0;border-bottom:1px solid var(--line);
line-height:1.95;overflow-wrap:anywhere}
.pairs small{grid-column:1/-1;color:var(--quiet);font-size:.75rem;line-height:1.5}
del,ins{text-decoration:none;border-radius:3px;padding:.1em .12em}
del{background:color-mix(in srgb,#d1483b 22%,transparent);
text-decoration:line-through color-mix(in srgb,#d1483b 75%,transparent) 1.5px}
ins{background:color-mix(in srgb,#2f9a57 28%,transparent);font-weight:600}
.pairs mark,.key mark{background:none;border-bottom:2px solid var(--c);border-radius:0;padding:0 .02em .04em;margin:0}
.pairs mark::after{content:none}
.break::before{content:"↵";color:var(--quiet);font-size:.7em}
@media screen and (max-width:48rem){.pairs li{grid-template-columns:1fr;gap:.35rem}}
@media print{.pairs li{break-inside:avoid}}
"""


def write_report(
    path: Path, figures: Figures, augmentation: Augmentation, config: AugmentationConfig, schema: Schema, title: str
) -> None:
    """Write a page that stands alone.

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
    labels = {entity.label for pair in figures.samples for entity, _ in _inside(pair.original, pair.old)}
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as page:
        page.write(head(title, STYLE + types.style(labels)))
        page.write(f"<header>\n<h1>{marked_up(title)}</h1>\n{_headline(figures, config)}</header>\n")
        page.write(_counts(figures, config))
        page.write(_substitutions(figures))
        page.write(_failures(augmentation))
        page.writelines(_samples(figures.samples, types, labels))
        page.write(FOOT)


def _headline(figures: Figures, config: AugmentationConfig) -> str:
    documents, rates = figures.documents, figures.rates
    shown = [
        (number(documents["generated"]), "生成文献", "documents generated"),
        (_percent(rates["characters"]), "字改动率 (%)", "characters changed"),
        *([(_percent(rates["words"]), "词改动率 (%)", "words changed")] if "words" in rates else []),
        (_percent(rates["sentences"]), "改动的句子 (%)", "sentences changed"),
    ]
    if figures.perplexity:
        before, after = figures.perplexity["before"], figures.perplexity["after"]
        shown.append((f"{before:,.1f} → {after:,.1f}", "伪困惑度,前 → 后", "pseudo-perplexity, before → after"))
    text = "".join(f"<div><b>{value}</b>{both(zh, en)}</div>" for value, zh, en in shown)
    names = " + ".join(both(*METHODS[method]) for method in config.methods)
    about = f"{names} · preset {marked_up(config.preset)} · seed {config.seed} · "
    about += f"{number(documents['originals'])} {both('篇原文', 'originals')}"
    for count, zh, en in (
        (documents["near_copies_removed"], "篇近似重复已移除", "near-copies removed"),
        (documents["failed"], "篇失败,保持原样", "failed and kept as they were"),
    ):
        if count:
            about += f" · {number(count)} {both(zh, en)}"
    if figures.perplexity:
        of = f"{figures.perplexity['sentences']:,.0f}"
        about += f" · {both(f'困惑度取自 {of} 句', f'perplexity of {of} sentences')}"
    return f'<div class="headline">{text}</div>\n<p class="quiet">{about}</p>\n'


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f}"


def _counts(figures: Figures, config: AugmentationConfig) -> str:
    rows = []
    for method in [*config.methods, ""]:
        name = both(*METHODS[method]) if method else ""
        for what, names in COUNTS.items():
            count = figures.counts[f"{method}: {what}" if method else what]
            if count:
                rows.append(f'<tr><td>{name}</td><td>{both(*names)}</td><td class="n">{number(count)}</td></tr>\n')
                name = ""
    columns = (("方法", "Method", ""), ("项目", "Counted", ""), ("数量", "Number", "n"))
    return f'<h2>{both("计数", "Counts")}</h2>\n<div class="narrow">{table(columns, rows)}</div>'


def _substitutions(figures: Figures) -> str:
    items = "".join(
        f"<li><span><del>{marked_up(old)}</del> → <ins>{marked_up(new) or '∅'}</ins></span>"
        f'<span class="n">{number(count)}</span></li>\n'
        for old, new, count in figures.substitutions
    )
    return f'<h2>{both("最常见的替换", "Most frequent substitutions")}</h2>\n<ul class="words">\n{items}</ul>\n'


def _failures(augmentation: Augmentation) -> str:
    if not augmentation.failures:
        return ""
    failures = list(augmentation.failures.items())
    rows = [f"<tr><td>{marked_up(name)}</td><td>{marked_up(reason)}</td></tr>\n" for name, reason in failures]
    columns = (("文献", "Document", ""), ("原因", "Reason", ""))
    heading = both("失败,保持原样", "Failed and kept as they were")
    return f"<h2>{heading} {number(len(rows))}</h2>\n{table(columns, rows[:SHOWN_FAILURES])}"


def _samples(samples: Sequence[SentencePair], types: Types, labels: set[str]) -> Iterator[str]:
    yield f"<h2>{both('例句', 'Samples')} {number(len(samples))}</h2>\n"
    names = "".join(
        f'<span><mark class="{types.css_class(kind.name)}">&emsp;</mark> {both(kind.zh, kind.en)}</span>'
        for kind in types.ordered(labels)
    )
    edits = f"<span><del>{both('原词', 'before')}</del></span><span><ins>{both('新词', 'after')}</ins></span>"
    yield f'<p class="quiet key">{edits}{names}</p>\n<ol class="pairs">\n'
    for pair in samples:
        yield f"<li><small>{marked_up(pair.recipe.source)} → {marked_up(pair.recipe.id)}</small>\n<div>"
        before = [((edit.start, edit.end), edit) for edit in pair.edits]
        yield from _sentence(pair.original, pair.old, before, "del", types)
        yield "</div>\n<div>"
        moves = Moves(pair.recipe.edits)
        after = [((moves(edit.start), moves(edit.end)), edit) for edit in pair.edits]
        yield from _sentence(pair.generated, pair.new, after, "ins", types)
        yield "</div></li>\n"
    yield "</ol>\n"


def _inside(document: Document, span: Span) -> list[tuple[Entity, Span]]:
    """The entities that lie whole in a span, with what they show there."""
    start, end = span
    return [(entity, span) for entity in document.entities if start <= entity.start and entity.end <= end]


def _sentence(
    document: Document, span: Span, edits: Sequence[tuple[Span, Edit]], tag: str, types: Types
) -> Iterator[str]:
    text = document.text[slice(*span)]
    offset = span[0]
    entities = [
        Entity(
            entity.label,
            entity.start - offset,
            entity.end - offset,
            tuple((start - offset, end - offset) for start, end in entity.fragments),
        )
        for entity, _ in _inside(document, span)
    ]

    def opening_tag(index: int, piece: Span) -> str:
        kind = types[entities[index].label]
        return mark(entities[index], piece, types.css_class(kind.name), kind.zh, f"{kind.zh} {kind.en}")

    yield from text_with_mentions(text, entities, opening_tag, _stretcher(text, offset, edits, tag))


def _stretcher(text: str, offset: int, edits: Sequence[tuple[Span, Edit]], tag: str) -> Callable[[int, int], str]:
    """What makes HTML of a stretch of a sentence, with the edits in it."""

    def stretch(first: int, last: int) -> str:
        parts, place = [], first
        for (start, end), edit in edits:
            start, end = max(first, start - offset), min(last, end - offset)
            if start < end:
                told = f"{edit.old} → {edit.new or '∅'} · {edit.method}"
                told += "" if edit.probability is None else f" · p = {edit.probability:.3g}"
                parts += [plain(place, start), f'<{tag} title="{attribute(told)}">', plain(start, end), f"</{tag}>"]
                place = end
        return "".join(parts) + plain(place, last)

    def plain(first: int, last: int) -> str:
        return '<span class="break"></span>'.join(map(marked_up, LINE_GAP.split(text[first:last])))

    return stretch
